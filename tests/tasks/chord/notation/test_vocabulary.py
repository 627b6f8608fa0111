"""The table of chord qualities and the numbers of its classes."""

import json

import mir_eval
import numpy as np
import pytest

from earmark.tasks.chord.notation.vocabulary import EXTRA, IGNORED, NARROW, NARROW_QUALITIES, QUALITIES, WIDE, N
from project import REPOSITORY

FACTS = REPOSITORY.parent / "shared/chord_qualities.json"


@pytest.mark.skipif(not FACTS.is_file(), reason="the table of facts is not at ../shared/chord_qualities.json")
def test_table_restates_the_facts():
    rows = json.loads(FACTS.read_text())
    assert [(q.lead_sheet, q.harte, list(q.intervals)) for q in QUALITIES] == [
        (r["seed"], r["harte"], r["intervals"]) for r in rows
    ]


def test_529_classes():
    assert (len(NARROW_QUALITIES), N, NARROW.n_classes, WIDE.n_classes) == (44, 528, 529, 56 * 12 + 1)
    assert NARROW_QUALITIES[0].harte == "5"
    assert NARROW_QUALITIES[43].lead_sheet == "7(9,#11,13)"


@pytest.mark.parametrize("quality", QUALITIES + EXTRA, ids=lambda q: q.harte)
def test_mir_eval_reads_every_shorthand_as_these_intervals(quality):
    root, bitmap, bass = mir_eval.chord.encode(f"D:{quality.harte}", reduce_extended_chords=True)
    assert (root, bass) == (2, 0)
    assert tuple(np.flatnonzero(bitmap)) == quality.intervals


def test_no_two_qualities_have_the_same_intervals():
    assert len(WIDE.by_intervals) == len(WIDE.qualities) == 56
    assert WIDE.by_intervals[frozenset({0, 2, 7})] == 48


def test_index_and_parts_are_inverse():
    assert NARROW.index(1, 7) == 19  # G:maj
    assert NARROW.parts(19) == (1, 7)
    assert [NARROW.index(*NARROW.parts(i)) for i in range(N)] == list(range(N))
    assert NARROW.parts(N) is None


@pytest.mark.parametrize("index", [-1, 529, IGNORED])
def test_what_is_no_class_has_no_parts(index):
    with pytest.raises(ValueError, match=f"chord class {index} is outside"):
        NARROW.parts(index)


def test_transposition_moves_the_root_alone():
    assert NARROW.transposed(NARROW.index(10, 11), 3) == NARROW.index(10, 2)
    assert NARROW.transposed(NARROW.index(10, 2), -3) == NARROW.index(10, 11)
    assert (NARROW.transposed(N, 5), NARROW.transposed(IGNORED, 5)) == (N, IGNORED)
