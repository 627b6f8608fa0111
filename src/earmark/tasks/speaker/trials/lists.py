"""Utterances and trials: what the lists beside a manifest of speakers say, checked against it.

An utterance is one recording or several that are joined, and has a name; by default its path. A trial is a pair of
utterances and whether one speaker said both. utterances.csv has the columns utterance, label and paths (separated by
semicolons), trials.csv a, b and same (1 or 0) and perhaps split; VoxCeleb's lists have lines `1 a b`.
"""

import difflib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from earmark.data import splits
from earmark.data.manifest import read_csv
from earmark.data.names import Paths, name_matcher
from earmark.errors import EarmarkError

Warn = Callable[[str], None]
VOXCELEB1 = ("veri_test2.txt", "veri_test.txt", "list_test_all2.txt", "list_test_all.txt")  # cleaned before original


def join(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A manifest with `utterance` from utterances.csv; recordings of an utterance stand in its order.

    A recording that is in no utterance is one of its own. Raises EarmarkError naming the line.
    """
    facts, reviewed = _facts(table), "reviewed_from" in table
    listed = read_csv(path, ("utterance", "label", "paths"))
    listed.index = [f"{path}, line {line}" for line in listed.index]
    again = listed.utterance.duplicated()
    if again.any():
        raise EarmarkError(f"{again.idxmax()} lists '{listed.utterance[again.idxmax()]}' again; give each one row.")
    utterance_of: dict[str, str] = {}
    paths, meant = Paths(path.parent), name_matcher(table.path)
    for where, row in listed.iterrows():
        for part in (meant(paths.below(p.strip()) or p.strip()) for p in row.paths.split(";") if p.strip()):
            if reviewed and part not in facts:
                continue  # a review, which is newer, left it out
            if part in utterance_of:
                raise EarmarkError(f"{where}: '{part}' is already in '{utterance_of[part]}'; keep it in one utterance.")
            _check_part(f"{where}: the utterance '{row.utterance}'", row, part, facts)
            utterance_of[part] = row.utterance
    place = {part: n for n, part in enumerate(utterance_of)}
    table = table.iloc[sorted(range(len(table)), key=lambda i: place.get(table.path.iloc[i], len(place)))]
    return table.assign(utterance=[utterance_of.get(p, p) for p in table.path])


def _facts(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    """What utterances.csv must not contradict, by path: but for labels that a review, which is newer, corrected."""
    columns = [name for name in ("label", "split", "utterance") if name in table]
    facts = table.set_index("path")[columns].to_dict("index")
    for path in table.path[table.get("reviewed_from", pd.Series("", table.index)) != ""]:
        del facts[path]["label"]
    return facts


def _check_part(where: str, row: pd.Series, part: str, facts: dict[str, dict[str, str]]) -> None:
    """Refuse a part of an utterance that manifest.csv lacks or knows otherwise."""
    if part not in facts:
        raise EarmarkError(f"{where} names '{part}', which manifest.csv lacks{_hint(part, facts)}")
    for name, said in facts[part].items():
        same = splits.plain_name if name == "split" else str.strip
        if name in row and said.strip() and same(row[name]) not in ("", same(said)):
            what = "speaker" if name == "label" else name
            raise EarmarkError(
                f"{where} is of {what} '{row[name]}', but '{part}' of '{said}' in manifest.csv; correct one of them."
            )


def _hint(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known)[:10000], n=1)  # slow on many
    return f" (did you mean '{close[0]}'?); correct the name." if close else "; correct the name, or add it."


def of_folder(root: Path, warn: Warn) -> pd.DataFrame | None:
    """The trials of trials.csv (a, b, same and perhaps split; all text), by place, or None without one."""
    path = root / "trials.csv"
    if not path.exists():
        return None
    table, paths = read_csv(path, ("a", "b", "same")), Paths(root)
    for side in ("a", "b"):
        table[side] = [(paths.below(name) if os.path.isabs(name) else None) or name for name in table[side]]
    return table.set_axis([f"{path}, line {line}" for line in table.index])


def of_voxceleb1(root: Path, warn: Warn) -> pd.DataFrame | None:
    """The trials of the first of VoxCeleb1's lists in `root` (a, b, same), by place, or None without one."""
    present = [root / name for name in VOXCELEB1 if (root / name).exists()]
    if not present:
        return None
    if len(present) > 1:
        warn(f"{root} holds {' and '.join(p.name for p in present)}: the trials of {present[0].name} are used.")
    lines = enumerate(present[0].read_text(encoding="utf-8").splitlines(), 1)
    rows = {f"{present[0]}, line {n}": line.split() for n, line in lines if line.strip()}
    for where, fields in rows.items():
        if len(fields) != 3:
            raise EarmarkError(
                f"{where}: '{' '.join(fields)}' is not a trial such as 1 id10270/x6uYqmx31kE/00001.wav b.wav."
            )
    found = [(f"wav/{a}", f"wav/{b}", same) for same, a, b in rows.values()]
    return pd.DataFrame(found, index=list(rows), columns=["a", "b", "same"])


def load(path: Path) -> pd.DataFrame:
    """The trials that the prepare stage wrote: split, a, b (utterances), same (1 or 0)."""
    if not path.exists():
        raise EarmarkError(f"{path} is missing; run `dvc repro` first.")
    kinds = {"split": str, "a": str, "b": str, "same": int}
    return pd.read_csv(path, dtype=kinds, keep_default_na=False)


def usable(given: pd.DataFrame, table: pd.DataFrame, quarantined: pd.DataFrame, warn: Warn) -> pd.DataFrame | None:
    """The `trials` of a list that a source brings; None, which `warn` says, where none of them is left."""
    kept = trials(given, table, set(quarantined.utterance) - set(table.utterance), warn)
    if len(kept):
        return kept
    warn("None of the given trials is left, so trials are drawn.")
    return None


def check(given: pd.DataFrame, table: pd.DataFrame) -> None:
    """Raise EarmarkError, naming the line, where a given trial contradicts a table of path, label and utterance."""
    speaker_of = table.drop_duplicates("utterance").set_index("utterance").label
    meant = name_matcher(speaker_of.index)
    given = given.assign(a=given.a.map(meant), b=given.b.map(meant))
    _refuse_unknown(given, set(speaker_of.index))
    _refuse_wrong(given, *(speaker_of.loc[given[side]].set_axis(given.index) for side in ("a", "b")))


def trials(given: pd.DataFrame, table: pd.DataFrame, lost: set[str], warn: Warn) -> pd.DataFrame:
    """The given trials that can be used, checked: split (train, val or test), a, b (utterances), same (1 or 0).

    table: the split manifest. lost: utterances without a usable recording; their trials are left out, as are those
    between two splits where the list itself names no split, and `warn` says how many. Raises EarmarkError naming the
    line.
    """
    facts = table.drop_duplicates("utterance").set_index("utterance")
    meant = name_matcher(set(facts.index) | lost)
    given = given.assign(a=given.a.map(meant), b=given.b.map(meant))
    _refuse_unknown(given, set(facts.index) | lost)
    whole = given[~given.a.isin(lost) & ~given.b.isin(lost)]
    if len(whole) < len(given):
        warn(f"left out {len(given) - len(whole)} of {len(given)} trials, for lack of a usable recording.")
    sides = [facts.loc[whole[side]].set_axis(whole.index) for side in ("a", "b")]
    _refuse_wrong(whole, *(side.label for side in sides))
    if "split" in whole:
        _refuse_misplaced(whole, *(side["fold" if "fold" in side else "split"] for side in sides))
    within = sides[0]["split"] == sides[1]["split"]
    if not within.all():
        warn(f"left out {(~within).sum()} of {len(given)} trials, between speakers of two splits.")
    kept = whole[within]
    columns = {"split": sides[0]["split"][within], "a": kept.a, "b": kept.b, "same": kept.same.astype(int)}
    return pd.DataFrame(columns).reset_index(drop=True)


def _refuse_unknown(given: pd.DataFrame, known: set[str]) -> None:
    for side in ("a", "b"):
        missing = ~given[side].isin(known)
        if missing.any():
            where = missing.idxmax()
            name = given[side][where]
            raise EarmarkError(f"{where}: no recording belongs to the utterance '{name}'{_hint(name, sorted(known))}")
    wrong = ~given.same.isin(["0", "1"])
    if wrong.any():
        where = wrong.idxmax()
        raise EarmarkError(
            f"{where}: same is '{given.same[where]}'; write 1 for the same speaker, 0 for different ones."
        )


def _refuse_wrong(given: pd.DataFrame, one: pd.Series, other: pd.Series) -> None:
    wrong = (one == other) != (given.same == "1")
    if wrong.any():
        where = wrong.idxmax()
        raise EarmarkError(
            f"{where}: same is {given.same[where]}, but '{given.a[where]}' is of speaker '{one[where]}' and "
            f"'{given.b[where]}' of '{other[where]}'; correct the trial or the manifest."
        )
    alone = given.a == given.b
    if alone.any():
        raise EarmarkError(f"{alone.idxmax()} pairs '{given.a[alone.idxmax()]}' with itself; remove that trial.")


def _refuse_misplaced(given: pd.DataFrame, one: pd.Series, other: pd.Series) -> None:
    named, (one_plain, other_plain) = given["split"].str.strip(), (side.map(splits.plain_name) for side in (one, other))
    plain = named.map(splits.plain_name)
    wrong = (one_plain != plain) | (other_plain != plain)
    if wrong.any():
        where = wrong.idxmax()
        raise EarmarkError(
            f"{where} is a trial of the split '{named[where]}', but '{given.a[where]}' is in '{one[where]}' and "
            f"'{given.b[where]}' in '{other[where]}'; a trial lies within one split: correct it, or leave that column "
            "out."
        )
