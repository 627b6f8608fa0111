"""Whether a claim holds, by an interval over groups and seeds, and over all claims of a page together.

Two things vary: the groups that are tested (songs, speakers, sources of clips) and the seeds of the trainings. Both are
samples, crossed with each other, and a difference has the variance of its mean over the groups plus that of its mean
over the seeds (Owen 2007, «The pigeonhole bootstrap»: the sum is not too small). Each enters the interval with a t of
its own degrees of freedom (Graybill and Wang 1980), which is wide enough also where few seeds happen to agree. One
seed has no variance to be seen: nothing is decided by it.

A claim holds where the opposite is refuted, and does not where it is refuted itself; else it cannot be told. A page's
claims are decided together with Holm's correction (Holm 1979): that any of its verdicts is wrong is at most LEVEL
likely.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import optimize, stats

LEVEL = 0.05
HOLDS = "holds"
NOT = "does not"
UNDECIDED = "cannot tell"
COLUMNS = ("claim", "whose", "is", "by", "figures", "difference", "low", "high", "seeds", "groups", "p", "speaks_for")
LEAST = 1e-15  # a smaller p is none
Kind = Literal["more", "less", "same"]


@dataclass(frozen=True)
class Evidence:
    """A difference, or a figure, as trainings and groups show it.

    by_seed: (seeds,), of all groups. by_groups: (draws,), the mean over seeds under random (exponential) weights of the
    groups; None where there are none. groups: their number. least: of the groups' standard error; 1 / groups where one
    is right or wrong as a whole, as if one differed: that none of those tested does is no proof that none will.
    known: the variance of the mean over the groups, where the draws themselves are not at hand any more.
    """

    by_seed: np.ndarray
    by_groups: np.ndarray | None = None
    groups: int = 0
    least: float = 0.0
    known: float | None = None

    @property
    def value(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.by_seed))

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.by_seed)

    @property
    def parts(self) -> list[tuple[float, int]]:
        """Variance of the mean and its degrees of freedom, of the seeds and of the groups."""
        if self.seeds < 2:
            return [(np.inf, 1)]
        found = [(float(np.var(self.by_seed, ddof=1)) / self.seeds, self.seeds - 1)]
        over_groups = self.over_groups
        return found if over_groups is None else [*found, (over_groups, max(self.groups - 1, 1))]

    @property
    def over_groups(self) -> float | None:
        """Variance of the mean over the groups; None where there are none."""
        if self.by_groups is None:
            return self.known
        n = self.groups  # random weights of a mean vary by n - 1 over n + 1 as much as samples do
        drawn = float(np.var(self.by_groups)) * (n + 1) / (n - 1) if n > 1 else np.inf
        return max(drawn, self.least**2)

    def less(self, other: "Evidence | float") -> "Evidence":
        """Itself less a number, or less what the same seeds and groups show of something else."""
        if not isinstance(other, Evidence):
            other = Evidence(np.full(self.seeds, float(other)), None if self.by_groups is None else np.array(other))
        drawn = None if self.by_groups is None else self.by_groups - other.by_groups
        return replace(self, by_seed=self.by_seed - other.by_seed, by_groups=drawn)

    def half(self, level: float) -> float:
        """Half of the two-sided interval; infinite where there is one seed, or one group."""
        return float(np.sqrt(sum(variance * stats.t.isf(level / 2, df) ** 2 for variance, df in self.parts)))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Its two-sided interval."""
        return self.value - self.half(level), self.value + self.half(level)

    def above(self, bound: float) -> float:
        """How likely a value as high as this is where the truth is no more than the bound, by the intervals."""
        gap = self.value - bound
        if gap <= 0 or not np.isfinite(self.half(LEVEL)):
            return 1.0
        if self.half(LEAST) <= gap:
            return 0.0
        return float(np.exp(optimize.brentq(lambda x: self.half(np.exp(x)) - gap, np.log(LEAST), 0.0))) / 2

    def below(self, bound: float) -> float:
        """The same of a value as low as this."""
        return replace(self, by_seed=-self.by_seed).above(-bound)


def claim_p(found: Evidence, kind: Kind, by: float) -> tuple[float, str]:
    """The two-sided p of a claim and what it speaks for.

    more: the difference is above 0; it is not where it is below `by`, the least that would be worth having. less: the
    other way round. same: it is within `by` of 0 on either side.
    """
    if kind == "same":
        holds = max(found.above(-by), found.below(by))
        fails = min(found.above(by), found.below(-by))
    elif kind == "more":
        holds, fails = found.above(0.0), found.below(by)
    else:
        holds, fails = found.below(0.0), found.above(-by)
    return (min(1.0, 2 * holds), HOLDS) if holds <= fails else (min(1.0, 2 * fails), NOT)


def binomial_p(right: int, of: int) -> tuple[float, str]:
    """The two-sided p of a claim that most do something, of `right` among `of` (exact, binomial)."""
    holds = float(stats.binom.sf(right - 1, of, 0.5))
    fails = float(stats.binom.cdf(right, of, 0.5))
    return (min(1.0, 2 * holds), HOLDS) if holds <= fails else (min(1.0, 2 * fails), NOT)


def count_row(claim: str, whose: str, right: int, of: int, what: str = "") -> dict[str, Any]:
    """The line of a claim that most do something, as `row`.

    Its difference is the share less a half, with Wilson's interval. of: from 1. what: of whom, for people.
    """
    p, speaks_for = binomial_p(right, of)
    share = stats.binomtest(right, of)
    low, high = share.proportion_ci(1 - LEVEL, method="wilson")
    asked = {"claim": claim, "whose": whose, "is": "most", "by": 0.0, "figures": f"{right} of {of}{what}"}
    seen = {"difference": share.statistic - 0.5, "low": low - 0.5, "high": high - 0.5, "seeds": of, "groups": 0}
    return asked | seen | {"p": p, "speaks_for": speaks_for}


def row(claim: str, whose: str, figures: str, found: Evidence, kind: Kind, by: float) -> dict[str, Any]:
    """A claim's line: what was seen, its interval by itself, and its p.

    whose: who says it. figures: for people.
    """
    p, speaks_for = claim_p(found, kind, by)
    low, high = found.interval()
    seen = {"difference": found.value, "low": low, "high": high, "seeds": found.seeds, "groups": found.groups}
    asked = {"claim": claim, "whose": whose, "is": kind, "by": by, "figures": figures}
    return asked | seen | {"p": p, "speaks_for": speaks_for}


def untold_row(claim: str, whose: str, figures: str, kind: str, by: float) -> dict[str, Any]:
    """The line of a claim of which nothing was seen, as `row`; figures: why."""
    asked = {"claim": claim, "whose": whose, "is": kind, "by": by, "figures": figures}
    return asked | {"p": 1.0, "speaks_for": UNDECIDED}


def decide(claims: pd.DataFrame) -> pd.DataFrame:
    """Claims with p and speaks_for -> the same with p_holm and verdict, which hold for all of them together."""
    order = np.argsort(claims.p.to_numpy(float), kind="stable")
    left = len(claims) - np.arange(len(claims))
    adjusted = np.empty(len(claims))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(claims.p.to_numpy(float)[order] * left))
    return claims.assign(p_holm=adjusted, verdict=np.where(adjusted <= LEVEL, claims.speaks_for.to_numpy(), UNDECIDED))
