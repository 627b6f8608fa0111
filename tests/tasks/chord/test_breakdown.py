"""Tables of where chords go wrong, by hand."""

import numpy as np
import pytest

from chord_songs import random_song, song
from earmark.tasks.chord import breakdown, scores
from earmark.tasks.chord.notation.vocabulary import NARROW, NARROW_QUALITIES

PLACE = {q.harte: i for i, q in enumerate(NARROW_QUALITIES)} | {"N": 44}


@pytest.fixture
def cut():
    return scores.pieces(
        [
            song("C 4 | G:7 1 | A:min7/b3 0.5", "C 3 | C:maj7 1 | G 1 | C:maj6 0.5", "a"),
            song("N 2 | X 3 | D:sus2 1.5", "C 1 | N 4 | D:5 1.5", "b"),
        ]
    )


def test_by_quality(cut):
    table = breakdown.by_quality(cut).set_index("quality")
    assert table.seconds.to_dict() == {"maj": 4, "N": 2, "sus2": 1.5, "7": 1, "min7": 0.5}
    assert list(table.index) == ["maj", "N", "sus2", "7", "min7"]
    assert table.tetrads.to_dict() == {"maj": 0.75, "N": 0.5, "sus2": 0, "7": 0, "min7": 0}
    assert table.root.to_dict() == {"maj": 1, "N": 0.5, "sus2": 1, "7": 1, "min7": 0}
    assert table.bass["min7"] == 1
    assert np.isnan(table.majmin["sus2"])


def test_by_length_keeps_the_whole_chord_together(cut):
    """C lasts 4 s though the estimate cuts it after 3."""
    table = breakdown.by_length(cut).set_index("length")
    assert table.seconds.to_dict() == {
        "0 to 0.5 s": 0, "0.5 to 1 s": 0.5, "1 to 2 s": 2.5, "2 to 4 s": 2, "4 s or more": 4
    }  # fmt: skip
    assert table.tetrads["4 s or more"] == 0.75
    assert np.isnan(table.root["0 to 0.5 s"])


def test_lengths_sum_to_the_pooled_figure():
    songs = [random_song(i) for i in range(3)]
    cut = scores.pieces(songs)
    for table in (breakdown.by_length(cut), breakdown.by_quality(cut)):
        there = table[table.seconds > 0]
        pooled = (there.root * there.seconds).sum() / there.seconds.sum()
        assert pooled == pytest.approx(scores.evaluate(songs, 0)["root"], abs=1e-12)


def test_confusion_of_qualities_is_in_seconds(cut):
    found = breakdown.confusion_of_qualities(cut)
    expected = np.zeros((45, 45))
    pairs = [
        *[("maj", "maj", 3), ("maj", "maj7", 1), ("7", "maj", 1), ("min7", "maj6", 0.5)],
        *[("N", "maj", 1), ("N", "N", 1), ("5", "5", 1.5)],  # sus2 counts as 5
    ]
    for true, estimated, seconds in pairs:
        expected[PLACE[true], PLACE[estimated]] = seconds
    assert (found == expected).all()
    expected[PLACE["min7"], PLACE["maj6"]] = expected[PLACE["N"], PLACE["maj"]] = 0
    assert (breakdown.confusion_of_qualities(cut, same_root=True) == expected).all()


def test_confusion_of_roots(cut):
    found = breakdown.confusion_of_roots(cut)
    assert found.shape == (13, 13)
    assert {(int(t), int(e)): found[t, e] for t, e in np.argwhere(found)} == {
        (0, 0): 4, (7, 7): 1, (9, 0): 0.5, (12, 0): 1, (12, 12): 1, (2, 2): 1.5
    }  # fmt: skip


def test_rows_are_normalized_and_unsupported_ones_blank():
    found = breakdown.normalized(np.array([[3.0, 1.0], [0.0, 0.0]]))
    assert found[0].tolist() == [0.75, 0.25]
    assert np.isnan(found[1]).all()


def test_an_estimate_of_x_counts_as_n():
    found = breakdown.confusion_of_qualities(scores.pieces([song("C 1", "X 1")]), NARROW)
    assert found[PLACE["maj"], 44] == 1


def test_names_of_the_same_notes_are_listed_on_c():
    cut = scores.pieces(
        [
            song("C:maj6 1 | D:maj6 2 | G:sus4(b7,9) 1", "A:min7/b3 1 | B:min7/b3 2 | D:min7/4 1"),
            song("C:maj6 1 | C 1 | C:maj6 3 | N 1", "A:min7 1 | C:maj 1 | C:maj6 3 | N 1"),
        ]
    )
    rows = breakdown.same_but_in_name(cut).itertuples(index=False)
    assert [tuple(row) for row in rows] == [("C:maj6", "A:min7/b3", 3), ("C:sus4(b7,9)", "G:min7/4", 1)]


def test_what_is_taken_for_what_is_named_as_lead_sheets_do():
    """ChordNet's own example: 7sus4 is written down as F/G, its tonic being C."""
    cut = scores.pieces(
        [
            song("G:sus4(b7) 4 | C 2 | N 1 | A:sus4(b7) 1", "F/2 3 | G:sus4(b7) 1 | C/3 2 | C 1 | G/2 1", "a"),
            song("D:min7 2 | X 1", "D:min7/b7 1 | F 1 | C 1", "b"),
        ]
    )
    table = breakdown.taken_for(cut)
    assert table.values.tolist() == [
        ["G:sus4(b7)", "F:maj/2", "G7sus4", "F/G", 4.0, 0.8],
        ["G:maj", "G:maj/3", "G", "G/B", 2.0, 1.0],
        ["G:min7", "G:min7/b7", "Gm7", "Gm7/F", 1.0, 0.5],
        ["G:min7", "Bb:maj", "Gm7", "Bb", 1.0, 0.5],
    ]
