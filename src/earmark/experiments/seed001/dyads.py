"""Seed 001's data: a major or a minor third over twelve pitches, three CQT frames each, with a batch's noise added.

As he wrote it, down to two oddities. He draws one array of noise for a whole batch, so that all its examples carry the
same noise. And his decibels are relative to the smallest bin: `amplitude_to_db(ref=np.min)` first raises that to 1e-5,
and then cuts what lies 80 dB below the largest, so that a template, divided by its maximum, lies between a floor and 1.
The smallest bin is what the CQT's own imprecision leaves: with librosa's, whose filters are thinned out by a hundredth
(`sparsity`), the floor is about .25; with ours, whose are not, .31. That contrast decides how many seeds learn.
"""

import functools

import numpy as np
import torch

from earmark.errors import EarmarkError
from earmark.features.cqt import CQT

SAMPLE_RATE = 16000
PITCHES_HZ = (440.0, 466.2, 493.8, 523.3, 554.4, 587.3, 622.3, 659.3, 698.5, 740.0, 784.0, 830.6)
# Roots he never trained on: the octave below and what fits of the octave above; then the quarter tones between his own.
UNSEEN_HZ = tuple(440 * 2 ** (k / 12) for k in (*range(-12, 0), *range(12, 20)))
QUARTER_TONES_HZ = tuple(440 * 2 ** ((k + 0.5) / 12) for k in range(12))
MAJOR, MINOR = 0, 1
THIRDS = (4, 3)  # semitones of the major and the minor third
AMIN, TOP_DB = 1e-5, 80.0  # librosa.amplitude_to_db's
FRAMES = slice(2, 5)
NOISE = 0.1  # the largest gain of the noise


def dyad(root_hz: float, quality: int, seconds: float = 1.0) -> np.ndarray:
    """Samples (n,) at 16 kHz of two sines of amplitude .5, a third apart; quality: MAJOR or MINOR."""
    t = np.arange(SAMPLE_RATE * seconds) / SAMPLE_RATE
    third_hz = root_hz * 2 ** (THIRDS[quality] / 12)
    return 0.5 * np.sin(2 * np.pi * root_hz * t) + 0.5 * np.sin(2 * np.pi * third_hz * t)


def scaled_db(magnitude: np.ndarray) -> np.ndarray:
    """Magnitude (bins, frames) -> decibels over its minimum, divided by their maximum: the largest bin is 1.

    librosa.amplitude_to_db with ref=np.min: bins and reference are at least 1e-5, the result within 80 dB.
    """
    db = 20 * np.log10(np.maximum(magnitude, AMIN) / max(magnitude.min(), AMIN))
    return np.maximum(db, db.max() - TOP_DB) / db.max()


@functools.cache
def cqt() -> CQT:
    """36 bins from 220 Hz, 12 an octave, filter scale 2, hop 512."""
    return CQT(SAMPLE_RATE, hop_length=512, f_min=220.0, bins_per_octave=12, n_bins=36, filter_scale=2)


def earmarks(samples: np.ndarray) -> np.ndarray:
    """Magnitude (..., bins, frames) of samples (..., n) by `cqt`."""
    with torch.inference_mode():
        return cqt()(torch.from_numpy(samples).float()).mT.numpy()


def librosas(samples: np.ndarray) -> np.ndarray:
    """The same by the very call of the source."""
    try:
        import librosa
    except ImportError:
        raise EarmarkError("cqt: librosa needs librosa, which is not installed; install it or use earmark.") from None
    return abs(librosa.cqt(samples, sr=SAMPLE_RATE, fmin=220, n_bins=36, filter_scale=2))


CQTS = {"earmark": earmarks, "librosa": librosas}


@functools.cache
def templates(roots_hz: tuple[float, ...], cqt_of: str = "earmark") -> np.ndarray:
    """Inputs without noise (2, roots, 36, 3), float32, of MAJOR and MINOR dyads; cqt_of: one of CQTS."""
    samples = np.stack([[dyad(root, quality) for root in roots_hz] for quality in (MAJOR, MINOR)])
    magnitude = CQTS[cqt_of](samples)[..., FRAMES]
    return np.array([[scaled_db(m) for m in row] for row in magnitude], np.float32)


class Dyads:
    """An endless stream of batches over some roots.

    A batch (n, 36, 3) with labels (n,): n / 2 roots drawn with replacement, as major dyads, then the same as minor.
    """

    def __init__(self, roots_hz: tuple[float, ...], rng: np.random.Generator, cqt_of: str = "earmark"):
        self.templates, self.rng = templates(roots_hz, cqt_of), rng

    def batch(self, n: int = 128) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.rng.integers(self.templates.shape[1], size=n // 2)
        x = self.templates[:, chosen].reshape(-1, *self.templates.shape[2:])
        gain = NOISE * self.rng.random()
        noise = gain * self.rng.uniform(-1, 1, x.shape[1:])
        return x + noise.astype(np.float32), np.repeat([MAJOR, MINOR], n // 2)
