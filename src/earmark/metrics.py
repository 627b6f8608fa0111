"""Figures of a classifier, and their intervals by bootstrap over groups."""

from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score, f1_score


def ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): equal-width bins of the top probability.

    probabilities: (n, classes); labels: (n,) class indices. A share, 0 is perfectly calibrated.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(right[place == b].mean() - confidence[place == b].mean()) * (place == b).mean() for b in np.unique(place)]
    return float(sum(gaps))


def macro_f1(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Unweighted mean of the F1 scores of the classes that occur."""
    return float(f1_score(labels, probabilities.argmax(1), average="macro", labels=np.unique(labels), zero_division=0))


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of right answers."""
    return float(accuracy_score(labels, probabilities.argmax(1)))


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
