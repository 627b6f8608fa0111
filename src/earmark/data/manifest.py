"""The table of recordings: its schema, grouped splits, and the check that no group is in two splits.

What is true of a recording stands in `label`, a class, or in `lab`, a file of chords; a prepared table of chords has
no `label`, and nothing is dealt or checked by class.
"""

import csv
import hashlib
import math
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError, nearest

SPLITS = ("train", "val", "test")
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


def deal(table: pd.DataFrame, key: str, n: int, seed: int) -> pd.Series:
    """Deal groups into `n` parts: (rows,) integers 0..n-1, a group always whole, labels spread evenly."""
    return _turns(table, key, seed) % n


def pick(table: pd.DataFrame, key: str, share: float, seed: int) -> pd.Series:
    """Pick a share of the groups of every label, at least one of each: (rows,) booleans, a group always whole."""
    turn = _turns(table, key, seed)
    steps = turn.map(lambda t: math.floor(t * share + 1e-9) - math.floor((t - 1) * share + 1e-9))
    return (turn == 0) | (steps > 0)


def with_folds(table: pd.DataFrame, k: int, seed: int, key: str = "group") -> pd.DataFrame:
    """The manifest with a `fold` column: the official one, or groups (speakers where the key is label) in k folds."""
    official = table["split"] if "split" in table else pd.Series("", index=table.index)
    if not set(official) <= {"", *SPLITS}:
        return table.assign(fold=official)
    return table.assign(fold=[f"fold{i + 1}" for i in deal(table, key, k, seed)])


def random_split(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same labels and split sizes with recordings dealt at random, groups ignored: what leaks."""
    rng = np.random.default_rng(seed)
    shuffled = table.copy()
    classes = table if "label" in table else table.assign(label="")
    for _, rows in classes.groupby("label").groups.items():
        shuffled.loc[rows, "split"] = rng.permutation(table.loc[rows, "split"].to_numpy())
    return shuffled


def _turns(table: pd.DataFrame, key: str, seed: int) -> pd.Series:
    """Each row's group as a number 0, 1, ... in a seeded order within its label: (rows,).

    (scikit-learn's StratifiedGroupKFold balances better but may leave a small class out of a part.)
    """
    rng = np.random.default_rng(seed)
    if "label" in table and key != "label":
        label_of = table.groupby(key).label.agg(lambda labels: labels.value_counts().sort_index().idxmax())
    else:  # all are of one class
        label_of = pd.Series("", index=table[key].unique())
    turn_of: dict[str, int] = {}
    for label in sorted(label_of.unique()):
        groups = sorted(label_of.index[label_of == label])
        turn_of |= {group: turn for turn, group in enumerate(rng.permutation(np.array(groups, dtype=object)))}
    return table[key].map(turn_of).astype(int)


def assign_splits(table: pd.DataFrame, data: DataSettings, key: str = "group") -> pd.DataFrame:
    """Add `split` (train, val or test) and, where folds are official, `fold`.

    Official train/val/test stay as they are; a missing val is a grouped share of train. Any other
    names are folds: `test_fold` is the test set. Without a split column the split is grouped and seeded.
    """
    table = table.copy()
    named = table["split"].str.strip() if "split" in table else pd.Series("", index=table.index)
    if (named == "").all():
        _require_groups(table, key, 3)
        table["split"] = "train"
        _move_share(table, key, "test", data.test_share, data.seed)
    elif (named == "").any():
        raise EarmarkError(f"The manifest's split is empty for '{table.path[named == ''].iloc[0]}'; fill it in.")
    elif set(named) <= set(SPLITS):
        if data.test_fold is not None:
            raise EarmarkError("tasks.*.data.test_fold is set, but the manifest has train/val/test; set it to null.")
        table["split"] = named
    else:
        return split_fold(table.assign(fold=named), _known_fold(data.test_fold, named), data, key)
    return _with_val(table, data, key)


def split_fold(table: pd.DataFrame, fold: str, data: DataSettings, key: str = "group") -> pd.DataFrame:
    """Test on one fold of `table.fold`; validation is a grouped share of the others."""
    return _with_val(table.assign(split=np.where(table.fold == fold, "test", "train")), data, key)


def _with_val(table: pd.DataFrame, data: DataSettings, key: str) -> pd.DataFrame:
    if "val" not in set(table["split"]) and data.val_share > 0:
        _move_share(table, key, "val", data.val_share, data.seed)
    check_splits(table, key)
    return table


def _move_share(table: pd.DataFrame, key: str, split: str, share: float, seed: int) -> None:
    train = table["split"] == "train"
    picked = pick(table[train], key, share, seed)
    table.loc[picked.index[picked], "split"] = split


def _known_fold(fold: str | int | None, named: pd.Series) -> str:
    folds, fold = sorted(named.unique()), None if fold is None else str(fold)
    if fold is None:
        raise EarmarkError(f"The manifest has folds; set tasks.*.data.test_fold to one of {', '.join(folds)}.")
    if fold not in folds:
        raise EarmarkError(f"tasks.*.data.test_fold '{fold}' is no fold of the manifest; {nearest(fold, folds)}")
    return fold


def _require_groups(table: pd.DataFrame, key: str, least: int) -> None:
    if key == "label":
        if (n := table.label.nunique()) < 4:
            raise EarmarkError(
                f"There are recordings of {n} speaker(s) only; train and test need two each: add others."
            )
        return
    if "label" not in table:
        if table[key].nunique() < least:
            raise EarmarkError(
                f"There are recordings of {table[key].nunique()} {key}(s) only; train, val and test need one each."
            )
        return
    counts = table.groupby("label")[key].nunique()
    if len(counts) < 2:
        raise EarmarkError(f"There is one class only ('{counts.index[0]}'); at least two are needed.")
    few = counts[counts < least]
    if len(few):
        label, n_groups, n = few.index[0], int(few.iloc[0]), int((table.label == few.index[0]).sum())
        raise EarmarkError(
            f"Class '{label}' has {n} recording{'s' * (n != 1)} in {n_groups} group{'s' * (n_groups != 1)}; train, "
            "val and test need a group each: add recordings or remove the class."
        )


def check_splits(table: pd.DataFrame, key: str = "group") -> None:
    """Raise EarmarkError when a group is in two splits, a split is empty, or a label was never trained.

    With the key "label", which is a speaker, nobody is in two splits.
    """
    spread = table.groupby(key)["split"].agg(lambda s: sorted(set(s)))
    leaking = spread[spread.map(len) > 1]
    if len(leaking):
        more = f" (and {len(leaking) - 1} more)" if len(leaking) > 1 else ""
        what = "Speaker" if key == "label" else key.capitalize()
        raise EarmarkError(
            f"{what} '{leaking.index[0]}'{more} is in the splits {' and '.join(leaking.iloc[0])}; "
            f"move all its recordings into one, or the score is inflated."
        )
    for split in ("train", "test"):  # a training that decides nothing on validation needs none
        if split not in set(table["split"]):
            raise EarmarkError(f"No recording is in the split '{split}'; give it some.")
    if key == "label" or "label" not in table:
        return
    trained = set(table.label[table["split"] == "train"])
    for split in ("val", "test"):
        unknown = sorted(set(table.label[table["split"] == split]) - trained)
        if unknown:
            raise EarmarkError(
                f"Label '{unknown[0]}' occurs in {split} but not in train; add recordings of it to train, "
                "or correct the label."
            )
    if len(trained) < 2:
        raise EarmarkError(f"There is one class only ('{min(trained)}'); at least two are needed.")


def lacking(table: pd.DataFrame, column: str, parts: Iterable[str] | None = None) -> list[str]:
    """A sentence on every part (a fold or split of `column`; all by default) without a recording of some class."""
    sentences = []
    if "label" not in table:
        return sentences
    for part in table[column].unique() if parts is None else parts:
        missing = sorted(set(table.label) - set(table.label[table[column] == part]))
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            sentences.append(
                f"The {column} '{part}' holds no recording of class '{missing[0]}'{more}: not judged there."
            )
    return sorted(sentences)


def same_audio(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of recordings with the very same bytes that stand in different splits."""
    pairs = []
    for _, same in table.groupby("sha256"):
        if same["split"].nunique() > 1:
            pairs.append((same.path.iloc[0], same.path[same["split"] != same["split"].iloc[0]].iloc[0]))
    return pairs


def warn_of_same_audio(table: pd.DataFrame, warn: Callable[[str], None]) -> None:
    """Say which recordings have the very same bytes as one in another split."""
    for one, other in same_audio(table):
        warn(f"'{one}' and '{other}' hold the same bytes but are in different splits; give them one group.")


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
