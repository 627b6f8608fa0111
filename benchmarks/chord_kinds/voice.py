"""A voice that sings on vowels, by source and filter: harmonics of a glottis through five formants.

Notes are glided into, vibrato sets in while they last, vowels change with the notes, and nobody is quite in tune.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from earmark.generated.songs.effects import RATE
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.lab import LabSegment

CONTROL = 200  # Hz of pitch, level and formants
# Peterson and Barney (1952), men, with higher ones as usual; Hz.
VOWELS = np.array(
    [
        (730, 1090, 2440, 3400, 4500),
        (530, 1840, 2480, 3500, 4500),
        (270, 2290, 3010, 3700, 4600),
        (570, 840, 2410, 3300, 4400),
        (300, 870, 2240, 3200, 4300),
    ]
)
BANDWIDTHS = np.array((80, 90, 120, 140, 200))
HARMONICS = 45
MAJOR = (0, 2, 4, 5, 7, 9, 11)


class Note(NamedTuple):
    """Seconds, and pitch in MIDI."""

    start: float
    end: float
    pitch: int


def over(chords: Iterable[LabSegment]) -> list[tuple[float, float, frozenset[int]]]:
    """Spans of time and the pitch classes that a line may rest on in them."""
    return [(c.start_s, c.end_s, harte.parse(c.label).tones - {harte.NO_BASS}) for c in chords if c.label not in "NX"]


def scale(spans: list[tuple[float, float, frozenset[int]]]) -> frozenset[int]:
    """The seven pitch classes that the spans have for longest."""
    seconds = [sum(end - start for start, end, classes in spans if c in classes) for c in range(12)]
    return frozenset(sorted(range(12), key=lambda c: -seconds[c])[:7])


def line(spans: list[tuple[float, float, frozenset[int]]], low: int, rng: np.random.Generator) -> list[Note]:
    """A melody in the 16 semitones above `low`.

    It begins every span on one of its notes; elsewhere nearly half of the notes are those beside the last one in the
    scale.
    """
    steps = _ladder(scale(spans), low)
    notes, pitch = [], low + 7
    for start, end, classes in spans:
        at, first = start, True
        while end - at > 0.12:
            until = min(at + float(rng.choice((0.25, 0.35, 0.5, 0.8))), end)
            until = end if end - until < 0.15 else until
            if first or rng.random() < 0.55:
                pitch = _one_of_nearest(_ladder(classes, low), pitch, 4, rng)
            else:
                pitch = _one_of_nearest([p for p in steps if p != pitch], pitch, 2, rng)
            if rng.random() > 0.1:
                notes.append(Note(at, until, pitch))
            at, first = until, False
    return notes


def _ladder(classes: frozenset[int], low: int) -> list[int]:
    return [p for p in range(low, low + 17) if p % 12 in classes]


def _one_of_nearest(ladder: list[int], pitch: int, n: int, rng: np.random.Generator) -> int:
    return int(rng.choice(sorted(ladder, key=lambda p: (abs(p - pitch), p))[:n]))


def sung(notes: list[Note], n: int, rng: np.random.Generator, tract: float = 1.0) -> np.ndarray:
    """The notes sung, (n,) at RATE, peak 1. tract: formants' factor, 1 of a man, 1.17 of a woman."""
    steps = int(np.ceil(n / RATE * CONTROL)) + 1
    pitch, level, formants = _controls(notes, steps, rng)
    hz = 440 * 2 ** ((pitch - 69) / 12)
    control, samples = np.arange(steps) / CONTROL, np.arange(n) / RATE
    phase = 2 * np.pi * np.cumsum(np.interp(samples, control, hz)) / RATE
    sound = np.zeros(n)
    for k in range(1, HARMONICS + 1):
        # 12 dB an octave from the glottis, 6 of them back from the lips
        amplitude = level / k * _through(k * hz, formants * tract) * (k * hz < 0.45 * RATE)
        if amplitude.any():
            sound += np.interp(samples, control, amplitude) * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    sound += 0.01 * np.abs(sound).max(initial=0) * np.interp(samples, control, level) * rng.standard_normal(n)
    return (sound / max(np.abs(sound).max(initial=0), 1e-9)).astype(np.float32)


def _controls(notes: list[Note], steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pitch in MIDI (steps,), level 0..1 (steps,), formants in Hz (steps, 5)."""
    pitch, level = np.full(steps, float(notes[0].pitch)), np.zeros(steps)
    formants, vibrato = np.tile(VOWELS[0].astype(float), (steps, 1)), np.zeros(steps)
    rate = rng.uniform(4.8, 6.5)
    depth = rng.uniform(0.2, 0.7)
    sharp = rng.normal(0, 0.12)
    for note in notes:
        a, b = round(note.start * CONTROL), min(round(note.end * CONTROL), steps)
        pitch[a:] = note.pitch
        t = np.arange(b - a) / CONTROL
        vibrato[a:b] = depth * np.clip((t - 0.15) / 0.3, 0, 1) * np.sin(2 * np.pi * rate * t)
        level[a:b] = rng.uniform(0.6, 1)
        level[a : min(a + rng.integers(0, 10), b)] *= 0.15  # a consonant
        formants[a:] = VOWELS[rng.integers(len(VOWELS))] * rng.uniform(0.95, 1.05)
    glide = int(rng.uniform(0.06, 0.14) * CONTROL)
    drift = np.cumsum(rng.normal(0, 0.006, steps))
    drift = 0.15 * np.tanh((drift - uniform_filter1d(drift, 2 * CONTROL)) / 0.15)
    smooth = uniform_filter1d(uniform_filter1d(pitch, glide), glide)
    return smooth + vibrato + drift + sharp, uniform_filter1d(level, 10), uniform_filter1d(formants, 12, axis=0)


def _through(hz: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """Gain of the formants' resonances in a row at the frequencies hz (steps,)."""
    square = hz[:, None] ** 2
    return np.prod(formants**2 / np.sqrt((formants**2 - square) ** 2 + square * BANDWIDTHS**2), axis=1)
