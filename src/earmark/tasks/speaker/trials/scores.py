"""Verification: is it one speaker or two? Figures of scored trials, and their intervals over speakers.

A trial is accepted (said to be one speaker) where its score is at least the threshold. A miss is a same-speaker trial
that is rejected, a false alarm a different-speaker trial that is accepted. All curves start where nothing is accepted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

AT_ONCE = 100  # resamples; bounds memory
RATES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of errors, that operating points are told for
EQUAL = 1e-9  # rates are quotients


@dataclass(frozen=True)
class Curve:
    """Error rates at every threshold that makes a difference, the strictest first: nothing accepted, then ever more.

    thresholds: (points,), +inf first. miss, false_alarm: (..., points), shares of the same and the different trials.
    """

    thresholds: np.ndarray
    miss: np.ndarray
    false_alarm: np.ndarray


def curve(score: np.ndarray, same: np.ndarray) -> Curve:
    """The error rates of trials: score (trials,), same (trials,) booleans."""
    return Trials(score, same).curve(np.ones(len(same)))


class Trials:
    """Trials in order of score, so that error rates under many weightings are cumulative sums."""

    def __init__(self, score: np.ndarray, same: np.ndarray):
        self.order = np.argsort(-np.asarray(score, np.float64), kind="stable")
        self.same = np.asarray(same, bool)[self.order]
        ordered = np.asarray(score, np.float64)[self.order]
        self.last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # equal scores fall together
        self.thresholds = np.append(np.inf, ordered[self.last])

    def curve(self, weights: np.ndarray) -> Curve:
        """weights: (..., trials), how often each trial counts. NaN where all trials of a kind count nothing."""
        w = np.asarray(weights, np.float64)[..., self.order]
        accepted_same, accepted_different = self._accepted(w * self.same), self._accepted(w * ~self.same)
        with np.errstate(invalid="ignore"):
            hit = accepted_same / accepted_same[..., -1:]
            return Curve(self.thresholds, 1 - hit, accepted_different / accepted_different[..., -1:])

    def _accepted(self, w: np.ndarray) -> np.ndarray:
        """Weight of what is accepted at each threshold: (..., points)."""
        counted = np.cumsum(w, axis=-1)[..., self.last]
        return np.concatenate([np.zeros((*counted.shape[:-1], 1)), counted], axis=-1)


def eer(c: Curve) -> np.ndarray:
    """Equal error rate (...): where the straight line between two neighbouring points crosses miss = false alarm."""
    gap = c.miss - c.false_alarm  # falls from 1 to -1
    after = np.argmax(gap <= 0, axis=-1)[..., None]
    at = lambda values, i: np.take_along_axis(values, i, -1)[..., 0]  # noqa: E731
    g0, g1 = at(gap, after - 1), at(gap, after)
    low, high = at(c.false_alarm, after - 1), at(c.false_alarm, after)
    return low + (high - low) * g0 / (g0 - g1)


def eer_threshold(c: Curve) -> float:
    """The threshold of the point where the two error rates differ least, half way to the next score below it.

    So nothing lies on it, and where the speakers separate wholly it is the middle of the gap.
    """
    best = int(np.argmin(np.abs(c.miss - c.false_alarm)))
    scores = c.thresholds[1:]
    if best == 0:  # accepting nothing is best
        return float(np.nextafter(scores[0], np.inf))
    return float(scores[best - 1 : best + 1].mean())


def min_dcf(c: Curve, p_same: float) -> np.ndarray:
    """Lowest detection cost (...) over all thresholds (NIST), both errors costing 1.

    p_same: share of same-speaker trials that is expected in use. Normalised: 1 is the better of accepting all and
    accepting nothing.
    """
    cost = p_same * c.miss + (1 - p_same) * c.false_alarm
    return np.minimum(cost.min(-1) / min(p_same, 1 - p_same), 1)  # both are possible, also beside an unheard speaker


def auc(c: Curve) -> np.ndarray:
    """Area under the ROC curve (...): how often a same-speaker trial scores above a different one, ties a half."""
    hit = 1 - c.miss
    never = 1 - c.false_alarm[..., -1]  # different trials that no threshold accepts, as in `weighted`
    return (np.diff(c.false_alarm) * (hit[..., 1:] + hit[..., :-1]) / 2).sum(-1) + never


def det(c: Curve) -> tuple[np.ndarray, np.ndarray]:
    """False alarm and miss rates (points,) of the DET curve: the points where both lie inside of 0 and 1.

    A probit axis has no place for 0 and 1. Both are empty where the speakers separate wholly.
    """
    inside = (c.miss > 0) & (c.miss < 1) & (c.false_alarm > 0) & (c.false_alarm < 1)
    return c.false_alarm[inside], c.miss[inside]


def at_threshold(c: Curve, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Miss and false alarm rate (...) at a threshold that was chosen elsewhere."""
    point = np.flatnonzero(c.thresholds >= threshold)[-1]
    return c.miss[..., point], c.false_alarm[..., point]


def operating_points(c: Curve, rates: tuple[float, ...] = RATES) -> list[tuple[float, float, float]]:
    """A short table of (threshold, false alarm rate, miss rate), thresholds ascending.

    For each rate and each kind of error, the threshold that keeps it within the rate at the least cost to the other
    kind. c: of one set of trials, (points,) each.
    """
    misses = [int(np.argmax(c.miss <= rate + EQUAL)) for rate in rates]
    alarms = [int(np.flatnonzero(c.false_alarm <= rate + EQUAL)[-1]) for rate in rates]
    finite = sorted({max(1, i) for i in misses + alarms}, reverse=True)  # the first point is at infinity
    return [(float(c.thresholds[i]), float(c.false_alarm[i]), float(c.miss[i])) for i in finite]


def accuracy(score: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Share of trials (trials,) judged rightly at a threshold."""
    return float(np.mean((np.asarray(score) >= threshold) == np.asarray(same, bool)))


def multiplicities(speakers: int, n: int, seed: int) -> np.ndarray:
    """How often each speaker is drawn in each of n bootstrap resamples of as many speakers: (n, speakers)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(speakers, np.full(speakers, 1 / speakers), size=n)


def resampled(
    figure: Callable[[Curve], np.ndarray], score: np.ndarray, same: np.ndarray, speakers: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """A figure in every bootstrap resample over speakers: (resamples,), or (figures, resamples) where it is several.

    A trial counts as `trial_weights` says. NaN where a resample holds no trials of one kind. speakers: (trials, 2),
    indices of each trial's; times: (resamples, speakers) of `multiplicities`.
    """
    trials = Trials(score, same)
    parts = (times[i : i + AT_ONCE] for i in range(0, len(times), AT_ONCE))
    return np.concatenate([figure(trials.curve(trial_weights(t, same, speakers))) for t in parts], axis=-1)


def trial_weights(known: np.ndarray, same: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """How much trials count where speakers count so much, (draws, speakers): (draws, trials).

    A trial of one speaker as he does, one of two as the product: the miss rate is a mean over speakers, the false alarm
    rate one over pairs of them. With the product for both, the bound of a difference of EER lets equal models pass
    .52 of the time where this lets .83 (200 speakers who differ much, `benchmarks/gate.py`).
    same: (trials,) booleans; speakers: (trials, 2).
    """
    first, second = speakers.T
    return known[:, first] * np.where(same, 1, known[:, second])


def weighted(
    figure: Callable[[Curve], np.ndarray], score: np.ndarray, same: np.ndarray, speakers: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """A figure under random weights of the speakers, (2, draws), or (2, figures, draws) where it is several.

    As in `earmark.evaluation.paired`: beside the speakers stands one whom nobody has heard (`unheard_trials`), judged
    rightly at every threshold, then wrongly. speakers: as in `resampled`; shares: (draws, speakers + 1), exponential,
    the first of the unheard one.
    """
    same = np.asarray(same, bool)
    trials, found = Trials(score, same), []
    for start in range(0, len(shares), AT_ONCE):
        unheard, known = np.split(shares[start : start + AT_ONCE], [1], axis=1)
        weights = trial_weights(known, same, speakers)
        more = unheard_trials(same, known, unheard)
        totals = tuple(weights[:, of].sum(1, keepdims=True) for of in (same, ~same))
        c = trials.curve(weights)
        found.append(np.stack([figure(with_unheard(c, totals, more, errs)) for errs in (False, True)]))
    return np.concatenate(found, axis=-1)


def unheard_trials(same: np.ndarray, known: np.ndarray, unheard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of an unheard speaker's same and different trials, (draws, 1) each.

    Of the first kind there are as many as a speaker has, of the second as many with each as two speakers have. With
    half of them, models that lose one speaker in forty wholly are taken for no worse too often (.14 at 80 speakers and
    a level of .05); with all of them at most .02 (`benchmarks/gate.py`).
    same: (trials,); known: (draws, speakers); unheard: (draws, 1).
    """
    n = known.shape[1]
    return unheard * same.sum() / n, unheard * known.sum(1, keepdims=True) * 2 * (~same).sum() / n**2


def with_unheard(c: Curve, totals: tuple[np.ndarray, ...], more: tuple[np.ndarray, ...], errs: bool) -> Curve:
    """A curve with an unheard speaker's trials, of which at every threshold all are wrong, or none.

    totals, more: weight of the same and of the different trials, (draws, 1) each, without him and his own.
    """
    miss, false_alarm = (
        (rate * total + errs * extra) / (total + extra)
        for rate, total, extra in zip((c.miss, c.false_alarm), totals, more, strict=True)
    )
    return Curve(c.thresholds, miss, false_alarm)


def share_right(right: np.ndarray, same: np.ndarray, speakers: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Share of trials that are judged rightly, (trials,) booleans, as `weighted`: (2, draws)."""
    same, found = np.asarray(same, bool), []
    for start in range(0, len(shares), AT_ONCE):
        unheard, known = np.split(shares[start : start + AT_ONCE], [1], axis=1)
        weights = trial_weights(known, same, speakers)
        more = sum(unheard_trials(same, known, unheard))[:, 0]
        top, bottom = weights @ right, weights.sum(1) + more
        found.append(np.stack([(top + more) / bottom, top / bottom]))
    return np.concatenate(found, axis=1)


def bounds(values: np.ndarray) -> list[float]:
    """95 % interval [low, high] of what `weighted` gave, (2, draws)."""
    return [float(np.quantile(values.min(0), 0.025)), float(np.quantile(values.max(0), 0.975))]


def interval(values: np.ndarray) -> list[float]:
    """95 % percentile interval [low, high] of a bootstrap's figures, those without a value left out."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return [float(low), float(high)]
