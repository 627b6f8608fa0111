"""A split through the windows of every recording: what some articles report, and what it is worth."""

from dataclasses import dataclass, fields, replace

import numpy as np

from earmark import manifest
from earmark.material import Material

PER_WINDOW = {"values", "starts", "segment", "n_frames"}  # fields of Windows that do not list recordings
TRAIN, VAL, TEST = range(len(manifest.SPLITS))


@dataclass(frozen=True)
class Windowed:
    """How windows are dealt: part 0..k-1 of k is tested, a share of the others validates."""

    part: int
    k: int
    val_share: float
    seed: int


def split_windows(material: Material, how: Windowed) -> Material:
    """Windows of every recording on both sides, as Keras's `validation_split` over windows has it.

    The result lists a recording once for each split that it has windows in. It shows what such a score is worth: the
    windows tested stand between, and overlap with, windows that were trained on.
    """
    windows = material.windows
    rng = np.random.default_rng(how.seed)
    first = rng.integers(0, how.k, len(windows.ids))  # so that recordings of few windows do not all miss the last parts
    order = np.lexsort((rng.random(len(windows.segment)), windows.segment))
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(windows.segment, windows.segment)
    test = (turn + first[windows.segment]) % how.k == how.part
    val = rng.random(len(test)) < how.val_share
    return _regroup(material, np.where(test, TEST, np.where(val, VAL, TRAIN)))


def _regroup(material: Material, split: np.ndarray) -> Material:
    """The material with its windows grouped by recording and split; split: (windows,) index into SPLITS."""
    names = np.array(manifest.SPLITS)
    windows = material.windows
    piece = windows.segment * len(names) + split
    order = np.argsort(piece, kind="stable")
    pieces, segment = np.unique(piece[order], return_inverse=True)
    of = pieces // len(names)
    lists = {f.name: getattr(windows, f.name) for f in fields(windows) if f.name not in PER_WINDOW}
    chosen = {name: each[of] if isinstance(each, np.ndarray) else [each[i] for i in of] for name, each in lists.items()}
    table = material.table.iloc[of].assign(split=names[pieces % len(names)]).reset_index(drop=True)
    manifest.check_splits(table.assign(piece=range(len(table))), "piece")
    grouped = replace(windows, starts=windows.starts[order], segment=segment, **chosen)
    return replace(material, table=table, windows=grouped)
