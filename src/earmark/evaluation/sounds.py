"""Sounds inside of reports."""

import io
from collections.abc import Iterable

import numpy as np
import soundfile as sf

from earmark.audio import Source, read_blocks

HEARD_RATE = 22050


def clip(path: Source, start_s: float, length_s: float) -> bytes:
    """A window of a recording as MP3, brought to a level that can be heard."""
    begin, end = round(start_s * HEARD_RATE), round((start_s + length_s) * HEARD_RATE)
    return _mp3(_samples(path, start_s + length_s)[begin:end])


def joined(paths: Iterable[Source], length_s: float) -> bytes:
    """Recordings one after the other, at most so many seconds of them, as `clip` gives a window."""
    samples, most = np.empty(0, np.float32), round(length_s * HEARD_RATE)
    for path in paths:
        if len(samples) < most:
            samples = np.concatenate([samples, _samples(path, length_s)])
    return _mp3(samples[:most])


def _samples(path: Source, seconds: float) -> np.ndarray:
    """The beginning of a recording (n,), mono at HEARD_RATE."""
    return np.concatenate(list(read_blocks(path, HEARD_RATE, seconds)))


def _mp3(samples: np.ndarray) -> bytes:
    """(Ogg would carry a random stream number, and the same evaluation would give another file.)"""
    samples = samples * (0.7 / max(np.abs(samples).max(initial=0), 1e-6))
    file = io.BytesIO()
    sf.write(file, samples, HEARD_RATE, format="MP3")
    return file.getvalue()
