"""The checks that parsing a study file repeats; each ends in one sentence with the file's name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError, nearest
from earmark.tasks import catalog, overrides

# Columns of the table, which a factor's own column must not hide.
RESERVED = {"split_by", "folds", "seeds", "low", "high", "sd_folds", "macro_f1", "ece", "val_accuracy"}
RESERVED |= {"best_epoch", "last_lr", "epochs_to_60", "cpu_seconds", "wall_seconds", "parameters", "refused"}
RESERVED |= {"reference_test", "reference_val", "reference_epochs_to_60", "reference_note"}
RESERVED |= {"sd_crops", "crops_low", "crops_high"}
RESERVED |= {
    f"{name}{end}"
    for task in catalog.names()
    for name in catalog.task(task).study_figures
    for end in ("", "_low", "_high")
}


class Checks:
    """Checks about one study file."""

    def __init__(self, file: Path, task: str):
        self.file = file
        self.task = task
        self.splits_named = set()

    def that(self, condition: bool, sentence: str) -> None:
        """Raise `sentence` with the file's name unless the condition holds."""
        if not condition:
            raise EarmarkError(f"{self.file}: {sentence}")

    def mapping(self, raw: Any, what: str) -> dict:
        """`raw`, which must hold keys and values."""
        self.that(isinstance(raw, dict), f"{what} must hold keys and values, not {raw!r} ({{}} for none).")
        return raw

    def known(self, words: Iterable[str], known: Iterable[str], what: str, why: str = "which does not exist") -> None:
        """Refuse the first word that is not known, with its nearest."""
        known = list(known)
        for word in words:
            self.that(str(word) in known, f"{what} '{word}', {why}; {nearest(str(word), known)}")

    def choice(self, said: dict[str, Any], key: str, known: tuple[str, ...]) -> None:
        """Refuse a value that is none of the known words."""
        self.that(said[key] in known, f"{key} is '{said[key]}'; {nearest(str(said[key]), known)}")

    def today(self, what: str, value: Any, former: Mapping[str, str]) -> None:
        """Refuse a value of before, with its name of today."""
        now = former.get(value) if isinstance(value, str) else None
        self.that(now is None, f"{what} '{value}' is now '{now}'; write that.")

    def seeds(self, raw: Any, what: str) -> list[int]:
        """`raw`, which must list different whole numbers from 0."""
        whole = isinstance(raw, list) and all(type(s) is int and s >= 0 for s in raw)
        different = whole and 0 < len(raw) == len(set(raw))
        self.that(different, f"{what} must list different whole numbers, none below 0, as in [1, 2].")
        return raw

    def overrides(self, raw: Any, who: str, known: set[str], splits: tuple[str, ...] = ()) -> dict[str, Any]:
        """Dotted keys and values of a level or a base, all of which exist; a level may also set `split`."""
        former = overrides.former_values(catalog.task(self.task).settings) if self.task in catalog.names() else {}
        for key, value in self.mapping(raw, who).items():
            self.today(f"{who}: {key}", value, former.get(key, {}))
            if key not in known:
                hint = self._hint(key, known)
                raise EarmarkError(f"{self.file}: {who} sets '{key}', which is not a key of tasks.{self.task}; {hint}")
            if key == "split":
                self.that(value in splits, f"{who}: split is '{value}'; {nearest(str(value), splits)}")
                self.splits_named.add(value)
        return dict(raw)

    def _hint(self, key: Any, known: set[str]) -> str:
        """What the key is called now, the nearest one, or, where none is near, the keys of the nearest block."""
        if self.task in catalog.names() and (now := overrides.new_key(catalog.task(self.task).settings, str(key))):
            return f"it is {now} now."
        hint = nearest(str(key), known)
        if not hint.startswith("known:"):
            return hint
        block = str(key).split(".")[0]
        return nearest(str(key), [k for k in known if k.split(".")[0] == block] or {k.split(".")[0] for k in known})
