"""The gate's verdicts on constructed versions."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from earmark.evaluation import outcomes
from earmark.evaluation.settings import GateSettings
from earmark.registry import gate
from earmark.registry.clean_process import AnswerCost
from earmark.registry.gate import Side, share_of_level
from earmark.tasks import catalog

GENRE, SPEAKER = catalog.task("genre"), catalog.task("speaker")
GATE = GateSettings()


def side(right: np.ndarray, name: str = "version 2", classes: int = 10, confidence: float = 0.8, **facts) -> Side:
    """A version whose answers to as many recordings, one a group, classes in turn, are right or not."""
    n = len(right)
    rows = pd.DataFrame({"recording": [f"{i:03}.wav" for i in range(n)], "group": [f"g{i:03}" for i in range(n)]})
    labels = pd.Series([f"class {i % classes}" for i in range(n)])
    table = outcomes.shares("accuracy", rows, np.asarray(right, float), 1.0, labels, confidence)
    return Side(name, float(np.mean(right)), table, **facts)


def champion(right: np.ndarray, **facts) -> Side:
    return side(right, "version 1", **facts)


def asked(new: Side, old: Side, best: Side | None = None, level: float = 0.05, **changes):
    """The verdict and every sentence that speaks for it."""
    found = list(gate.findings(GENRE, replace(GATE, **changes), new, old, best, level))
    verdict = gate.worst(found)
    return verdict, [f.sentence for f in found if f.verdict == verdict]


def first(n: int, share: float) -> np.ndarray:
    """Right in the first share of n recordings."""
    return np.arange(n) < round(share * n)


def swapped(right: np.ndarray, lost: int, won: int) -> np.ndarray:
    """As many that were right are wrong, and as many that were wrong are right, spread evenly."""
    new = right.copy()
    for there, n in ((True, lost), (False, won)):
        places = np.flatnonzero(right == there)
        new[places[np.linspace(0, len(places) - 1, n).astype(int)]] = not there
    return new


def test_equal_answers_to_many_recordings_are_no_worse():
    old = first(200, 0.8)
    verdict, said = asked(side(swapped(old, 6, 6)), champion(old))
    assert verdict == "yes"
    assert re.fullmatch(
        r"accuracy 0\.800 of version 2 against 0\.800 of version 1, 0\.000 better \(90 % interval: 0\.0\d\d worse to "
        r"0\.0\d\d better\): a loss of 0\.05 or more is ruled out\.",
        said[0],
    )


def test_equal_answers_to_few_recordings_cannot_be_told():
    """Even if no answer differs: a loss in one recording of twenty is not seen by twenty, .95^20 = .36 of the time."""
    old = first(20, 0.9)
    verdict, said = asked(side(old), champion(old))
    assert verdict == "cannot tell"
    assert said[0].endswith(
        "a loss of 0.05 is not ruled out. If both were equally good, 20 groups of recordings could only rule "
        "out losses of 0.14 or more; with about 39 test groups more, they could rule out a loss of 0.05 four "
        "times out of five."
    )


def test_a_worse_version_is_refused():
    old = first(100, 0.9)
    verdict, said = asked(side(swapped(old, 25, 0)), champion(old))
    assert verdict == "no"
    assert ", 0.250 worse (" in said[0]
    assert said[0].endswith("it is worse by more than 0.05.")
    barely = asked(side(swapped(old, 8, 0)), champion(old))[1][0]
    assert barely.endswith("it is worse, and a loss of 0.05 is not ruled out.")
    lost = first(20, 0.9)
    assert asked(side(swapped(lost, 2, 1)), champion(lost))[1][0].endswith(
        "could only rule out losses of 0.20 or more."
    )


def test_a_better_version_passes_either_question():
    old = first(100, 0.6)
    new = side(swapped(old, 1, 30))
    for question in ("non_inferiority", "superiority"):
        assert asked(new, champion(old), question=question)[0] == "yes"
    assert asked(new, champion(old), question="superiority", min_gain=0.5)[0] == "no"
    assert asked(new, champion(old), question="superiority", min_gain=0.28)[0] == "cannot tell"


def test_superiority_of_an_equal_version_cannot_be_told_and_of_a_worse_one_is_denied():
    old = first(200, 0.8)
    assert asked(side(swapped(old, 6, 6)), champion(old), question="superiority")[0] == "cannot tell"
    assert asked(side(swapped(old, 20, 0)), champion(old), question="superiority")[0] == "no"


def test_better_on_average_with_a_class_lost():
    """Class 0 goes from 10 of 10 to none, while all others gain."""
    n = 100
    classes = np.arange(n) % 10
    old, new = (classes == 0) | (np.arange(n) % 2 == 0), classes != 0
    assert new.mean() > old.mean() + 0.3
    verdict, said = asked(side(new), champion(old))
    assert verdict == "no"
    assert said == [
        (
            "The share of right answers for 'class 0' fell from 1.00 to 0.00 (10 groups), by more than the 0.2 "
            "that is allowed."
        )
    ]
    assert asked(side(new), champion(old), class_margin=None)[0] == "yes"


def test_a_class_of_few_recordings_that_is_lost_cannot_be_told():
    n = 200
    lost = np.arange(n) % 50 == 0  # 4 recordings of class 0 of 50
    verdict, said = asked(side(~lost, classes=50), champion(np.ones(n, bool), classes=50))
    assert verdict == "cannot tell"
    assert said[-1] == (
        "The share of right answers for 'class 0' fell from 1.00 to 0.00 (4 groups); whether that is chance "
        "cannot be told."
    )


def test_one_lost_recording_of_a_small_class_is_no_loss_of_the_class():
    n = 200
    lost = np.arange(n) == 0
    assert asked(side(~lost, classes=100), champion(np.ones(n, bool), classes=100))[0] == "yes"


def test_small_losses_do_not_add_up():
    """A champion that is .04 worse than the best one so far: the next small loss is held against the best."""
    best = first(400, 0.9)
    old = swapped(best, 16, 0)
    new = swapped(old, 8, 0)
    assert asked(side(new), champion(old))[0] == "yes"
    verdict, said = asked(side(new), champion(old), side(best, "version 0, the best champion so far"))
    assert verdict == "no"
    assert "against 0.900 of version 0, the best champion so far, 0.060 worse (" in said[0]


def test_a_stricter_level_makes_the_bounds_wider():
    old = first(200, 0.8)
    new = side(swapped(old, 6, 6))
    wide, strict = (gate.gain(GENRE, new.outcomes, champion(old).outcomes, level) for level in (0.05, 0.005))
    assert strict.low < wide.low < 0 < wide.high < strict.high
    assert asked(new, champion(old), level=0.0005)[0] == "cannot tell"


def test_the_level_is_shared_among_the_models_that_were_compared():
    assert [share_of_level(0.05, n) for n in (0, 1, 2, 10)] == [0.05, 0.05, 0.025, 0.005]


def test_order_of_rows_changes_nothing():
    old = champion(first(60, 0.8))
    new = side(swapped(first(60, 0.8), 2, 4))
    turned = replace(new, outcomes=new.outcomes.sample(frac=1, random_state=1))
    assert asked(turned, old) == asked(new, old)


def test_probabilities_that_say_less():
    """Both are right .8 of the time; one says .8, the other .99."""
    old = first(400, 0.8)
    verdict, said = asked(side(old, confidence=0.99), champion(old, confidence=0.8))
    assert verdict == "no"
    assert said == [
        "Its probabilities are off by 0.190 more than those of version 1 (expected calibration error), but only "
        "0.1 is allowed."
    ]
    assert asked(side(old, confidence=0.99), champion(old), calibration_margin=0.2)[0] == "yes"
    few = first(10, 0.8)
    assert asked(side(few, confidence=0.99), champion(few))[0] == "cannot tell"
    assert asked(side(old, confidence=0.99), champion(old), calibration_margin=None)[0] == "yes"


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (
            AnswerCost(0.6, 1.0),
            "An answer takes 0.60 s, 6.0 times as long as that of version 1, but at most 5 times is allowed.",
        ),
        (AnswerCost(0.1, 501.0), "Its files take 501 MB, but only 500 are allowed."),
    ],
)
def test_what_an_answer_costs(new, sentence):
    old = champion(first(200, 0.8), tried=AnswerCost(0.1, 1.0))
    assert asked(side(first(200, 0.8), tried=new), old) == ("no", [sentence])
    assert asked(side(first(200, 0.8), tried=new), old, max_slowdown=None, max_megabytes=None)[0] == "yes"
    assert asked(side(first(200, 0.8), tried=AnswerCost(0.4, 400.0)), old)[0] == "yes"


def voices(noise: float, name: str, speakers: int = 30, seed: int = 1) -> Side:
    """Trials of a system that hears speakers through noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for a in range(speakers):
        for b in range(a, speakers):
            for i in range(3):
                score = float(a == b) + noise * rng.standard_normal()
                rows.append((f"{a}-{i}", f"{b}-{i}'", a == b, score, f"s{a}", f"s{b}"))
    return Side(name, 0.0, pd.DataFrame(rows, columns=outcomes.TRIALS))


def test_fewer_errors_are_a_gain():
    good, bad = voices(0.2, "version 2"), voices(1.5, "version 1")
    assert gate.gain(SPEAKER, good.outcomes, bad.outcomes, 0.05).low > 0.05
    assert gate.gain(SPEAKER, bad.outcomes, good.outcomes, 0.05).high < -0.05
    verdicts = [next(gate.findings(SPEAKER, GATE, *pair, None, 0.05)).verdict for pair in ((good, bad), (bad, good))]
    assert verdicts == ["yes", "no"]
