"""Flat windows and a segment index: recordings of any length without padding."""

from dataclasses import dataclass

import numpy as np

from earmark.features.settings import FeatureSettings
from earmark.features.store import Store


@dataclass(frozen=True)
class Windows:
    """Windows of many recordings, end to end.

    values: (total_frames, bands), float16 or float32, as stored.
    starts: (windows,) int64, each window's first row in `values`.
    segment: (windows,) int64, the recording a window belongs to; ascending.
    offsets, lengths: (recordings,) int64, each recording's first row in `values` and number of rows.
    labels: (recordings,) int64, index into the classes.
    ids: the recordings' ids, in order.
    n_frames: frames of one window.
    """

    values: np.ndarray
    starts: np.ndarray
    segment: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    ids: list[str]
    n_frames: int

    def of(self, recordings: np.ndarray) -> np.ndarray:
        """Indices of the windows of the given recordings, (n,) int64."""
        return np.flatnonzero(np.isin(self.segment, recordings))


def count_windows(n_frames: int, settings: FeatureSettings) -> int:
    """Whole windows in a recording of `n_frames` stored frames."""
    return max(0, (n_frames - settings.window_frames) // settings.window_stride + 1)


def index(store: Store, ids: list[str], labels: np.ndarray, settings: FeatureSettings) -> Windows:
    """Windows of the recordings `ids` (with class indices `labels`) of a store."""
    position = store.index()
    at = np.array([position[id_] for id_ in ids])
    counts = np.array([count_windows(n, settings) for n in store.lengths[at]])
    segment = np.repeat(np.arange(len(ids)), counts)
    within = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = store.offsets[at][segment] + within * settings.window_stride
    places = store.offsets[at], store.lengths[at]
    return Windows(
        store.values, starts, segment, *places, np.array(labels, np.int64), list(ids), settings.window_frames
    )
