"""Recordings that a model met in training, known by the hash of their bytes, among those that it is to be judged on."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.console import printable
from earmark.data.walking import counted, some
from earmark.errors import EarmarkError

UNKNOWN = (
    "It is not known whether the model was trained on any of these recordings, because it has no list of its "
    "training recordings (earlier releases wrote none): if it was, the figures are too good."
)


@dataclass
class Learnt:
    """What a model met, and what is done with it where it is judged.

    sha256: of the recordings that it was trained and validated on; None where nobody knows. judged: whether they count
    all the same. met: paths of those that a folder holds, and n_left_out: how many recordings were left out for them,
    once the folder was looked at.
    """

    sha256: Collection[str] | None
    judged: bool = False
    met: list[str] = field(default_factory=list)
    n_left_out: int = 0

    def leave(self, table: pd.DataFrame, key: str, root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
        """The rows to judge: without those that the model met, and without others of their group or speaker.

        table: recordings below `root`, with path and sha256. key: the column whose values belong together: group, or
        label, a speaker's. Raises EarmarkError where nothing is left.
        """
        if self.sha256 is None:
            warn(UNKNOWN)
            return table
        known = table.sha256.isin(set(self.sha256))
        self.met = table.path[known].tolist()
        if not self.met:
            return table
        near = table[key].isin(set(table[key][known]))
        said = self._said(table, known, near, "speaker" if key == "label" else key, root)
        warn(said)
        if self.judged:
            return table
        self.n_left_out = int(near.sum())
        return table[~near].reset_index(drop=True)

    def _said(self, table: pd.DataFrame, known: pd.Series, near: pd.Series, key: str, root: Path) -> str:
        """A sentence on the recordings that the model met."""
        n, more = len(self.met), int(near.sum() - known.sum())
        have = f"{n} of {counted(len(table), 'recording')} in {printable(root)} {'are' if n != 1 else 'is'}"
        have += f" among those that the model was trained or validated on ({printable(some(self.met))})"
        if self.judged:
            return f"{have}: the figures are too good."
        if near.all():
            rest = f", and the rest ({more}) belong to the same {key}s" if more else ""
            raise EarmarkError(
                f"{have}{rest}, so none is left to score; name a folder of other recordings, or score all of them with "
                "--with-training."
            )
        others = f", with {more} more of the same {key}s" if more else ""
        return f"{have}: left out{others}; --with-training judges them, too."

    def plain(self) -> dict[str, Any] | None:
        """What score.json says of it; None where nothing is known."""
        if self.sha256 is None:
            return None
        return {"met": self.met, "judged": self.judged, "n_left_out": self.n_left_out}
