"""Replays of studies on a table of finished trainings, against numbers worked by hand."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

spec = importlib.util.spec_from_file_location(
    "benchmark_of_pruning", Path(__file__).parents[2] / "benchmarks/pruning.py"
)
pruning = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = pruning  # where dataclasses look
spec.loader.exec_module(pruning)


def setting(level: float, seconds: float = 10.0) -> list[pruning.Fold]:
    """Two inner folds whose ten reports rise to a level, a second apart; half of the seconds each."""
    half = seconds / 2
    folds = []
    for number in range(2):
        reports = [(10 * number + i, level * (i + 1) / 10, half * (i + 1) / 10) for i in range(10)]
        folds.append(pruning.Fold(reports, level, half))
    return folds


# The first is today's; the last is bad from its beginning.
SETTINGS = [setting(level) for level in (0.6, 0.7, 0.65, 0.75, 0.8, 0.62, 0.1)]
IN_ORDER = np.arange(len(SETTINGS))


def test_without_a_pruner_every_setting_costs_its_seconds_and_has_its_figure():
    done = pruning.replay(SETTINGS, IN_ORDER, "none", "maximize")
    assert [seconds for seconds, _ in done] == [10.0] * 7
    assert [value for _, value in done] == pytest.approx([0.6, 0.7, 0.65, 0.75, 0.8, 0.62, 0.1])


def test_the_median_gives_the_bad_one_up_as_a_tuning_would():
    done = pruning.replay(SETTINGS, IN_ORDER, "median", "maximize")
    # Places 3 and 4 are the first two that count: two fifths and half of the first training, 2 and 2.5 s.
    assert done[-1] == (2.5, None)
    assert [value for _, value in done[:5]] == pytest.approx([0.6, 0.7, 0.65, 0.75, 0.8])


def test_errors_are_worse_where_they_are_larger():
    done = pruning.replay(SETTINGS, IN_ORDER, "median", "minimize")
    assert done[-1] == (10.0, pytest.approx(0.1))
    assert done[4] == (10.0, pytest.approx(0.8))  # four others are too few to say
    assert done[5][1] == pytest.approx(0.62)


def test_the_best_within_a_budget():
    done = [(10.0, 0.6), (2.0, None), (10.0, 0.7), (10.0, 0.9)]
    assert [pruning.best_after(done, budget, 1.0) for budget in (5, 21.9, 22, 32)] == [0.6, 0.6, 0.7, 0.9]
    assert pruning.best_after(done, 32, -1.0) == -0.6


def test_means_over_replays():
    found = pruning.judged(SETTINGS, 20, "maximize", np.random.default_rng(1))
    assert found["none"] == pytest.approx([1, 0, 0, 0, 0])
    assert found["median"][0] < 1
    assert found["median"].shape == (5,)
