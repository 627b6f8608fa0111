"""How far a recording is out of tune, from its constant-Q spectrogram, and the shift of bins that mends it.

With three bins a semitone a shift by one is 33 cents: free, since the bins for transposition are there.
"""

from collections.abc import Iterable

import numpy as np

BINS = 3  # a semitone, of the spectrograms that are mended
# The second octave to the fifth: below are drums, above mostly partials, of which the fifth is 14 cents flat.
LOWEST, HIGHEST = 12 * BINS, 60 * BINS
PEAK = 0.5  # share of the range that a peak must reach
LEAN_CENTS = 0.5  # by which all peaks seem too low, as sines show: a higher bin of the CQT has less gain
# Half a bin. On validation songs out of tune by every amount 14 to 23 are as good (recipes/chord_tuning.py).
LEAST_CENTS = 17.0
CONCENTRATED = 0.1  # mean resultant length below which nothing is tuned: drums, noise


def cents(spectra: np.ndarray | Iterable[np.ndarray]) -> float:
    """Detuning against A 440 Hz in -50..50 cents of decibels (frames, bins) in 0..1, bin 0 in tune; 0 if none is heard.

    The circular mean of where between the semitones the peaks lie, by their height. spectra: one, or blocks of one.
    """
    blocks = [spectra] if isinstance(spectra, np.ndarray) else spectra
    vector, height = sum(map(_resultant, blocks), np.zeros(2, np.complex128))
    if abs(vector) < CONCENTRATED * height.real or not height:
        return 0.0
    found = 100 * np.angle(vector) / (2 * np.pi) + LEAN_CENTS
    return float((found + 50) % 100 - 50)


def _resultant(spectrum: np.ndarray) -> np.ndarray:
    """Sums over the peaks: of vectors as long as a peak is high, a turn a semitone, and of the heights; (2,) complex.

    A peak lies at the top of the parabola through its bin and both neighbours, in decibels.
    """
    near = spectrum[:, LOWEST - 1 : HIGHEST + 1]
    width, values = near.shape[1], near.ravel()  # in one row, compared in half the time; its joints are no peaks
    middle = values[1:-1]
    at = np.flatnonzero((middle > values[:-2]) & (middle >= values[2:]) & (middle > PEAK)) + 1
    at = at[(at % width > 0) & (at % width < width - 1)]
    left = values[at - 1]
    top = values[at]
    right = values[at + 1]
    place = at % width - 1 + (right - left) / (2 * (2 * top - left - right))
    angle = 2 * np.pi / BINS * place
    return np.array([(top * np.cos(angle)).sum() + 1j * (top * np.sin(angle)).sum(), top.sum()])


def shift(spectra: np.ndarray | Iterable[np.ndarray]) -> int:
    """Bins that the spectrogram's notes lie too high: -1, 0 or 1, the nearest from LEAST_CENTS on."""
    found = cents(spectra)
    return int(np.sign(found)) if abs(found) > LEAST_CENTS else 0
