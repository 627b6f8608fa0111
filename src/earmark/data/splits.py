"""Grouped splits and folds, and the check that no group is in two of them.

A group is a value of the key, the column `group`, or `label` where that is a speaker. Where a table has no `label`, as
one of chords, nothing is dealt or checked by class.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError, nearest

SPLITS = ("train", "val", "test")
PLAIN = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev", "devel", "development"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
EITHER = ("eval", "evaluate", "evaluation")  # the validation of some, the test of others


def plain_names(named: pd.Series, origin: Path) -> dict[str, str]:
    """What the names of splits mean: train, val or test by each; none where they are names of folds.

    They are read in any case and by their usual synonyms, where all of them are such, and some are trained on: a
    development set without a training set beside it is that. `named` is indexed by the lines of `origin`. Raises
    EarmarkError for a name that can mean either.
    """
    names = set(named) - {""}
    plain = {name: PLAIN[name.casefold()] for name in names if name.casefold() in PLAIN}
    either = sorted(name for name in names if name.casefold() in EITHER)
    if "train" in plain.values() and either and len(plain) + len(either) == len(names):
        raise EarmarkError(
            f"{origin}, line {named.index[named == either[0]][0]}: the split '{either[0]}' means validation to "
            "some and test to others; write val or test."
        )
    develops = any(name.casefold().startswith("dev") for name in names)
    if len(plain) < len(names) or (develops and "train" not in plain.values()):
        return {}
    return plain


def plain_name(name: str) -> str:
    """A name of a split in the form in which two are compared."""
    return PLAIN.get(name.strip().casefold(), name.strip())


def deal(table: pd.DataFrame, key: str, n: int, seed: int) -> pd.Series:
    """Deal groups into `n` parts: (rows,) integers 0..n-1, a group always whole, labels spread evenly."""
    return _turns(table, key, seed) % n


def pick(table: pd.DataFrame, key: str, share: float, seed: int) -> pd.Series:
    """Pick a share of the groups of every label, at least one of each: (rows,) booleans, a group always whole."""
    turn = _turns(table, key, seed)
    steps = turn.map(lambda t: math.floor(t * share + 1e-9) - math.floor((t - 1) * share + 1e-9))
    return (turn == 0) | (steps > 0)


def with_folds(table: pd.DataFrame, k: int, seed: int, key: str = "group") -> pd.DataFrame:
    """The manifest with a `fold` column: the official one, or groups (speakers where the key is label) in k folds.

    Where no class has k groups there are as many folds as the largest has. Raises EarmarkError for less than two.
    """
    official = table["split"] if "split" in table else pd.Series("", index=table.index)
    if not set(official) <= {"", *SPLITS}:
        return table.assign(fold=official)
    _check_k(table, k, key)
    return table.assign(fold=[f"fold{i + 1}" for i in deal(table, key, k, seed)])


def _check_k(table: pd.DataFrame, k: int, key: str) -> None:
    """Refuse less than two folds. (Where no class has k groups there are fewer folds, as many as it has.)"""
    classes = table.groupby("label")[key].nunique() if "label" in table and key != "label" else None
    most = int(table[key].nunique() if classes is None else classes.max())
    whose = f"class '{classes.idxmax()}' has" if classes is not None else "there are"
    what = "speaker" if key == "label" else key
    if most < 2:
        raise EarmarkError(f"Folds need at least two {what}s, but {whose} only {most}; add recordings of others.")
    if k < 2:
        raise EarmarkError(f"{k} folds cannot be made: set --k (in a study file k) to a number from 2 to {most}.")


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
    rng, label_of = np.random.default_rng(seed), labels_of(table, key)
    turn_of: dict[str, int] = {}
    for label in sorted(label_of.unique()):
        groups = sorted(label_of.index[label_of == label])
        turn_of |= {group: turn for turn, group in enumerate(rng.permutation(np.array(groups, dtype=object)))}
    return table[key].map(turn_of).astype(int)


def labels_of(table: pd.DataFrame, key: str) -> pd.Series:
    """The label of every group, which indexes it: its commonest; '' for all where nothing is dealt by class."""
    if "label" in table and key != "label":
        counts = table.groupby([key, "label"]).size().rename("n").reset_index()
        commonest = counts.sort_values([key, "n", "label"], ascending=[True, False, True]).drop_duplicates(key)
        return commonest.set_index(key).label
    return pd.Series("", index=table[key].unique())


def assign_splits(table: pd.DataFrame, data: DataSettings, key: str = "group") -> pd.DataFrame:
    """Add `split` (train, val or test) and, where folds are official, `fold`.

    Official train/val/test stay as they are; a missing val is a grouped share of train. Any other
    names are folds: `test_fold` is the test set. Without a split column the split is grouped and seeded.
    """
    table = table.copy()
    named = table["split"].str.strip() if "split" in table else pd.Series("", index=table.index)
    if (named == "").all():
        require_groups(table, key, 3)
        return with_val(deal_test(table, data, key), data, key)
    if (named == "").any():
        raise EarmarkError(f"The manifest's split is empty for '{table.path[named == ''].iloc[0]}'; fill it in.")
    if not set(named) <= set(SPLITS):
        return split_fold(table.assign(fold=named), _known_fold(data.test_fold, named), data, key)
    if data.test_fold is not None:
        raise EarmarkError("tasks.*.data.test_fold is set, but the manifest has train/val/test; set it to null.")
    return with_val(table.assign(split=named), data, key)


def deal_test(table: pd.DataFrame, data: DataSettings, key: str) -> pd.DataFrame:
    """The table with a share of every label's groups in test, and all others in train."""
    return _share_moved(table.assign(split="train"), key, "test", data.test_share, data.seed)


def split_fold(table: pd.DataFrame, fold: str, data: DataSettings, key: str = "group") -> pd.DataFrame:
    """Test on one fold of `table.fold`; validation is a grouped share of the others."""
    return with_val(table.assign(split=np.where(table.fold == fold, "test", "train")), data, key)


def deal_val(table: pd.DataFrame, data: DataSettings, key: str) -> pd.DataFrame:
    """The table with a missing val as a share of every label's groups in train."""
    if "val" in set(table["split"]) or data.val_share == 0:
        return table
    return _share_moved(table, key, "val", data.val_share, data.seed)


def with_val(table: pd.DataFrame, data: DataSettings, key: str) -> pd.DataFrame:
    """`deal_val`, checked."""
    table = deal_val(table, data, key)
    check_splits(table, key)
    return table


def n_dealt(n: int, data: DataSettings) -> dict[str, int]:
    """How many of a label's `n` groups `deal_test` and `deal_val` give to each split."""
    test = 1 + math.floor((n - 1) * data.test_share + 1e-9)
    val = 1 + math.floor((n - test - 1) * data.val_share + 1e-9) if data.val_share > 0 else 0
    return {"train": n - test - val, "val": val, "test": test}


def _share_moved(table: pd.DataFrame, key: str, split: str, share: float, seed: int) -> pd.DataFrame:
    train = table["split"] == "train"
    picked = pick(table[train], key, share, seed)
    table = table.copy()
    table.loc[picked.index[picked], "split"] = split
    return table


def _known_fold(fold: str | int | None, named: pd.Series) -> str:
    folds, fold = sorted(named.unique()), None if fold is None else str(fold)
    if fold is None and len(folds) == 1:
        raise EarmarkError(
            f"All recordings are in one fold, '{folds[0]}'; give the manifest several, or leave that column out."
        )
    if fold is None:
        raise EarmarkError(f"The manifest has folds; set tasks.*.data.test_fold to one of {', '.join(folds)}.")
    if fold not in folds:
        raise EarmarkError(f"tasks.*.data.test_fold '{fold}' is not a fold of the manifest; {nearest(fold, folds)}")
    return fold


def require_groups(table: pd.DataFrame, key: str, least: int) -> None:
    """Raise EarmarkError for a label with fewer than `least` groups, fewer than two labels or four speakers."""
    if key == "label":
        if (n := table.label.nunique()) < 4:
            raise EarmarkError(
                f"There are recordings of only {n} speaker(s); train and test need two each: add others."
            )
        return
    if "label" not in table:
        if table[key].nunique() < least:
            raise EarmarkError(
                f"There are recordings of only {table[key].nunique()} {key}(s); train, val and test need one each: add "
                "others."
            )
        return
    counts = table.groupby("label")[key].nunique()
    if len(counts) < 2:
        raise EarmarkError(_of_one_class(counts.index[0]))
    few = counts[counts < least]
    if len(few):
        label = few.index[0]
        n_groups = int(few.iloc[0])
        n = int((table.label == few.index[0]).sum())
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
            raise EarmarkError(f"No recording is in the split '{split}'; assign some to it.")
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
        raise EarmarkError(_of_one_class(min(trained)))


def _of_one_class(label: str) -> str:
    return f"There is only one class ('{label}'); at least two are needed: add recordings of another."


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
                f"The {column} '{part}' holds no recording of class '{missing[0]}'{more}: that class is not "
                "scored there."
            )
    return sorted(sentences)
