"""How far a recording is out of tune, from its constant-Q spectrogram, and the shift of bins that mends it.

With three bins a semitone a shift by one is 33 cents: free, since the bins for transposition are there.
"""

from collections.abc import Iterable

import numpy as np

BINS = 3  # a semitone, of the spectrograms that are mended
PEAK = 0.5  # share of the range that a peak must reach
# Chosen on validation songs, as they are and out of tune (recipes/chord_tuning.py).
LEAST_CENTS = 17.0
SUREST_CENTS = 42.0  # beyond it, half a semitone is too near to say whether it is sharp or flat
CONCENTRATED = 0.1  # mean resultant length below which nothing is tuned: drums, noise


def cents(spectra: np.ndarray | Iterable[np.ndarray]) -> float:
    """Detuning against A 440 Hz in -50..50 cents of (frames, bins) in 0..1, bin 0 in tune; 0 where nothing says.

    The circular mean of where between the semitones the peaks lie, by their height. spectra: one, or blocks of one.
    """
    weight = sum(map(_peaks, [spectra] if isinstance(spectra, np.ndarray) else spectra), np.zeros(1))
    place = np.arange(1, len(weight) + 1) % BINS
    mean = (weight * np.exp(2j * np.pi * place / BINS)).sum() / max(weight.sum(), 1e-12)
    return float(100 * np.angle(mean) / (2 * np.pi)) if abs(mean) >= CONCENTRATED else 0.0


def _peaks(spectrum: np.ndarray) -> np.ndarray:
    """The height of the peaks in each bin but the first and the last, summed over frames: (bins - 2,)."""
    middle = spectrum[:, 1:-1]
    peaks = (middle > spectrum[:, :-2]) & (middle >= spectrum[:, 2:]) & (middle > PEAK)
    return np.where(peaks, middle, 0).sum(0, dtype=np.float64)


def shift(spectra: np.ndarray | Iterable[np.ndarray]) -> int:
    """Bins that the spectrogram's notes lie too high: -1, 0 or 1."""
    found = cents(spectra)
    return int(np.sign(found)) if LEAST_CENTS < abs(found) < SUREST_CENTS else 0
