"""MFCC statistics of a recording: the input of the scikit-learn baseline."""

from collections.abc import Iterable

import numpy as np

from earmark.audio import Source, read_blocks
from earmark.features.frames import samples_frames
from earmark.features.settings import FeatureSettings

# Plain librosa-style MFCC, whatever the network is fed, so that the baseline stays the same yardstick.
SETTINGS = FeatureSettings(
    kind="mfcc",
    sample_rate=22050,
    n_fft=2048,
    hop_length=512,
    n_mels=128,
    n_mfcc=20,
    f_min=0.0,
    f_max=None,
    top_db=80.0,
    log_floor="top_db",
    normalize="none",
    trim_db=None,
    framing="recording",
    fill="tile",
    window_s=0.1,
    window_hop_s=0.1,
    max_seconds=None,
    dtype="float32",
)


N_STATISTICS = 3 * SETTINGS.n_mfcc


def mfcc_statistics(source: Source, max_seconds: float | None) -> np.ndarray:
    """Mean and deviation over time of 20 MFCC, and the deviation of their first differences: (60,) float64."""
    return statistics_of(read_blocks(source, SETTINGS.sample_rate, max_seconds))


def statistics_of(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """The same from blocks (n,) of mono samples at the sample rate above."""
    values, steps = _Moments(), _Moments()
    last = np.empty((0, SETTINGS.n_mfcc))
    for block in samples_frames(blocks, SETTINGS):
        values.add(block.astype(np.float64))
        steps.add(np.diff(np.concatenate([last, block]), axis=0))
        last = block[-1:].astype(np.float64)
    return np.concatenate([values.mean(), values.deviation(), steps.deviation()])


class _Moments:
    """Running mean and deviation of rows (n, d)."""

    def __init__(self) -> None:
        self.n = 0
        self.total = np.zeros(SETTINGS.n_mfcc)
        self.squares = np.zeros(SETTINGS.n_mfcc)

    def add(self, rows: np.ndarray) -> None:
        self.n += len(rows)
        self.total += rows.sum(0)
        self.squares += np.square(rows).sum(0)

    def mean(self) -> np.ndarray:
        return self.total / max(self.n, 1)

    def deviation(self) -> np.ndarray:
        return np.sqrt(np.maximum(self.squares / max(self.n, 1) - self.mean() ** 2, 0))
