"""Bounds on figures and on differences of two models, which hold for a handful of recordings.

A figure is a quotient of sums over recordings: right answers by answers, seconds that are right by seconds that count.
Recordings of one group (a song's excerpts, a speaker's) are not independent, so that groups are what is drawn.

A plain bootstrap knows no recordings but those it has: of 20 right answers to 20 it says [1, 1], and of two models that
agree on 20 recordings that they are equal. Here the groups get random weights that sum to one, as in the Bayesian
bootstrap (Rubin 1981), and beside them stands one more group, which nobody has seen, and in which all is as bad, for a
lower bound, or as good, for an upper one, as can be. Of yes/no answers, one a group, that is the interval of Clopper
and Pearson (1934); of any bounded values the bound of Gaffke (2005), see Learned-Miller and Thomas (2019). That it
holds for every distribution is a conjecture, which `benchmarks/gate.py` tries. Where groups are of unequal size, the
one that nobody has seen has the size that a recording's group has on average (sum of squares by sum): with the mean
size, the bound fails where large groups are lost as a whole.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

DRAWS, SEED = 20_000, 0
METHOD = "gaffke"  # what metrics.json calls it
LIKELY = NormalDist().inv_cdf(0.8)  # four times of five
NOISE = 1.02  # a quantile of so many draws is that exact
AT_ONCE = 4_000_000  # weights, of 8 bytes; bounds memory


class Difference(NamedTuple):
    """A difference with a lower and an upper bound, each of which holds at a level by itself."""

    difference: float
    low: float
    high: float


class Resolution(NamedTuple):
    """What a comparison could show, had both models been equally good.

    loss: the smallest loss that it would rule out half of the time. more: about how many groups more, of the same kind,
    it takes to rule out a loss of the margin four times of five; 0 where they are enough.
    """

    groups: int
    loss: float
    more: int


def share_interval(
    right: np.ndarray,
    weight: np.ndarray,
    group: np.ndarray,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[float]:
    """Interval [low, high] of sum(right) / sum(weight), 0 <= right <= weight, (n,) each; group: (n,), of each."""
    outside = (1 - level) / 2
    return list(_bounds(right, weight, group, (0.0, 1.0), outside, draws, seed))


def share_difference(
    ours: np.ndarray,
    theirs: np.ndarray,
    weight: np.ndarray,
    group: np.ndarray,
    level: float,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Difference:
    """By how much one model's figure is larger than another's on the same recordings, paired, with bounds.

    ours, theirs: (n,) what is right of each recording's weight (n,), 0 to weight. level: how often each bound may fail.
    """
    apart = np.asarray(ours, float) - np.asarray(theirs, float)
    low, high = _bounds(apart, weight, group, (-1.0, 1.0), level, draws, seed)
    return Difference(float(apart.sum() / np.sum(weight)), low, high)


def resolution(gain: Difference, groups: int, margin: float, level: float, unseen: float | None = None) -> Resolution:
    """What the comparison that found a gain could show at all.

    unseen: how much the group that nobody has seen weighs beside all others (`unseen_share`), one of them by default.
    The bound lies below the gain by the share that this group may have, Beta(1, 1 / unseen), and by the chance of the
    others, about normal, whose variance is taken from the bound that was found. With k times as many groups `unseen`
    and the variance are a k-th.
    """
    rng = np.random.default_rng(SEED)
    uniform, chance = rng.random(DRAWS), rng.standard_normal(DRAWS)
    s = 1 / groups if unseen is None else unseen

    def below(k: float, variance: float) -> float:
        hidden = 1 - uniform ** (s / k)
        return float(np.quantile(hidden + chance * np.sqrt(variance / k), 1 - level))

    found, most = gain.difference - gain.low, 4.0  # differences lie between -1 and 1
    some = NOISE * below(1, 0) < found < below(1, most)
    variance = brentq(lambda v: below(1, v) - found, 0, most) if some else 0.0
    lacks = lambda log: below(np.exp(log), variance) + LIKELY * np.sqrt(variance / np.exp(log)) - margin  # noqa: E731
    enough = groups * np.exp(brentq(lacks, 0, 25)) if lacks(0) > 0 else groups
    return Resolution(groups, below(1, variance), int(np.ceil(enough)) - groups)


def unseen_share(weight: np.ndarray, group: np.ndarray) -> float:
    """How much the group that nobody has seen weighs, where all others weigh 1; weight, group: (n,)."""
    _, sizes = _by_group(weight, weight, group)
    return float((sizes**2).sum() / sizes.sum() ** 2)


def _bounds(
    value: np.ndarray,
    weight: np.ndarray,
    group: np.ndarray,
    ends: tuple[float, float],
    level: float,
    draws: int,
    seed: int,
) -> tuple[float, float]:
    """Lower and upper bound of sum(value) / sum(weight), whose least and largest are `ends`, each at the level."""
    values, sizes = _by_group(value, weight, group)
    unseen = (sizes**2).sum() / sizes.sum()
    drawn = list(_drawn(values, sizes, unseen, ends, draws, seed))
    lower, upper = (np.concatenate(found) for found in zip(*drawn, strict=True))
    return float(np.quantile(lower, level)), float(np.quantile(upper, 1 - level))


def _by_group(value: np.ndarray, weight: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the groups in which something counts: values and weights, (groups,) each."""
    _, place = np.unique(np.asarray(group), return_inverse=True)
    each = (np.asarray(value, float), np.broadcast_to(np.asarray(weight, float), np.shape(value)))
    values, sizes = (np.bincount(place, x) for x in each)
    return values[sizes > 0], sizes[sizes > 0]


def _drawn(values, sizes, unseen, ends, draws, seed):
    """The quotient with each end's unseen group under random weights, (draws,) for both ends, in parts."""
    rng = np.random.default_rng(seed)
    at_once = max(AT_ONCE // (len(values) + 1), 1)
    for start in range(0, draws, at_once):
        shares = rng.standard_exponential((min(at_once, draws - start), len(values) + 1))
        top = shares[:, 1:] @ values
        bottom = shares[:, 1:] @ sizes
        extra = shares[:, 0] * unseen
        yield tuple((top + end * extra) / (bottom + extra) for end in ends)
