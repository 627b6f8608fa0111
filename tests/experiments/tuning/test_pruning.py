"""When a trial is given up: at equal fractions of schedules, patiently, and never before others are as far."""

import optuna
import pytest

from earmark.experiments.tuning import pruning
from earmark.experiments.tuning.pruning import AMONG, FROM, PARTS, below_median

optuna.logging.set_verbosity(optuna.logging.WARNING)
OTHERS = [dict.fromkeys(range(PARTS), 0.5 + 0.1 * i) for i in range(AMONG)]  # median .7


@pytest.mark.parametrize("epochs", [4, 10, 25, 200])
def test_trainings_of_any_length_report_at_the_same_places(epochs):
    places = [p for e in range(1, epochs + 1) if (p := pruning.place(2, e, epochs)) is not None]
    assert places == sorted(set(places))
    assert places[-1] == 2 * PARTS + PARTS - 1
    assert len(places) == min(epochs, PARTS)
    if epochs >= PARTS:
        assert places == list(range(2 * PARTS, 3 * PARTS))


def test_two_reports_below_the_median_end_a_trial():
    last = FROM + 1
    below = {FROM: 0.69, last: 0.69}
    assert below_median(below, OTHERS, 1.0)
    assert not below_median(below | {last: 0.7}, OTHERS, 1.0)  # no worse than the median
    assert not below_median({FROM: 0.71, last: 0.69}, OTHERS, 1.0)
    assert not below_median({last: 0.69}, OTHERS, 1.0)  # one report
    assert not below_median({FROM - 1: 0.1, FROM: 0.1}, OTHERS, 1.0)  # too early
    assert not below_median(below, OTHERS[1:], 1.0)  # too few are as far
    assert not below_median({FROM - 1: 0.1, last: 0.1}, OTHERS, 1.0)  # reports with one between
    assert below_median({FROM: 0.71, last: 0.71}, OTHERS, -1.0)  # errors


def test_a_study_prunes_by_it():
    study = optuna.create_study(direction="maximize", pruner=pruning.pruner("median"))
    for values in OTHERS:
        trial = study.ask()
        for step, value in values.items():
            trial.report(value, step)
        study.tell(trial, values[PARTS - 1])
    trial = study.ask()
    told = []
    for step in range(PARTS):
        trial.report(0.6, step)
        told.append(trial.should_prune())
    assert told == [False] * (FROM + 1) + [True] * (PARTS - FROM - 1)
