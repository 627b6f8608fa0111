"""Chords and keys as a network's targets, and their transposition."""

from dataclasses import dataclass, replace

import numpy as np

from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, Vocabulary

NO_KEY = 24
MINOR_MODES = ("min", "minor", "aeolian", "dorian", "phrygian", "locrian")
MAJOR_MODES = ("maj", "major", "ionian", "lydian", "mixolydian", "")


@dataclass(frozen=True)
class Targets:
    """What sounds in n frames; where it is unknown (X), chord, bass and transition are IGNORED and the tones 0.

    chord: (n,) int64 class. tones: (n, 12) float32, 1 where the absolute pitch class sounds, the bass among them.
    bass: (n,) int64 pitch class 0..11, 12 for N. transition: (n,) int64, 1 in the first frame of a new chord.
    """

    chord: np.ndarray
    tones: np.ndarray
    bass: np.ndarray
    transition: np.ndarray

    def vectors(self) -> np.ndarray:
        """ChordNet's vectors (n, 25): 12 tones, then the bass one-hot with N as its 13th; zeros where unknown."""
        one_hot = (self.bass[:, None] == np.arange(13)).astype(np.float32)
        return np.concatenate([self.tones, one_hot], axis=1)

    def transposed(self, semitones: int, vocabulary: Vocabulary = NARROW) -> "Targets":
        """The same frames as many semitones higher."""
        chord = vocabulary.transposed(self.chord, semitones)
        tones, bass = np.roll(self.tones, semitones, axis=1), transposed_bass(self.bass, semitones)
        return replace(self, chord=chord, tones=tones, bass=bass)


def of_labels(labels: list[str], place: np.ndarray, vocabulary: Vocabulary = NARROW) -> Targets:
    """Targets of frames from the labels of segments; place: (n,) each frame's segment, -1 where there is none."""
    chords = [harte.parse(label) for label in labels] + [harte.UNKNOWN]
    classes = np.array([harte.class_of(c, vocabulary) for c in chords])
    basses = np.array([c.bass for c in chords])
    tones = np.array([[float(p in c.tones) for p in range(12)] for c in chords], np.float32)
    numbers = {c: i for i, c in enumerate(dict.fromkeys(chords))}  # two rows of the same chord are no transition
    number = np.array([numbers[c] for c in chords])[place]
    transition = np.zeros(len(place), np.int64)
    transition[1:] = number[1:] != number[:-1]
    transition[number == numbers[harte.UNKNOWN]] = IGNORED
    return Targets(classes[place], tones[place], basses[place], transition)


def transposed_bass(bass: np.ndarray, semitones: int) -> np.ndarray:
    """Bass targets of any shape, as many semitones higher; N and IGNORED stay."""
    bass = np.asarray(bass)
    return np.where((bass == harte.NO_BASS) | (bass == IGNORED), bass, (bass + semitones) % 12)


def transposed_key(key: np.ndarray | int, semitones: int) -> np.ndarray:
    """Keys of any shape (0..11 major, 12..23 minor tonics), as many semitones higher; NO_KEY and IGNORED stay."""
    key = np.asarray(key)
    return np.where((key == NO_KEY) | (key == IGNORED), key, key - key % 12 + (key + semitones) % 12)


def key_of(text: str) -> int:
    """Key 0..23 of `C`, `Eb:min`, `A:minor` or `D:mixolydian`; NO_KEY for anything else, such as `N` or `Silence`.

    A mode goes to the major or minor key with its third.
    """
    tonic, _, mode = text.strip().partition(":")
    if not (match := harte.ROOT.fullmatch(tonic)):
        return NO_KEY
    root = "CDEFGAB".index(tonic[0])
    root = (0, 2, 4, 5, 7, 9, 11)[root] + tonic.count("#") - match[1].count("b")
    if mode in MAJOR_MODES:
        return root % 12
    return 12 + root % 12 if mode in MINOR_MODES else NO_KEY


def key_label(key: int) -> str:
    """`C:maj`, `Eb:min`, or `N`."""
    return "N" if key == NO_KEY else f"{harte.ROOTS[key % 12]}:{'min' if key >= 12 else 'maj'}"
