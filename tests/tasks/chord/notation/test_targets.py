"""Targets of frames, and what transposition does to them."""

import numpy as np
import pytest

from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE

SONG = [
    LabSegment(0.0, 1.0, "N"),
    LabSegment(1.0, 2.0, "C:maj/3"),
    LabSegment(2.0, 3.0, "C/3"),  # the same chord, written otherwise
    LabSegment(3.0, 4.0, "X"),
    LabSegment(4.0, 5.0, "F:maj/2"),
]


def at_half_seconds(vocabulary=NARROW) -> targets.Targets:
    return lab.frames(SONG, 11, 0.5, vocabulary)


def test_frames_read_the_chord_at_their_centre():
    t = at_half_seconds()
    c, f = 12, 12 + 5
    assert t.chord.tolist() == [528, 528, c, c, c, c, IGNORED, IGNORED, f, f, IGNORED]  # at 5 s the song is over
    assert t.bass.tolist() == [12, 12, 4, 4, 4, 4, IGNORED, IGNORED, 7, 7, IGNORED]
    assert t.transition.tolist() == [0, 0, 1, 0, 0, 0, IGNORED, IGNORED, 1, 0, IGNORED]


def test_tones_are_absolute_and_hold_the_bass():
    tones = at_half_seconds().tones
    assert np.flatnonzero(tones[2]).tolist() == [0, 4, 7]
    assert np.flatnonzero(tones[8]).tolist() == [0, 5, 7, 9]  # F/G: the bass G sounds too
    assert not tones[[0, 6, 10]].any()


def test_tones_are_the_true_ones_where_the_class_is_the_nearest():
    t = lab.frames([LabSegment(0.0, 1.0, "C:sus2")], 1, 0.5)
    assert t.chord.tolist() == [0]  # C:5
    assert np.flatnonzero(t.tones[0]).tolist() == [0, 2, 7]


def test_vector_is_tones_and_bass():
    vectors = at_half_seconds().vectors()
    assert vectors.shape == (11, 25)
    assert np.flatnonzero(vectors[2]).tolist() == [0, 4, 7, 12 + 4]
    assert np.flatnonzero(vectors[0]).tolist() == [24]
    assert not vectors[6].any()


def test_frames_before_the_first_row_are_unknown():
    assert lab.frames([LabSegment(0.6, 1.0, "N")], 3, 0.5).chord.tolist() == [IGNORED, IGNORED, IGNORED]
    assert lab.frames([LabSegment(0.5, 1.0, "N")], 3, 0.5).chord.tolist() == [IGNORED, 528, IGNORED]


@pytest.mark.parametrize("vocabulary", [NARROW, WIDE])
@pytest.mark.parametrize("semitones", range(-5, 7))
def test_transposed_targets_are_those_of_transposed_labels(semitones, vocabulary):
    moved = at_half_seconds(vocabulary).transposed(semitones, vocabulary)
    expected = lab.frames(lab.transposed(SONG, semitones), 11, 0.5, vocabulary)
    for name in ("chord", "tones", "bass", "transition"):
        assert (getattr(moved, name) == getattr(expected, name)).all(), name


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("C", 0),
        ("C:maj", 0),
        ("Eb:min", 15),
        ("A:minor", 21),
        ("D:mixolydian", 2),
        ("D:dorian", 14),
        ("Cb:maj", 11),
        ("B#", 0),
        ("G:modal", 24),
        ("N", 24),
        ("Silence", 24),
        ("", 24),
    ],
)
def test_keys(text, key):
    assert targets.key_of(text) == key


def test_keys_move_within_their_mode():
    assert targets.transposed_key(np.array([11, 12, 23, 24, IGNORED]), 2).tolist() == [1, 14, 13, 24, IGNORED]
    assert [targets.key_label(k) for k in (0, 6, 15, 24)] == ["C:maj", "F#:maj", "Eb:min", "N"]
    assert [targets.key_of(targets.key_label(k)) for k in range(25)] == list(range(25))
