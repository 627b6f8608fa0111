"""Harte labels, read beside mir_eval and by hand, and written."""

from itertools import product

import mir_eval
import numpy as np
import pytest

from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.harte import NONE, UNKNOWN, ChordError, class_of, label_of, namesakes, parse
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, NARROW_QUALITIES, QUALITIES, WIDE, N

SHORTHANDS = [name for name in mir_eval.chord.QUALITIES if name]


def chordnet_name(label: str) -> str:
    """ChordNet's name of the quality that a label falls to."""
    return NARROW_QUALITIES[class_of(parse(label)) // 12].lead_sheet


@pytest.mark.parametrize("label", ["C", "C:maj", "C:(3,5)", "B#:maj"])
def test_c_major_is_written_in_many_ways(label):
    assert (parse(label).root, parse(label).intervals, parse(label).bass) == (0, {0, 4, 7}, 0)


@pytest.mark.parametrize(
    ("label", "root", "intervals", "bass"),
    [
        ("C:maj/3", 0, {0, 4, 7}, 4),
        ("F:maj/2", 5, {0, 4, 7}, 7),  # F/G: the bass is outside, and no interval of the chord
        ("A:min7/b3", 9, {0, 3, 7, 10}, 0),
        ("Bb:9", 10, {0, 2, 4, 7, 10}, 10),
        ("G:sus4(b7,9)", 7, {0, 2, 5, 7, 10}, 7),
        ("D:maj(*3)", 2, {0, 7}, 2),
        ("E:min(*5,b5)/b5", 4, {0, 3, 6}, 10),
        ("Cb:9(*3)", 11, {0, 2, 7, 10}, 11),
        ("C:13", 0, {0, 2, 4, 5, 7, 9, 10}, 0),
        ("C:maj(*1)/3", 0, {4, 7}, 4),
        ("C:maj11", 0, {0, 2, 4, 5, 7, 11}, 0),
        ("C:aug7/b7", 0, {0, 4, 8, 10}, 10),
        ("C:1", 0, {0}, 0),
    ],
)
def test_labels_by_hand(label, root, intervals, bass):
    assert (parse(label).root, parse(label).intervals, parse(label).bass) == (root, intervals, bass)


def test_every_shorthand_extension_and_bass_reads_as_mir_eval_reads_it():
    for quality, degrees, bass in product(SHORTHANDS, ("", "(9)", "(*5,#11)", "(b13)"), ("", "/3", "/b7", "/2")):
        label = f"Eb:{quality}{degrees}{bass}"
        root, bitmap, relative = mir_eval.chord.encode(label, reduce_extended_chords=True)
        chord = parse(label)
        sounding = {(root + i) % 12 for i in np.flatnonzero(bitmap)}  # mir_eval counts the bass in
        assert (chord.root, chord.bass, chord.tones) == (root, (root + relative) % 12, sounding), label


def test_no_chord_and_unknown_chord():
    assert (parse("N"), parse("X")) == (NONE, UNKNOWN)
    assert (class_of(NONE), class_of(UNKNOWN)) == (N, IGNORED)
    assert (NONE.bass, UNKNOWN.bass, NONE.tones) == (12, IGNORED, frozenset())


@pytest.mark.parametrize("label", ["", "H:maj", "Cm", "C:", "C/", "C:maj/14", "C:dur", "n", "C:maj\n", "C(*5)", "C:m7"])
def test_what_is_no_label_is_said(label):
    with pytest.raises(ChordError, match="is not a chord in Harte's notation, such as C:maj"):
        parse(label)


def test_spelling_that_mir_eval_scores():
    assert harte.scorable("D:aug7/3") == "D:aug(b7)/3"
    assert harte.scorable("D:maj11(#13)") == "D:maj7(9,11,#13)"
    for label in ("D:aug7/3", "D:maj11(#13)", "C:maj/3", "N"):
        assert parse(harte.scorable(label)) == parse(label)
        mir_eval.chord.encode(harte.scorable(label))


def test_quality_as_written():
    labels = ["C", "C/3", "A:min7/b3", "G:sus4(b7,9)", "C:(1,5)/5", "N", "X"]
    assert [harte.quality_of(x) for x in labels] == ["maj", "maj", "min7", "sus4(b7,9)", "(1,5)", "N", "X"]


@pytest.mark.parametrize("vocabulary", [NARROW, WIDE])
def test_every_class_is_written_and_read_back_over_every_bass(vocabulary):
    for index, bass in product(range(vocabulary.none), range(12)):
        chord = parse(label_of(index, bass, vocabulary))
        assert (class_of(chord, vocabulary), chord.bass) == (index, bass)
    assert label_of(vocabulary.none, 3, vocabulary) == "N"


@pytest.mark.parametrize(
    ("quality", "root", "bass", "label"),
    [
        (1, 0, None, "C:maj"),
        (1, 0, 12, "C:maj"),
        (1, 0, 4, "C:maj/3"),
        (1, 5, 7, "F:maj/2"),
        (2, 9, 0, "A:min/b3"),
        (4, 0, 8, "C:aug/#5"),
        (22, 0, 3, "C:7(#9)/#9"),
        (17, 6, 3, "F#:dim7/6"),
    ],
)
def test_bass_is_written_as_inversion(quality, root, bass, label):
    assert label_of(NARROW.index(quality, root), bass) == label


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("C:min11", "m7(9,11)"),  # the same notes
        ("C:7(#11)", "7"),  # the largest within; 7-5 has as many notes and stands later in the table
        ("C:13", "7(9,13)"),
        ("C:11", "7(9)"),
        ("C:maj13", "M7(9,13)"),
        ("C:sus4(b7,9)", "7sus4"),
        ("C:maj(4)", ""),
        ("C:sus2", "5"),
        ("C:7(*3)", "5"),
        ("C:min7(*5)", "m7"),  # nothing is within: the fewest notes apart
        ("C:maj(*5)", ""),
        ("C:1", "5"),
        ("C:maj(*1)/3", ""),
    ],
)
def test_nearest_class_keeps_the_root(label, name):
    assert class_of(parse(label)) % 12 == 0
    assert chordnet_name(label) == name


def test_wide_vocabulary_knows_sus2():
    assert label_of(class_of(parse("D:sus2"), WIDE), None, WIDE) == "D:sus2"


def test_what_stands_for_sus2_is_right_by_root_and_third_and_never_by_tetrads():
    """C:5 loses nothing that any quality of the table would keep; its notes on another root lose the root."""
    measures = mir_eval.chord
    for quality in NARROW_QUALITIES:
        assert measures.tetrads(["C:sus2"], [f"C:{quality.harte}"])[0] == 0
    assert [f(["C:sus2"], ["C:5"])[0] for f in (measures.root, measures.thirds)] == [1, 1]
    assert [f(["C:sus2"], ["G:sus4/4"])[0] for f in (measures.root, measures.thirds)] == [0, 0]


def test_transposition_keeps_the_rest_as_written():
    assert harte.transposed("Bb:min7(*5)/b3", 3) == "Db:min7(*5)/b3"
    assert [harte.transposed(x, 5) for x in ("C", "B#/5", "N", "X")] == ["F", "F/5", "N", "X"]
    for shift, quality in product(range(-6, 7), QUALITIES):
        moved = parse(harte.transposed(f"E:{quality.harte}/5", shift))
        assert (moved.root, moved.bass, moved.intervals) == ((4 + shift) % 12, (11 + shift) % 12, {*quality.intervals})


def test_labels_of_the_same_notes_and_bass():
    assert namesakes("C:sus2") == ["G:5/4", "G:sus4/4"]
    assert namesakes("G:sus4(b7,9)") == ["D:min7/4", "F:maj6/2", "D:min7(11)/4", "F:maj6(9)/2"]
    assert namesakes("C:maj6") == ["A:min7/b3"]
    assert namesakes("C:aug") == ["E:aug/#5", "Ab:aug/3"]
    assert namesakes("F:maj/5") == namesakes("N") == []
    assert harte.same_notes("D:min7/4", "G:sus4(b7,9)")
    assert not harte.same_notes("D:min7", "F:maj6")  # another bass


def test_f_over_g_is_a_g9sus4_without_its_fifth():
    assert namesakes("F:maj/2") == ["F:maj(9)/2"]
    assert namesakes("F:maj/2", fifth_optional=True) == ["F:maj(9)/2", "G:sus4(b7,9)"]
