"""Which setting a trial tries: by seed and place alone, today's first, and TPE that knows the branches."""

from collections import Counter
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from earmark.experiments.study.checks import Checks
from earmark.experiments.tuning import sampling, space, trials
from earmark.experiments.tuning.sampling import LOST, StartingSampler
from earmark.tasks import catalog
from earmark.tasks.overrides import keys

optuna.logging.set_verbosity(optuna.logging.WARNING)
ENTRIES = {
    "train.lr": {"log": [0.0001, 1.0]},
    "train.schedule": {
        "branches": {
            "cosine": {"warmup_epochs": {"int": [0, 9]}},
            "step": {"gamma": {"float": [0.1, 0.9]}},
            "constant": None,
        }
    },
}
SPACE = space.parse(Checks(Path("f.yaml"), "genre"), ENTRIES, keys(catalog.task("genre").settings))
TODAY = {"train.lr": 0.01, "train.schedule": "cosine", "train.schedule.cosine.warmup_epochs": 5}


def figure(params: dict) -> float:
    """Best at a rate of .1, with steps by .5."""
    miss = abs(np.log10(params["train.lr"]) + 1)
    return miss + abs(params.get("train.schedule.step.gamma", 2.0) - 0.5)


def tried(n: int, kind: str = "tpe", seed: int = 1, lose: tuple[int, ...] = ()) -> list[optuna.trial.FrozenTrial]:
    """n trials that count; those of `lose`, by number, are lost in their middle, as of a process that was killed."""
    study = optuna.create_study(direction="minimize")
    while sum(sampling.counts(t) for t in study.trials) < n:
        study.sampler = StartingSampler(SPACE, kind, 4, seed, TODAY)  # as every process has one of its own
        trial = study.ask()
        params = SPACE.drawn(lambda name, of, trial=trial: trials.suggest(trial, name, of))
        if trial.number in lose:
            trial.set_user_attr(LOST, "its process ended")
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, figure(params))
    return [t for t in study.trials if sampling.counts(t)]


@pytest.mark.parametrize("kind", ["tpe", "random", "qmc"])
def test_lost_trials_change_nothing(kind):
    undisturbed = [t.params for t in tried(14, kind)]
    assert [t.params for t in tried(14, kind, lose=(0, 3, 4, 9))] == undisturbed
    assert undisturbed[0] == TODAY
    assert [t.params for t in tried(14, kind, seed=2)] != undisturbed


def test_what_is_learnt_is_used():
    """Of the last half of the trials more are near the best than of random ones, in the branch that is best."""
    learnt, by_chance = ([t.value for t in tried(60, kind)[30:]] for kind in ("tpe", "random"))
    assert np.median(learnt) < 0.5 * np.median(by_chance)
    taken = Counter(t.params["train.schedule"] for t in tried(60)[30:])
    assert taken.most_common(1) == [("step", taken["step"])]
    assert taken["step"] > 15


def test_trials_have_the_keys_of_their_branch_alone():
    for t in tried(30):
        own = {
            "cosine": {"train.schedule.cosine.warmup_epochs"},
            "step": {"train.schedule.step.gamma"},
            "constant": set(),
        }
        assert set(t.params) == {"train.lr", "train.schedule"} | own[t.params["train.schedule"]]


def test_a_grid_has_every_point_once():
    entries = {
        "train.lr": {"float": [0.1, 0.3], "step": 0.1},
        "train.schedule": {
            "branches": {
                "cosine": {"warmup_epochs": {"int": [0, 4], "step": 2}},
                "step": {"gamma": {"choice": [0.1, 0.5]}},
            }
        },
    }
    grid = space.parse(Checks(Path("f.yaml"), "genre"), entries, keys(catalog.task("genre").settings))
    found = list(sampling.points(grid))
    assert len(found) == 3 * (3 + 2) == len({tuple(sorted(p.items())) for p in found})
    assert {p["train.lr"] for p in found} == {0.1, 0.2, 0.3}
    assert {p.get("train.schedule.cosine.warmup_epochs") for p in found} == {0, 2, 4, None}


def test_a_grid_begins_with_todays_setting_and_has_it_once():
    entries = {"train.lr": {"choice": [0.1, 0.2, 0.3]}}
    grid = space.parse(Checks(Path("f.yaml"), "genre"), entries, keys(catalog.task("genre").settings))
    sampler = sampling.StartingSampler(grid, "grid", 1, 1, {"train.lr": 0.2})
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda t: grid.drawn(lambda name, of: trials.suggest(t, name, of))["train.lr"], n_trials=3)
    assert [t.params["train.lr"] for t in study.trials] == [0.2, 0.1, 0.3]


def test_values_at_a_share_of_a_range():
    assert sampling.value_at(FloatDistribution(1.0, 100.0, log=True), 0.5) == pytest.approx(10)
    assert sampling.value_at(FloatDistribution(1.0, 3.0), 0.25) == 1.5
    assert [sampling.value_at(IntDistribution(0, 10, step=5), u) for u in (0, 0.4, 0.99)] == [0, 5, 10]
    assert [sampling.value_at(CategoricalDistribution("abc"), u) for u in (0, 0.5, 0.99)] == ["a", "b", "c"]
    assert sampling.value_at(FloatDistribution(0.1, 0.3, step=0.1), 0.99) == 0.3


def test_a_start_fills_the_space():
    """Sixteen points of Sobol: every sixteenth of a dimension has one."""
    rates = [sampling.sobol(SPACE, i, 3)["train.lr"] for i in range(16)]
    bins = np.floor((np.log10(rates) + 4) / 4 * 16).astype(int)
    assert sorted(bins) == list(range(16))
