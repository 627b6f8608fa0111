"""The table of recordings: its files, what they hold as a whole, and its hash.

What is true of a recording stands in `label`, a class, or in `lab`, a file of chords; a prepared table of chords has
no `label`.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import splits, text_table
from earmark.data.names import Paths, nfc
from earmark.data.walking import walk
from earmark.errors import EarmarkError

Warn = Callable[[str], None]
REQUIRED = ("path", "label", "group")
FILES = ("path", "lab", "key_lab")  # columns that name files below the folder
AS_WRITTEN = (*FILES, "paths", "a", "b")  # where two forms of a name may be two files
CLIPS_S = (1, 2, 2.5, 4, 5, 8, 10, 30)
PERCENTILES = (5, 10, 25, 50, 75, 80, 90, 95)


def _silent(sentence: str) -> None:
    """Nobody asked for what is remarkable."""


def read_table(path: Path, required: tuple[str, ...] = REQUIRED, warn: Warn = _silent) -> pd.DataFrame:
    """A manifest as strings, one row a recording, indexed by the line it stands on.

    Its paths are below its own folder, as the disk has them; one that leaves the folder stays as it is, for `inside` to
    refuse. `split` holds train, val and test, or folds; `warn` says what was taken for which, and which recordings no
    row names. Raises EarmarkError naming the column or the line.
    """
    table = read_csv(path, required)
    paths = Paths(path.parent)
    for column in FILES:
        if column in table:
            table[column] = [(paths.below(said) or said) if said else "" for said in table[column]]
    _refuse_repeated(table, path)
    walk(path.parent, lenient=True).tell_unlisted(table.path, path.name, warn)
    return with_splits(table, path, warn)


def read_csv(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """A CSV as strings, stripped, indexed by line; the `required` columns are filled in every row.

    Raises EarmarkError naming the column or the line.
    """
    columns, rows = text_table.read(path, required)
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns)
    for column in columns:
        if column not in AS_WRITTEN:
            table[column] = table[column].map(nfc)
    for column in required:
        _refuse_empty(table, column, path)
    if not len(table):
        raise EarmarkError(f"{path} lists no recordings; add a row for each.")
    return table


def _refuse_empty(table: pd.DataFrame, column: str, path: Path) -> None:
    if (table[column] == "").any():
        line = table.index[table[column] == ""][0]
        raise EarmarkError(f"{path}, line {line}: '{column}' is empty; fill it in.")


def _refuse_repeated(table: pd.DataFrame, path: Path) -> None:
    repeated = table.path[table.path.duplicated()]
    if len(repeated):
        lines = " and ".join(map(str, table.index[table.path == repeated.iloc[0]][:2]))
        raise EarmarkError(f"{path} lists '{repeated.iloc[0]}' twice, on lines {lines}; keep one row per recording.")


def with_splits(table: pd.DataFrame, path: Path, warn: Warn) -> pd.DataFrame:
    """The table with its split under plain names; `fold` is taken for it where there is no other."""
    if "fold" in table and "split" in table and (table["split"] != "").any():
        warn(f"{path} has the columns split and fold: split decides, and fold is ignored.")
        table = table.drop(columns="fold")
    elif "fold" in table:
        _refuse_empty(table, "fold", path)
        table = table.drop(columns="split", errors="ignore").rename(columns={"fold": "split"})
    if "split" not in table:
        return table
    names = splits.plain_names(table["split"], path)
    if changed := [f"'{name}' as {plain}" for name, plain in sorted(names.items()) if name != plain]:
        warn(f"{path}: the names of splits are read by their usual meaning, {', '.join(changed)}.")
    return table.assign(split=table["split"].map(lambda name: names.get(name, name)))


def below(root: Path, relative: str, where: int | str, paths: Paths | None = None) -> str:
    """The path below `root` that a row names, normalised, each name as the disk has it.

    where: the line of manifest.csv, or the place below `root`, on which the row stands. paths: of `root`, where many
    rows are looked up.

    What counts is what the path says: `..` that leaves `root`, and an absolute path elsewhere, raise EarmarkError. A
    link inside of `root` is the user's own doing, or DVC's, whose cache may hold the files, and is followed: a manifest
    that somebody else wrote cannot make one. As the path is normalised first, `link/../x` is `x`, whatever the link is.
    """
    found = (paths or Paths(root)).below(relative)
    if found is None:
        place = where if isinstance(where, str) else f"manifest.csv, line {where}"
        raise EarmarkError(f"{root / place}: '{relative}' lies outside {root}; give a path below that folder.")
    return found


def inside(root: Path, relative: str, where: int | str) -> Path:
    """The file of `below`: an absolute path."""
    return root.absolute() / below(root, relative, where)


def digest(table: pd.DataFrame) -> str:
    """sha256 over what decides a score, by path: every recording's content, truth, group, utterance and channel."""
    columns = ["path", "sha256", "label" if "label" in table else "truth_sha256", "group"]
    rows = table.sort_values("path")[[*columns, *(c for c in ("utterance", "channel") if c in table)]]
    return hashlib.sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Recordings, groups and minutes of each label and split, where there are labels; last rows for all."""
    rows = table.assign(minutes=table.duration_s / 60)
    shape = {"recordings": ("path", "size"), "groups": ("group", "nunique"), "minutes": ("minutes", "sum")}
    total = rows.groupby("split").agg(**shape).reset_index().assign(label="(all)")
    if "label" not in table:
        return total[["label", "split", *shape]].round({"minutes": 2})
    each = rows.groupby(["label", "split"]).agg(**shape).reset_index()
    return pd.concat([each, total], ignore_index=True).round({"minutes": 2})


def clip_lengths(table: pd.DataFrame, seconds: Iterable[float] = CLIPS_S) -> pd.DataFrame:
    """What clips of some lengths would do to the recordings, then the percentiles of their durations.

    Columns: percentile (NaN for a given length), seconds, whole (share of recordings at most that long, which a
    clip holds whole) and unpadded (share at least that long, which need no padding).
    """
    durations = table.duration_s.to_numpy()
    rows = [(np.nan, s) for s in seconds]
    rows += zip(PERCENTILES, np.percentile(durations, PERCENTILES), strict=True)
    shares = [(p, float(s), (durations <= s).mean(), (durations >= s).mean()) for p, s in rows]
    return pd.DataFrame(shares, columns=["percentile", "seconds", "whole", "unpadded"])


def clip_advice(lengths: pd.DataFrame) -> str:
    """`clip_lengths` for people: from the last length that all recordings fill to the first that holds all of them."""
    at = lengths.dropna().set_index("percentile").seconds
    lines = [
        "Durations, from which to choose the length of clips: "
        + ", ".join(f"{p:g} % last at most {at[p]:.2f} s" for p in (5, 50, 80, 95))
        + "."
    ]
    given = lengths[lengths.percentile.isna()]
    filled, held = given.seconds[given.unpadded == 1].max(), given.seconds[given.whole == 1].min()
    for r in given[~(given.seconds < filled) & ~(given.seconds > held)].itertuples():
        lines.append(
            f"Clips of {r.seconds:g} s: {r.whole:.1%} of the recordings fit in whole, {r.unpadded:.1%} need no padding."
        )
    return "\n".join(lines)


def shorter(durations: pd.Series, seconds: float, key: str, filled: str, what: str = "recordings") -> list[str]:
    """A sentence where all, or more than half, are shorter than what a network hears at once; none otherwise.

    durations: in seconds. key: the setting that says how many `seconds` are heard. filled: how the rest is filled up.
    """
    n = int((durations < seconds - 1e-3).sum())  # decoders round lengths
    if 2 * n <= len(durations):
        return []
    lengths = f"{durations.min():.2f} to {durations.max():.2f} s"
    some = f"and {n} of {len(durations)} {what} are shorter (all {len(durations)} last {lengths})"
    many = some if n < len(durations) else f"longer than all {n} {what} ({lengths})"
    half = math.floor(100 * durations.median()) / 100
    return [f"{key} is {seconds:g} s, {many}: {filled}. At {half:g} s half of the {what} would be long enough."]


def load(path: Path) -> pd.DataFrame:
    """The prepared manifest: strings, but `duration_s`, `sample_rate`, `channels` and `peak` are numbers."""
    if not path.exists():
        raise EarmarkError(f"{path} is missing; run `dvc repro` first.")
    numbers = {"duration_s": float, "sample_rate": int, "channels": int, "peak": float}
    return pd.read_csv(path, dtype=str, keep_default_na=False).astype(numbers)
