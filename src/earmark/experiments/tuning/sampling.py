"""Which setting a trial tries: seeded by its place among the trials that were not lost.

A sampler of Optuna draws from a generator that goes on from trial to trial, so that a study that was killed and goes on
draws other trials than an undisturbed one. Here every trial has a sampler of its own, seeded by (seed, place): what it
draws depends on the results of the trials before, and on nothing else.

TPE is `group=True`: Optuna's own search space is what all trials have in common (IntersectionSearchSpace), so that
without it the keys of a branch are drawn one by one. With it the branch's name and all keys that every trial has are
drawn jointly, and those of each branch jointly from the trials that took it. A flattened space, in which trials have
values of branches that they did not take, would let these decide which trials seem alike.
"""

import hashlib
import math
import warnings
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from earmark.experiments.tuning.space import Space

LOST, WARM = "lost", "warm"  # attributes of trials that do not count: why, and of which earlier study it is


class StartingSampler(BaseSampler):
    """Today's setting first, then a start that knows nothing, then a sampler that learns.

    kind: tpe | qmc | random | grid; startup: trials before TPE learns, which are of a Sobol sequence; today: values of
    the first trial, None: it is drawn, too.
    """

    def __init__(self, space: Space, kind: str, startup: int, seed: int, today: Mapping[str, Any] | None):
        self.space = space
        self.kind = kind
        self.startup = startup
        self.seed = seed
        self.today = today
        self._grid = [p for p in points(space) if p != today] if kind == "grid" else []
        self._of: dict[int, BaseSampler] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As BaseSampler's."""
        return self._own(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As BaseSampler's."""
        return self._own(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """As BaseSampler's."""
        return self._own(study, trial).sample_independent(study, trial, param_name, param_distribution)

    def _own(self, study: Study, trial: FrozenTrial) -> BaseSampler:
        """The sampler of one trial."""
        if trial.number not in self._of:
            before = [t for t in study.get_trials(deepcopy=False) if t.number < trial.number]
            self._of = {trial.number: self._at(sum(counts(t) for t in before))}
        return self._of[trial.number]

    def _at(self, place: int) -> BaseSampler:
        seed = int.from_bytes(hashlib.sha256(f"{self.seed} {place}".encode()).digest()[:4], "little")
        if self.today is not None and place == 0:
            return FixedSampler(self.today)
        if self.kind == "grid":
            return FixedSampler(self._grid[(place - (self.today is not None)) % len(self._grid)])
        if self.kind == "random":
            return RandomSampler(seed=seed)
        if self.kind == "qmc" or place < self.startup:
            return FixedSampler(sobol(self.space, place, self.seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # that `group` is one
            return TPESampler(n_startup_trials=1, seed=seed, group=True, multivariate=True)


class FixedSampler(BaseSampler):
    """Gives known values. params: by name."""

    def __init__(self, params: Mapping[str, Any]):
        self.params = params

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing."""
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """The value of that name."""
        return self.params[param_name]


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial is one of those that were asked for: not lost, and no guest of an earlier study."""
    return LOST not in trial.user_attrs and WARM not in trial.user_attrs and trial.state != TrialState.WAITING


def sobol(space: Space, place: int, seed: int) -> dict[str, Any]:
    """Values of all dimensions, those of branches that are not taken too, at a place of a scrambled Sobol sequence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a number of points is no power of two
        unit = qmc.Sobol(len(space.parameters), rng=seed).random(place + 1)[place]
    return {p.name: value_at(p.distribution, u) for p, u in zip(space.parameters, unit, strict=True)}


def value_at(distribution: BaseDistribution, u: float) -> Any:
    """The value of a dimension at a share 0 <= u < 1 of its range."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return choices[int(u * len(choices))]
        case FloatDistribution(log=True, low=low, high=high):
            return min(max(low * math.exp(u * math.log(high / low)), low), high)
        case FloatDistribution(step=None, low=low, high=high):
            return low + u * (high - low)
    n = int((distribution.high - distribution.low) / distribution.step + 1.5)
    return _nth(distribution, int(u * n))


def _nth(distribution: FloatDistribution | IntDistribution, i: int) -> float | int:
    """The i-th value of a range with a step."""
    found = distribution.low + i * distribution.step
    return found if isinstance(distribution, IntDistribution) else float(f"{found:.12g}")


def points(space: Space) -> Iterator[dict[str, Any]]:
    """Every point of a grid, once: dimensions of branches that a point does not take have no part in it."""
    branches = {p.where[0] for p in space.parameters if p.where}
    of = {p.name: p for p in space.parameters}
    for taken in product(*(of[name].distribution.choices for name in sorted(branches))):
        fixed = dict(zip(sorted(branches), taken, strict=True))
        free = [p for p in space.parameters if p.name not in branches and p.active(fixed)]
        for values in product(*(grid_values(p.distribution) for p in free)):
            yield fixed | dict(zip((p.name for p in free), values, strict=True))


def grid_values(distribution: Any) -> list[Any]:
    """All values of a dimension with a step, or of a choice."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    n = int((distribution.high - distribution.low) / distribution.step + 1.5)
    return [_nth(distribution, i) for i in range(n)]
