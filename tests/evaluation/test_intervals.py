"""Intervals as metrics.json has them, and which method made them."""

import numpy as np

from earmark.evaluation import intervals, paired
from earmark.evaluation.settings import EvaluateSettings

SETTINGS = EvaluateSettings(bootstrap=200, seed=3)
RIGHT = np.array([True, True, False, True])
THEIRS = np.array([True, False, False, True])
GROUP = np.arange(4)


def test_a_share_with_its_interval():
    found = intervals.share("accuracy", RIGHT, 1.0, GROUP, SETTINGS)
    wanted = paired.share_interval(RIGHT, np.ones(4), GROUP, draws=200, seed=3)
    assert found == {"accuracy": 0.75, "accuracy_ci95": wanted}


def test_a_difference_has_a_fortieth_beyond_each_end():
    found = intervals.difference("gain", RIGHT, THEIRS, 1.0, GROUP, SETTINGS)
    wanted = paired.share_difference(RIGHT, THEIRS, np.ones(4), GROUP, 0.025, 200, 3)
    assert found == {"gain": 0.25, "gain_ci95": [wanted.low, wanted.high]}


def test_methods_name_every_figure_with_an_interval_also_with_a_prefix():
    found = {
        "eer": 0.1,
        "eer_ci95": [0, 1],
        "baseline_ari": 0.5,
        "baseline_ari_ci95": [0, 1],
        "bari": 1,
        "bari_ci95": [],
    }
    told = intervals.methods(found | {"n_recordings": 4}, ("ari",))
    assert told == {"ci95_methods": {"gaffke": ["eer", "bari"], "bootstrap": ["baseline_ari"]}}
    assert intervals.methods({"eer": 0.1}) == {}
