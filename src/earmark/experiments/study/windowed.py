"""A split through the windows of every recording: what some articles report, and what it is worth."""

from dataclasses import dataclass, fields, replace

import numpy as np

from earmark.data import splits
from earmark.tasks.genre.dataset import GenreDataset

PER_WINDOW = {"values", "starts", "segment", "n_frames"}  # fields of Windows that do not list recordings
TRAIN, VAL, TEST = range(len(splits.SPLITS))


@dataclass(frozen=True)
class Windowed:
    """How windows are dealt: part 0..k-1 of k is tested, a share of the others validates."""

    part: int
    k: int
    val_share: float
    seed: int


@dataclass(frozen=True)
class LastRows:
    """The last share of the training recordings' windows validates; seed: of the order of the recordings."""

    val_share: float
    seed: int


def split_windows(dataset: GenreDataset, how: Windowed | LastRows) -> GenreDataset:
    """The dataset with its windows split; it lists a recording once for each split that it has windows in."""
    deal = _last_rows if isinstance(how, LastRows) else _dealt
    return _regroup(dataset, deal(dataset, how))


def _last_rows(dataset: GenreDataset, how: LastRows) -> np.ndarray:
    """Index into SPLITS of every window, (windows,), as Keras's `validation_split` has it.

    Keras takes the last rows before it shuffles. The rows are a recording's windows in their order, one recording after
    the other at random; so one recording at most has windows on both sides. Test recordings stay whole.
    """
    windows = dataset.windows
    split = np.where(dataset.table["split"].to_numpy() == splits.SPLITS[TEST], TEST, TRAIN)[windows.segment]
    turn = np.random.default_rng(how.seed).permutation(len(windows.ids))
    rows = np.flatnonzero(split == TRAIN)
    rows = rows[np.argsort(turn[windows.segment[rows]], kind="stable")]
    split[rows[int(len(rows) * (1 - how.val_share)) :]] = VAL
    return split


def _dealt(dataset: GenreDataset, how: Windowed) -> np.ndarray:
    """Index into SPLITS of every window, (windows,): windows of every recording in all of them.

    It shows what a score by windows is worth: those tested stand between, and overlap with, those trained on.
    """
    segment = dataset.windows.segment
    rng = np.random.default_rng(how.seed)
    # Recordings of few windows would all miss the last parts, or all miss validation, without a start of their own.
    first, share = rng.integers(0, how.k, len(dataset.windows.ids)), rng.random(len(dataset.windows.ids))
    order = np.lexsort((rng.random(len(segment)), segment))  # by recording, and at random within
    place = segment[order]
    test = (_rank(np.ones(len(order)), place) + first[place]) % how.k == how.part
    until = share[place] + how.val_share * (_rank(~test, place) + 1)
    val = ~test & (np.floor(until) > np.floor(until - how.val_share))  # every so many of the others
    split = np.empty(len(order), np.int64)
    split[order] = np.where(test, TEST, np.where(val, VAL, TRAIN))
    return split


def _rank(counted: np.ndarray, place: np.ndarray) -> np.ndarray:
    """How many of the rows counted before each row belong to its recording; place: (rows,) ascending."""
    before = np.cumsum(counted) - counted
    return (before - before[np.searchsorted(place, place)]).astype(np.int64)


def _regroup(dataset: GenreDataset, split: np.ndarray) -> GenreDataset:
    """The dataset with its windows grouped by recording and split; split: (windows,) index into SPLITS."""
    names = np.array(splits.SPLITS)
    windows = dataset.windows
    piece = windows.segment * len(names) + split
    order = np.argsort(piece, kind="stable")
    pieces, segment = np.unique(piece[order], return_inverse=True)
    of = pieces // len(names)
    lists = {f.name: getattr(windows, f.name) for f in fields(windows) if f.name not in PER_WINDOW}
    chosen = {name: each[of] if isinstance(each, np.ndarray) else [each[i] for i in of] for name, each in lists.items()}
    table = dataset.table.iloc[of].assign(split=names[pieces % len(names)]).reset_index(drop=True)
    splits.check_splits(table.assign(piece=range(len(table))), "piece")
    grouped = replace(windows, starts=windows.starts[order], segment=segment, **chosen)
    return replace(dataset, table=table, windows=grouped)
