"""Sounds inside of reports."""

import io
from pathlib import Path

import numpy as np
import soundfile as sf

from earmark.audio import read_blocks

HEARD_RATE = 22050


def clip(path: Path, start_s: float, length_s: float) -> bytes:
    """A window of a recording as MP3, brought to a level that can be heard.

    (Ogg would carry a random stream number, and the same evaluation would give another file.)
    """
    begin, end = round(start_s * HEARD_RATE), round((start_s + length_s) * HEARD_RATE)
    samples = np.concatenate(list(read_blocks(path, HEARD_RATE, start_s + length_s)))[begin:end]
    samples = samples * (0.7 / max(np.abs(samples).max(initial=0), 1e-6))
    file = io.BytesIO()
    sf.write(file, samples, HEARD_RATE, format="MP3")
    return file.getvalue()
