"""Recordings that a model met: what is left out of a figure, what is said, and what is refused."""

import pandas as pd
import pytest

from earmark.data.learnt import UNKNOWN, Learnt
from earmark.errors import EarmarkError

ROWS = [("a.wav", "x", "g1"), ("b.wav", "x", "g1"), ("c.wav", "y", "g2"), ("d.wav", "y", "g3")]
TABLE = pd.DataFrame(ROWS, columns=["path", "label", "group"]).assign(sha256=["1", "2", "3", "4"])


def left(learnt: Learnt, key: str = "group", table: pd.DataFrame = TABLE) -> tuple[list[str], list[str]]:
    """Paths that are left, and what was said."""
    said: list[str] = []
    return learnt.leave(table, key, "some", said.append).path.tolist(), said


def test_what_the_model_met_goes_with_its_group():
    learnt = Learnt({"2", "99"})
    assert left(learnt) == (
        ["c.wav", "d.wav"],
        [
            "1 of 4 recordings in some is among those that the model "
            "was trained or validated on (b.wav): left out, with 1 more of the same groups; "
            "--with-training judges them, too."
        ],
    )
    assert learnt.plain() == {"met": ["b.wav"], "judged": False, "n_left_out": 2}


def test_a_speaker_who_was_met_is_left_out_whole():
    kept, said = left(Learnt({"3"}), "label")
    assert kept == ["a.wav", "b.wav"]
    assert "with 1 more of the same speakers;" in said[0]


def test_rows_left_are_counted_anew():
    rows = Learnt({"1"}).leave(TABLE, "group", "some", print)
    assert rows.index.tolist() == [0, 1]
    assert rows.sha256.tolist() == ["3", "4"]


def test_asked_for_they_are_judged_and_the_figures_called_too_good():
    learnt = Learnt({"1", "2"}, judged=True)
    assert left(learnt) == (
        ["a.wav", "b.wav", "c.wav", "d.wav"],
        [
            "2 of 4 recordings in some are among those that the model "
            "was trained or validated on (a.wav, b.wav): the figures are too good."
        ],
    )
    assert learnt.plain() == {"met": ["a.wav", "b.wav"], "judged": True, "n_left_out": 0}


def test_nothing_left_is_one_sentence():
    with pytest.raises(EarmarkError) as e:
        left(Learnt({"1", "2", "3", "4"}))
    assert str(e.value) == (
        "4 of 4 recordings in some are among those that the model was trained or validated on (a.wav, b.wav, "
        "c.wav and 1 more), so none is left to score; name a folder of other recordings, or score all of them with "
        "--with-training."
    )
    with pytest.raises(
        EarmarkError, match=r"\(a\.wav\), and the rest \(1\) belong to the same groups, so none is left"
    ):
        left(Learnt({"1"}), table=TABLE[:2])


def test_nothing_met_is_nothing_said():
    learnt = Learnt(set())
    assert left(learnt) == (["a.wav", "b.wav", "c.wav", "d.wav"], [])
    assert learnt.plain() == {"met": [], "judged": False, "n_left_out": 0}


def test_what_cannot_be_known_is_said_and_judged():
    learnt = Learnt(None)
    assert left(learnt) == (["a.wav", "b.wav", "c.wav", "d.wav"], [UNKNOWN])
    assert learnt.plain() is None


def test_a_recording_that_cannot_be_read_has_no_hash_and_was_not_met():
    assert left(Learnt({"1"}), table=TABLE.assign(sha256=["1", "", "", ""], group=list("abcd")))[0] == [
        "b.wav",
        "c.wav",
        "d.wav",
    ]
