"""What is kept of every test recording, and whether two models' can be paired."""

import numpy as np
import pandas as pd
import pytest

from earmark.evaluation import outcomes

ROWS = pd.DataFrame({"recording": ["a.wav", "b.wav", "c.wav"], "group": ["g", "g", "h"]})


def test_shares_have_a_row_a_recording():
    found = outcomes.shares(
        "accuracy", ROWS, np.array([1.0, 0.0, 1.0]), 1.0, pd.Series(["x", "y", "x"], index=[7, 8, 9])
    )
    assert tuple(found) == outcomes.SHARES
    assert list(found.part) == ["x", "y", "x"]
    assert list(found.weight) == [1.0] * 3
    assert found.confidence.isna().all()
    assert not outcomes.are_trials(found)


def test_order_does_not_matter_but_recordings_parts_and_weights_do():
    one = outcomes.shares("majmin", ROWS, np.zeros(3), np.array([1.0, 2.0, 3.0]))
    assert outcomes.same_recordings(one, one[::-1].assign(right=1.0))
    assert outcomes.same_recordings(one, one.assign(weight=one.weight + 1e-12))
    for column, other in (("recording", "z.wav"), ("part", "maj"), ("figure", "root"), ("weight", 9.0)):
        assert not outcomes.same_recordings(one, one.assign(**{column: other})), column
    assert not outcomes.same_recordings(one, one[:2])


def test_trials_are_paired_by_their_utterances():
    one = pd.DataFrame([("a", "b", True, 0.5, "s", "s"), ("a", "c", False, 0.1, "s", "t")], columns=outcomes.TRIALS)
    assert outcomes.are_trials(one)
    assert outcomes.same_recordings(one, one[::-1].assign(score=0.0))
    assert not outcomes.same_recordings(one, one.assign(b="d"))
    assert not outcomes.same_recordings(one, outcomes.shares("accuracy", ROWS, np.zeros(3)))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:0]])
def test_a_file_holds_what_was_written(tmp_path, rows):
    table = outcomes.shares("accuracy", rows, np.ones(len(rows)), 1.0, "x", 0.5)
    outcomes.write(tmp_path / "reports", table)
    read = pd.read_parquet(tmp_path / "reports" / outcomes.FILE)
    pd.testing.assert_frame_equal(read, table)
