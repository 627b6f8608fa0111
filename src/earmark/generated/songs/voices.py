"""Somebody who sings: a source of harmonics, formants of vowels, vibrato, glides from note to note, and breath.

After the source-filter model (Fant 1960); formants of five vowels as Peterson and Barney (1952) measured them. It need
not pass for a singer: it has what tells voices from instruments in a spectrogram.
"""

from collections.abc import Sequence

import numpy as np
import pretty_midi

# Hz of the first three formants: i, e, a, o, u of men.
VOWELS = np.array([[270, 2290, 3010], [530, 1840, 2480], [730, 1090, 2440], [570, 840, 2410], [300, 870, 2240]])
BANDWIDTHS = np.array([80.0, 110.0, 160.0])  # Hz
FORMANT_GAINS = np.array([1.0, 0.6, 0.35])
HIGHEST_HZ, MOST_HARMONICS = 7000.0, 40
CONTROL = 64  # samples between two values of what changes slowly


def sing(notes: Sequence[pretty_midi.Note], n: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """n samples float32 of a voice on notes (seconds, MIDI pitches), one at a time, at its RMS of 1 where it sounds."""
    notes = sorted(notes, key=lambda note: note.start)
    if not notes:
        return np.zeros(n, np.float32)
    shift = 12 * np.round((rng.uniform(52, 66) - np.median([note.pitch for note in notes])) / 12)
    grid = np.arange(0, n + CONTROL, CONTROL) / rate
    semitones, loud, vowels = _line(notes, grid, rng)
    hz = 440 * 2 ** ((_glided(semitones + shift, rate, rng) + _vibrato(grid, rng) - 69) / 12)
    size = 1.0 + 0.006 * max(0.0, float(np.median(semitones + shift)) - 50)  # higher voices have shorter tracts
    voice = _harmonics(hz, loud, vowels * size, n, rate, rng)
    voice += _breath(loud, n, rate, rng) * voice.std()
    sounding = np.repeat(loud > 0.1, CONTROL)[:n]
    level = np.sqrt((voice[sounding] ** 2).mean()) if sounding.any() else 0.0
    return (voice / max(float(level), 1e-9)).astype(np.float32)


def _line(notes: list[pretty_midi.Note], grid: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Pitch (steps,), loudness 0..1 (steps,) and formants (steps, 3) along the grid of seconds."""
    starts = np.array([note.start for note in notes])
    ends = np.minimum([note.end for note in notes], [*starts[1:], np.inf])
    at = np.maximum(np.searchsorted(starts, grid, side="right") - 1, 0)
    inside = np.minimum((grid - starts[at]) / rng.uniform(0.02, 0.08), (ends[at] - grid) / rng.uniform(0.03, 0.1))
    loud = np.clip(inside, 0, 1) * rng.uniform(0.6, 1.0, len(notes))[at]
    pitches = np.array([float(note.pitch) for note in notes]) + rng.normal(0, 0.12, len(notes))
    vowels = VOWELS[rng.integers(len(VOWELS), size=len(notes))].astype(float)
    width = max(1, int(0.06 / (grid[1] - grid[0])))
    smooth = np.ones(width) / width
    formants = np.stack([np.convolve(np.pad(v, width, "edge"), smooth, "same")[width:-width] for v in vowels[at].T], 1)
    return pitches[at], loud, formants


def _glided(semitones: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The pitch as a voice goes from note to note."""
    width = max(1, int(rng.uniform(0.03, 0.18) * rate / CONTROL))
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(semitones, width, "edge"), window / window.sum(), "same")[width:-width]


def _vibrato(grid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Semitones beside the pitch: a wave of about 5 Hz that comes and goes, and a slow drift."""
    depth = rng.choice((0.1, rng.uniform(0.2, 0.9))) * (0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * grid))
    drift = rng.uniform(0, 0.25) * np.sin(2 * np.pi * (rng.uniform(0.05, 0.3) * grid + rng.random()))
    return depth * np.sin(2 * np.pi * rng.uniform(4.5, 6.8) * grid) + drift


def _harmonics(
    hz: np.ndarray, loud: np.ndarray, formants: np.ndarray, n: int, rate: int, rng: np.random.Generator
) -> np.ndarray:
    """The harmonics of hz (steps,), each as loud as its place among the formants (steps, 3) makes it."""
    step = np.arange(n) / CONTROL
    turn = np.exp(2j * np.pi * np.cumsum(np.interp(step, np.arange(len(hz)), hz)) / rate).astype(np.complex64)
    wave = np.ones(n, np.complex64)
    voice = np.zeros(n, np.float32)
    slope = rng.uniform(0.7, 1.5)
    for k in range(1, min(MOST_HARMONICS, int(HIGHEST_HZ / hz.min())) + 1):
        wave *= turn
        partial = k * hz[:, None]
        resonance = (FORMANT_GAINS / np.sqrt(1 + ((partial - formants) / BANDWIDTHS) ** 2)).sum(1)
        gain = loud * (resonance + 0.03) / k**slope * (k * hz < min(HIGHEST_HZ, rate / 2))
        voice += np.repeat(gain.astype(np.float32), CONTROL)[:n] * wave.imag
    return voice


def _breath(loud: np.ndarray, n: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise along with the voice, and bursts where notes begin, as consonants have them."""
    rising = np.maximum(np.diff(loud, prepend=0.0), 0)
    fading = np.exp(-np.arange(int(0.06 * rate / CONTROL)) / (0.02 * rate / CONTROL))
    bursts = np.convolve(rising * (rng.random(len(rising)) < 0.7), fading)[: len(loud)]
    gain = rng.uniform(0.01, 0.1) * loud + rng.uniform(0.1, 1.5) * bursts
    noise = np.diff(rng.standard_normal(n + 1))  # its highs
    return np.repeat(gain, CONTROL)[:n] * noise
