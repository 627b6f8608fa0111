"""dyad_net's data: a major or a minor third over twelve pitches, three CQT frames each, with a batch's noise added.

As its author wrote it, down to its oddities. He draws one array of noise for a whole batch, so that all its examples
carry the same noise. And his decibels are relative to the smallest bin: `amplitude_to_db(ref=np.min)` first raises that
to 1e-5, and then cuts what lies 80 dB below the largest, so that a template, divided by its maximum, lies between a
floor and 1. The smallest bin is what the CQT's own imprecision leaves: with librosa's, whose filters are thinned out
by a hundredth (`sparsity`), the floor is about .25; with ours, whose are not, .31. So his input is librosa's, and ours
a variant (`cqt: earmark`), of which other seeds learn.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch

from earmark.features.compiled import alone_at_first
from earmark.features.cqt import CQT

SAMPLE_RATE = 16000
PITCHES_HZ = (440.0, 466.2, 493.8, 523.3, 554.4, 587.3, 622.3, 659.3, 698.5, 740.0, 784.0, 830.6)
# Roots he never trained on: the octave below and what fits of the octave above; then the quarter tones between his own.
UNSEEN_HZ = tuple(440 * 2 ** (k / 12) for k in (*range(-12, 0), *range(12, 20)))
QUARTER_TONES_HZ = tuple(440 * 2 ** ((k + 0.5) / 12) for k in range(12))
MAJOR, MINOR = 0, 1
THIRDS = (4, 3)  # semitones of the major and the minor third
GAIN = 0.5  # of each sine
F_MIN = 220
N_BINS = 36
FILTER_SCALE = 2
HOP_LENGTH = 512  # librosa.cqt's, which he leaves as it is
AMIN, TOP_DB = 1e-5, 80.0  # librosa.amplitude_to_db's
FRAMES = slice(2, 5)
NOISE = 0.1  # the largest gain of the noise


def dyad(root_hz: float, quality: int, seconds: float = 1.0) -> np.ndarray:
    """Samples (n,) at 16 kHz of two sines of amplitude .5, a third apart; quality: MAJOR or MINOR."""
    t = np.arange(SAMPLE_RATE * seconds) / SAMPLE_RATE
    third_hz = root_hz * 2 ** (THIRDS[quality] / 12)
    return GAIN * np.sin(2 * np.pi * root_hz * t) + GAIN * np.sin(2 * np.pi * third_hz * t)


@alone_at_first
def librosas(samples: np.ndarray) -> np.ndarray:
    """Input without noise (36, 3), float64, of samples (n,), by the source's own calls.

    He hands `amplitude_to_db` complex numbers. Every librosa that has `ref` takes their magnitude, and the minimum of
    that, and says in a warning, which he silences, that the phase is lost.
    """
    import librosa  # a second to import

    cqt = librosa.cqt(samples, sr=SAMPLE_RATE, fmin=F_MIN, n_bins=N_BINS, filter_scale=FILTER_SCALE)[:, FRAMES]
    db = librosa.amplitude_to_db(abs(cqt), ref=np.min)
    return db / db.max()


def earmarks(samples: np.ndarray) -> np.ndarray:
    """The same by our own constant-Q transform."""
    with torch.inference_mode():
        magnitude = _cqt()(torch.from_numpy(samples).float()[None, None])[0, 0].T.double().numpy()
    return scaled_db(magnitude[:, FRAMES])


@functools.cache
def _cqt() -> CQT:
    return CQT(SAMPLE_RATE, HOP_LENGTH, f_min=F_MIN, bins_per_octave=12, n_bins=N_BINS, filter_scale=FILTER_SCALE)


def scaled_db(magnitude: np.ndarray) -> np.ndarray:
    """Magnitude (bins, frames) -> decibels over its minimum, divided by their maximum: the largest bin is 1.

    librosa.amplitude_to_db with ref=np.min: bins and reference are at least 1e-5, the result within 80 dB.
    """
    db = 20 * np.log10(np.maximum(magnitude, AMIN) / max(magnitude.min(), AMIN))
    return np.maximum(db, db.max() - TOP_DB) / db.max()


CQTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"librosa": librosas, "earmark": earmarks}


@functools.cache
def templates(roots_hz: tuple[float, ...], cqt_of: str = "librosa") -> np.ndarray:
    """Inputs without noise (2, roots, 36, 3), float64, of MAJOR and MINOR dyads; cqt_of: one of CQTS."""
    return np.array([[CQTS[cqt_of](dyad(root, quality)) for root in roots_hz] for quality in (MAJOR, MINOR)])


class Dyads:
    """An endless stream of batches over some roots.

    A batch (n, 36, 3) with labels (n,): n / 2 roots drawn with replacement, as major dyads, then the same as minor.
    stream: what draws them. NumPy's former generator, in the source's order, so that a seed gives the batches that it
    gave him; his two generators draw from one stream, NumPy's global one.
    """

    def __init__(self, roots_hz: tuple[float, ...], stream: np.random.RandomState, cqt_of: str = "librosa"):
        self.templates, self.stream = templates(roots_hz, cqt_of), stream

    def batch(self, n: int = 128) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, 36, 3) and labels (n,): n / 2 roots drawn with replacement, as majors, then as minors."""
        chosen = self.stream.choice(self.templates.shape[1], size=n // 2, replace=True)
        gain = NOISE * self.stream.random_sample(1)
        noise = gain * self.stream.uniform(-1.0, 1.0, self.templates.shape[2:])
        x = self.templates[:, chosen].reshape(-1, *self.templates.shape[2:]) + noise
        return x.astype(np.float32), np.repeat([MAJOR, MINOR], n // 2)
