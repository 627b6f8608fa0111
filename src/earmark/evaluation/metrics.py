"""Figures of a classifier, and their intervals by bootstrap over groups."""

from collections.abc import Callable
from typing import Any

import numpy as np

METHODS = "ci95_methods"  # in metrics.json: the figures with an interval, by the method that made it


def ece(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015) over equal-width bins of the top probability.

    confidence: (n,) top probabilities; right: (n,) whether the answer was. A share; 0 is perfectly calibrated.
    """
    _, summed, n_right = _bins(confidence, right, bins)
    return float(np.abs(n_right - summed).sum() / len(right))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bins of `ece`: counts, mean confidences and accuracies, (bins,) each; the means of an empty bin are NaN.

    confidence: (n,) top probabilities; right: (n,) whether the answer was. Bin i holds i/bins up to (i+1)/bins,
    the last one 1 too; the means' absolute differences, weighted by the counts, sum to n times the error.
    """
    counts, summed, n_right = _bins(confidence, right, bins)
    share = np.where(counts > 0, counts, np.nan)
    return counts, summed / share, n_right / share


def _bins(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, sum of confidences and number of right answers in each bin, (bins,) each."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return (
        np.bincount(place, minlength=bins),
        np.bincount(place, confidence, bins),
        np.bincount(place, right, bins),
    )


def epochs_to(history: list[dict], goal: float = 0.6) -> float:
    """The first epoch whose validation accuracy is at least `goal`; infinite when none is.

    By 60 % the article on sound CNNs says how fast a setting learns. history: a row an epoch, with or without
    validation.
    """
    return next((float(row["epoch"]) for row in history if row.get("val/accuracy", -1.0) >= goal), np.inf)


def macro_f1(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Unweighted mean of the F1 scores of the classes that occur in `labels`; both (n,) class indices."""
    right, _ = f1_parts(predicted, labels)
    return float(right.sum())


def f1_parts(predicted: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What every answer adds to the macro F1, and what it could add, (n,) each: the latter sum to 1.

    A class's F1 is twice its right answers by its recordings and the answers that name it, so that an answer counts in
    the class that is true and in the one that it names.
    """
    n = max(predicted.max(), labels.max()) + 1
    support, answers = np.bincount(labels, minlength=n), np.bincount(predicted, minlength=n)
    share = np.where(support > 0, 1 / np.maximum(support + answers, 1), 0) / (support > 0).sum()
    return np.where(predicted == labels, 2 * share[labels], 0), share[labels] + share[predicted]


def majority_vote(window_probabilities: np.ndarray, segment: np.ndarray, n_recordings: int) -> np.ndarray:
    """Class with the most windows' votes, (recordings,); a tie goes to the higher mean probability."""
    n_classes = window_probabilities.shape[1]
    votes = np.zeros((n_recordings, n_classes))
    np.add.at(votes, (segment, window_probabilities.argmax(1)), 1)
    mean = np.zeros((n_recordings, n_classes))
    np.add.at(mean, segment, window_probabilities)
    mean /= np.maximum(np.bincount(segment, minlength=n_recordings), 1)[:, None]
    return (votes + mean / 2).argmax(1)  # a mean probability is at most 1, so half of it never beats a vote


def resamples(groups: np.ndarray, n: int, seed: int) -> list[np.ndarray]:
    """Bootstrap over groups: n arrays of row indices, each of as many groups as there are, with replacement."""
    names, place = np.unique(groups, return_inverse=True)
    rows = [np.flatnonzero(place == g) for g in range(len(names))]
    rng = np.random.default_rng(seed)
    return [np.concatenate([rows[g] for g in rng.integers(0, len(names), len(names))]) for _ in range(n)]


def interval(figure: Callable[[np.ndarray], float], draws: list[np.ndarray]) -> list[float]:
    """95 % percentile interval of a figure of row indices: [low, high]."""
    low, high = np.percentile([figure(rows) for rows in draws], [2.5, 97.5])
    return [float(low), float(high)]


def difference_interval(a: float, a_ci: list[float], b: float, b_ci: list[float]) -> list[float]:
    """95 % interval of a - b from those of two figures of different recordings: [low, high].

    MOVER (Zou and Donner 2008): keeps the asymmetry that shares near 1 have.
    """
    low = a - b - np.hypot(a - a_ci[0], b_ci[1] - b)
    high = a - b + np.hypot(a_ci[1] - a, b - b_ci[0])
    return [float(low), float(high)]


def in_order(found: dict[str, Any], headline: str) -> dict[str, Any]:
    """Figures as metrics.json has them: the headline first, each with its `<name>_ci95`, hashes (`_sha256`) last.

    Before the hashes stands `ci95_methods`, which says how the intervals were made.
    """
    keys = [headline, *(key for key in found if key != headline and not key.endswith("_ci95"))]
    keys.sort(key=lambda k: 2 * k.endswith("_sha256") + (k == METHODS))
    listed = [name for key in keys for name in (key, f"{key}_ci95") if name in found]
    return {name: found[name] for name in dict.fromkeys([*listed, *found])}
