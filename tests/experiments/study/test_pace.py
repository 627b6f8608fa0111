"""How much of a study is left: counted, and told by the epochs of what has ended."""

from types import SimpleNamespace

import pytest

from earmark.experiments.study.pace import Pace, duration


def jobs(*epochs: int) -> list:
    return [SimpleNamespace(key=f"{i}:{n}", train=SimpleNamespace(epochs=n)) for i, n in enumerate(epochs)]


def test_what_is_left_is_told_by_epochs():
    pace, some = Pace(1), jobs(10, 10, 20)
    pace.begin([*some, some[0]])  # two cells share a training
    assert (pace.total, pace.left_s, str(pace)) == (3, None, "0 of 3")
    pace.end(some[0], 5.0)
    assert (pace.left_s, str(pace)) == (15.0, "1 of 3, about 15 s left")
    pace.end(some[1], None)  # refused: it says nothing of time
    assert (pace.left_s, pace.ended) == (10.0, 2)
    pace.end(some[2], 10.0)
    assert str(pace) == "3 of 3, about 0 s left"


def test_trainings_that_follow_count_from_the_start():
    pace = Pace(2)
    first = jobs(10, 30)
    then = jobs(40, 40)[1:]
    pace.begin(first, later=4)
    pace.end(first[0], 60.0)
    assert (pace.total, pace.left_s) == (6, (30 + 4 * 10) * 6.0 / 2)
    pace.end(first[1], 180.0)
    assert pace.left_s == 4 * 20 * 6.0 / 2
    pace.begin(then)
    assert (pace.total, pace.left_s) == (3, 40 * 6.0)  # one training alone has one worker
    assert str(pace) == "2 of 3, about 4 min left"


@pytest.mark.parametrize(
    ("seconds", "said"), [(89.4, "about 89 s"), (90, "about 2 min"), (5399, "about 90 min"), (5400, "about 1.5 h")]
)
def test_duration(seconds, said):
    assert duration(seconds) == said
