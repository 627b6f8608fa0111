"""The table of recordings: its files, what they hold as a whole, and its hash.

What is true of a recording stands in `label`, a class, or in `lab`, a file of chords; a prepared table of chords has
no `label`.
"""

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError, nearest

REQUIRED = ("path", "label", "group")
CLIPS_S = (1, 2, 2.5, 4, 5, 8, 10, 30)
PERCENTILES = (5, 10, 25, 50, 75, 80, 90, 95)


def read_table(path: Path, required: tuple[str, ...] = REQUIRED) -> pd.DataFrame:
    """A manifest as strings, one row a recording, indexed by the line it stands on.

    Raises EarmarkError naming the column or the line.
    """
    table = read_csv(path, required)
    table["path"] = [PurePosixPath(p).as_posix() for p in table.path]
    _refuse_repeated(table, path)
    return table


def read_csv(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """A CSV as strings, indexed by line; the `required` columns are stripped and filled in every row.

    Raises EarmarkError naming the column or the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", restval="", strict=True)
            columns = list(reader.fieldnames or [])
            rows = dict((reader.line_num, row) for row in reader)  # noqa: C402 (blank lines are skipped, but counted)
    except (UnicodeDecodeError, csv.Error) as e:
        raise EarmarkError(f"{path} cannot be read as CSV in UTF-8: {e}.") from None
    for line, row in rows.items():
        if "" in row:
            raise EarmarkError(f"{path}, line {line} has more fields than the header; quote fields that hold a comma.")
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns)
    for column in required:
        if column not in table:
            hint = nearest(column, table.columns)
            raise EarmarkError(f"{path} has no column '{column}'; add it ({hint.rstrip('.')})")
        table[column] = table[column].str.strip()
        if (table[column] == "").any():
            line = table.index[table[column] == ""][0]
            raise EarmarkError(f"{path}, line {line}: '{column}' is empty; fill it in.")
    if not len(table):
        raise EarmarkError(f"{path} lists no recordings.")
    return table


def _refuse_repeated(table: pd.DataFrame, origin: Path) -> None:
    repeated = table.path[table.path.duplicated()]
    if len(repeated):
        raise EarmarkError(f"{origin} lists '{repeated.iloc[0]}' twice; keep one row a recording.")


def inside(root: Path, relative: str, where: int | str) -> Path:
    """The file that a row names, which stands in this line of manifest.csv, or in this place below `root`.

    Raises EarmarkError when it leaves `root`, links included.
    """
    path = (root / relative).resolve()
    if Path(relative).is_absolute() or not path.is_relative_to(root.resolve()):
        place = where if isinstance(where, str) else f"manifest.csv, line {where}"
        raise EarmarkError(f"{root / place}: '{relative}' lies outside {root}; give a path below that folder.")
    return path


def digest(table: pd.DataFrame) -> str:
    """sha256 over what decides a score: every recording's content, truth, group and utterance, in order of path."""
    columns = ["path", "sha256", "label" if "label" in table else "truth_sha256", "group"]
    rows = table.sort_values("path")[[*columns, *(c for c in ("utterance",) if c in table)]]
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
    """`clip_lengths` for people."""
    at = lengths.dropna().set_index("percentile").seconds
    lines = ["Durations: " + ", ".join(f"{p:g} % last at most {at[p]:.2f} s" for p in (5, 50, 80, 95)) + "."]
    for r in lengths[lengths.percentile.isna()].itertuples():
        lines.append(f"A clip of {r.seconds:g} s holds {r.whole:.1%} of them whole; {r.unpadded:.1%} fill it unpadded.")
    return "\n".join(lines)


def load(path: Path) -> pd.DataFrame:
    """The prepared manifest: strings, but `duration_s`, `sample_rate`, `channels` and `peak` are numbers."""
    if not path.exists():
        raise EarmarkError(f"{path} is missing; run `dvc repro` first.")
    numbers = {"duration_s": float, "sample_rate": int, "channels": int, "peak": float}
    return pd.read_csv(path, dtype=str, keep_default_na=False).astype(numbers)
