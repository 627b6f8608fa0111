"""Pitch classes in time by librosa: what the chord baseline reads."""

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from types import ModuleType

import numpy as np

from earmark.audio import Source, read_blocks
from earmark.errors import EarmarkError
from earmark.features.compiled import alone_at_first

SAMPLE_RATE, HOP = 22050, 2048
HOP_S = HOP / SAMPLE_RATE  # 93 ms
SHAPE = {"sr": SAMPLE_RATE, "hop_length": HOP, "bins_per_octave": 36}
OCTAVES = 7  # from C1
PIECE = 1600 * HOP  # samples transformed at once, 149 s: memory does not grow with a song's length
LEAST = 4 * SAMPLE_RATE  # samples; what is shorter than the longest filter is filled up with silence
FILE = "chroma.npz"  # beside the spectrograms' store
ONE_AT_A_TIME = Lock()
NO_PITCH = "Trying to estimate tuning from empty frequency set"


@alone_at_first
def chroma_of(source: Source) -> np.ndarray:
    """Chroma (1 + samples // 2048, 12) float32 of a recording, as one channel; frame i is centred at i * HOP_S seconds.

    Amplitudes of the constant-Q transform summed by pitch class from C on, tuned as the first piece of the recording
    is. Where two pieces meet, the frames of a second are of one of them alone.
    """
    import librosa  # takes a second

    found: list[np.ndarray] = []
    tuning = None
    for samples, n in _pieces(source):
        filled = np.pad(samples, (0, max(LEAST - len(samples), 0)))
        tuning = _tuning(librosa, filled) if tuning is None else tuning
        found.append(_chroma(librosa, filled, tuning)[:n])
    return np.concatenate(found)


def _pieces(source: Source) -> Iterator[tuple[np.ndarray, int]]:
    """Samples, at most PIECE at once, and how many frames are centred in them; the last frame may lie at the end."""
    held = np.empty(0, np.float32)
    for block in read_blocks(source, SAMPLE_RATE):
        held = np.concatenate([held, block])
        while len(held) > PIECE:
            yield held[:PIECE], PIECE // HOP
            held = held[PIECE:]
    yield held, 1 + len(held) // HOP


def _chroma(librosa: ModuleType, samples: np.ndarray, tuning: float) -> np.ndarray:
    """(1 + n // 2048, 12) float32 of samples (n,)."""
    transform = librosa.cqt(samples, n_bins=OCTAVES * SHAPE["bins_per_octave"], tuning=tuning, **SHAPE)
    return librosa.feature.chroma_cqt(C=np.abs(transform), norm=None, **SHAPE).T.astype(np.float32)


def _tuning(librosa: ModuleType, samples: np.ndarray) -> float:
    """Deviation of samples (n,) from 440 Hz, in bins; 0 where nothing has a pitch."""
    with ONE_AT_A_TIME, warnings.catch_warnings():  # what is caught is caught for all threads
        warnings.filterwarnings("ignore", NO_PITCH)
        return float(librosa.estimate_tuning(y=samples, sr=SAMPLE_RATE, bins_per_octave=SHAPE["bins_per_octave"]))


def save(folder: Path, found: Mapping[str, np.ndarray]) -> None:
    """Write FILE below a folder, at once: chroma (frames, 12) of recordings by their names, end to end."""
    lengths = np.array([len(values) for values in found.values()], np.int64)
    values = np.concatenate([np.empty((0, 12), np.float32), *found.values()])
    part = folder / f"{os.getpid()}.{FILE}"
    np.savez(part, ids=np.array(list(found), np.str_), lengths=lengths, values=values)
    part.replace(folder / FILE)


def load(folder: Path) -> dict[str, np.ndarray]:
    """What `save` wrote below a folder."""
    if not (folder / FILE).exists():
        raise EarmarkError(f"There is no {folder / FILE}; run `dvc repro` to extract the features again.")
    with np.load(folder / FILE, allow_pickle=False) as kept:
        parts = np.split(kept["values"], np.cumsum(kept["lengths"])[:-1])
        return dict(zip(kept["ids"].tolist(), parts, strict=False))  # of no recordings there is one empty part
