"""Who is it among the enrolled: halves of sessions, the nearest voiceprint by hand, counts against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from earmark.tasks.speaker.trials import enrolment
from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet


@pytest.mark.parametrize(
    ("groups", "later"),
    [
        ("xxyy", [False, False, True, True]),
        ("yxyx", [True, False, True, False]),
        ("xyz", [False, False, True]),
        ("xxxx", [False, False, True, True]),  # one session: by utterance
        ("xxx", [False, False, True]),
        ("x", [False]),
    ],
)
def test_the_second_half_of_the_sessions_is_asked(groups, later):
    assert enrolment.later(np.array(list(groups))).tolist() == later


def answers(rows: list[tuple[str, str, float]]) -> Answers:
    """An utterance a row: speaker, session, direction in degrees."""
    table = pd.DataFrame(rows, columns=["label", "group", "degrees"])
    table["id"] = [f"u{i}" for i in range(len(table))]
    angle = np.radians(table.degrees.to_numpy())
    heard = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    return Answers(TrialSet(table, pd.DataFrame(columns=["a", "b", "same"])), heard)


def test_the_nearest_mean_is_the_answer():
    """b is enrolled at 40 and 80, so at 60: a query at 45 is nearer to it than to a at 0, or to c at 90."""
    rows = [("b", "1", 40), ("a", "2", 45), ("b", "2", 80), ("a", "1", 0), ("b", "3", 100), ("c", "1", 90)]
    found = enrolment.identify(answers(rows))
    assert found.to_dict("list") == {
        "at": [1, 4],
        "id": ["u1", "u4"],
        "label": ["a", "b"],
        "taken_for": ["b", "c"],
    }


def test_a_single_recording_instead_of_the_mean_would_answer_otherwise():
    """By the nearest recording, b's at 40, a's query at 35 would be b's; by means it is a's, who is enrolled at 20."""
    rows = [("a", "1", 20), ("a", "2", 35), ("b", "1", 40), ("b", "2", 80), ("b", "3", 60)]
    assert enrolment.identify(answers(rows)).taken_for.tolist() == ["a", "b"]


def test_counts_are_scikit_learns():
    rng = np.random.default_rng(0)
    queries = pd.DataFrame(rng.choice(list("abcd"), (60, 2)), columns=["label", "taken_for"])
    table = enrolment.confusion(queries)
    expected = confusion_matrix(queries.label, queries.taken_for, labels=list("abcd"))
    got = table.pivot(index="speaker", columns="taken_for", values="n").fillna(0)
    assert got.to_numpy().tolist() == expected.tolist()
    assert table.groupby("speaker").share.sum().tolist() == pytest.approx([1] * 4)
    assert table.groupby("speaker").queries.first().tolist() == expected.sum(1).tolist()
    assert (table.groupby("speaker").n.diff().dropna() <= 0).all()  # most first
