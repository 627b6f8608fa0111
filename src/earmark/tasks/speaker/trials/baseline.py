"""MFCC statistics, and linear discriminant analysis on them: what any network for speakers has to beat."""

import warnings
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from scipy.signal import savgol_filter
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from earmark.audio import Root, Source, read_blocks
from earmark.features.spectral import Mfcc
from earmark.features.statistics import SETTINGS

SAMPLE_RATE = 16000
N_MFCC = 20  # the first, the level, is left out
DELTA_WIDTH = 9  # frames
SHRINKAGE, COMPONENTS = 0.2, 60


@lru_cache(1)
def _mfcc() -> Mfcc:
    return Mfcc(replace(SETTINGS, sample_rate=SAMPLE_RATE, n_fft=512, hop_length=160, n_mels=40, n_mfcc=N_MFCC))


def samples(sources: list[Source], max_seconds: float | None = None) -> np.ndarray:
    """An utterance (n,) at 16 kHz, float32: its recordings one after the other, at most `max_seconds` of it."""
    joined = np.concatenate([block for source in sources for block in read_blocks(source, SAMPLE_RATE, max_seconds)])
    return joined if max_seconds is None else joined[: round(max_seconds * SAMPLE_RATE)]


def measure(utterances: pd.DataFrame, root: Root) -> np.ndarray:
    """The statistics (utterances, 76) of a table of utterances, whose paths are files below `root`."""
    return np.stack([statistics(samples([root / path for path in paths])) for paths in utterances.paths])


@torch.inference_mode()
def statistics(utterance: np.ndarray) -> np.ndarray:
    """Mean and deviation over time of MFCC 2..20 and their deltas: (76,) float64. utterance: samples (n,)."""
    mfcc = _mfcc()(torch.from_numpy(utterance)).numpy().astype(np.float64)[1:]
    values = np.concatenate([mfcc, deltas(mfcc)])
    return np.concatenate([values.mean(1), values.std(1)])


def deltas(values: np.ndarray) -> np.ndarray:
    """Slope a frame of values (rows, frames) over 9 frames, as `librosa.feature.delta` computes it.

    Edges are extrapolated; where there are fewer than 9 frames, the first and last are repeated beyond them.
    """
    mode = "interp" if values.shape[1] >= DELTA_WIDTH else "nearest"
    return savgol_filter(values, DELTA_WIDTH, polyorder=1, deriv=1, axis=1, mode=mode)


class Statistics:
    """Standardised statistics as embeddings; standardised on the training set."""

    def __init__(self, train: np.ndarray):
        """train: (utterances, 76)."""
        self.scaler = StandardScaler().fit(train)

    def __call__(self, found: np.ndarray) -> np.ndarray:
        """Embeddings (n, 76) of statistics (n, 76), L2-normalised float32."""
        return _normalized(self.scaler.transform(found))


class Lda:
    """Standardised statistics projected on what tells the training speakers apart."""

    def __init__(self, train: np.ndarray, speakers: np.ndarray, shrinkage: float = SHRINKAGE):
        """train: (utterances, 76); speakers: (utterances,), at least two different ones."""
        self.scaler = StandardScaler().fit(train)
        most = min(COMPONENTS, len(np.unique(speakers)) - 1, train.shape[1])
        self.lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage, n_components=most)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Only one sample")  # a speaker of one utterance has no spread, rightly
            self.lda.fit(self.scaler.transform(train), speakers)

    def __call__(self, found: np.ndarray) -> np.ndarray:
        """Embeddings (n, components) of statistics (n, 76), L2-normalised float32."""
        return _normalized(self.lda.transform(self.scaler.transform(found)))


def _normalized(x: np.ndarray) -> np.ndarray:
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)).astype(np.float32)
