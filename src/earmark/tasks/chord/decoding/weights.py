"""Weights for a model's chord qualities: named in settings, or suggested from a validation confusion matrix.

ChordNet's author raised by hand the qualities that his matrix showed as missed. Here the matrix does: a quality that is
estimated less often than it sounds gets a weight above 1 on its probability, one that takes others' place below 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from earmark.errors import EarmarkError, nearest
from earmark.tasks.chord.notation.vocabulary import IGNORED, Vocabulary

SMOOTHING = 0.01  # share of the whole matrix added to both counts: a quality that was hardly heard moves little
LARGEST = 8.0  # weights stay within 1/8 .. 8


@dataclass(frozen=True)
class Suggestion:
    """Weights (qualities + 1,), N last, and the confusion matrices in frames before and with them.

    given: the weights that the model has already, and the matrix with them; None where it has none.
    """

    weights: np.ndarray
    before: np.ndarray
    after: np.ndarray
    given: tuple[np.ndarray, np.ndarray] | None = None


def weights_by_name(said: Mapping[str, float], words: Vocabulary, key: str) -> np.ndarray:
    """Weights (qualities + 1,), N last, by Harte's shorthand or the lead sheets' name; 1 where nothing is said.

    Raises EarmarkError for a quality that the vocabulary lacks, or that has both names, with the settings' `key`.
    """
    names = [(q.harte, q.lead_sheet) for q in words.qualities] + [("N", "N")]
    place = {name: i for i, both in enumerate(names) for name in both}
    found = np.ones(len(names))
    for name, weight in said.items():
        if name not in place:
            raise EarmarkError(f"{key} names the quality '{name}'; {nearest(name, [harte for harte, _ in names])}")
        other = [n for n in names[place[name]] if n in said and n != name]
        if other:
            raise EarmarkError(f"{key} names one quality twice, as '{name}' and '{other[0]}'; remove one of them.")
        found[place[name]] = weight
    return found


def of_classes(weights: np.ndarray) -> np.ndarray:
    """Weights (qualities + 1,) as ones of the chord classes, (classes,) float32."""
    return np.concatenate([weights[:-1].repeat(12), weights[-1:]]).astype(np.float32)


def from_confusion(confusion: np.ndarray, strength: float = 0.1) -> np.ndarray:
    """Weights from one matrix, rows true: (time it sounds / time it is estimated) ** strength; 1 for rows unsupported.

    strength 1 would put the estimates' shares right if nothing else changed, and overshoots: with a weak model .5 ends
    in another quality taken for all others, .1 does not.
    """
    sounds, estimated = confusion.sum(1), confusion.sum(0)
    extra = SMOOTHING * confusion.sum() / len(confusion)
    ratio = ((sounds + extra) / (estimated + extra)) ** strength
    return np.where(sounds > 0, ratio, 1.0).clip(1 / LARGEST, LARGEST)


def by_quality(log_probabilities: np.ndarray) -> np.ndarray:
    """(frames, classes) -> (frames, qualities + 1): of every quality its likeliest root, N last.

    A weight moves all roots of a quality alike, so this, a twelfth of the numbers, is all that weights ask of a frame.
    """
    roots = log_probabilities[:, :-1].reshape(len(log_probabilities), -1, 12)
    return np.concatenate([roots.max(2), log_probabilities[:, -1:]], axis=1)


def suggest(
    log_probabilities: np.ndarray, target: np.ndarray, given: np.ndarray | None = None, rounds: int = 40
) -> Suggestion:
    """The weights with the best mean recall over qualities of some rounds of `from_confusion`, each on the last's;
    all 1 where no round improves it.

    log_probabilities: (frames, qualities + 1), `by_quality` of validation frames; target: (frames,) classes, IGNORED
    left out. given: (qualities + 1,), of the model's own.
    """
    weights, tried = np.ones(log_probabilities.shape[1]), []
    for _ in range(rounds + 1):
        confusion = confusion_with(weights, log_probabilities, target)
        tried.append((weights, confusion))
        weights = (weights * from_confusion(confusion)).clip(1 / LARGEST, LARGEST)
    best, after = max(tried, key=lambda one: mean_recall(one[1]))
    own = None if given is None else (given, confusion_with(given, log_probabilities, target))
    return Suggestion(best, tried[0][1], after, own)


def confusion_with(weights: np.ndarray, log_probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Frames of each true quality (rows) under each likeliest one with some weights: (qualities + 1, qualities + 1)."""
    known, n = target != IGNORED, log_probabilities.shape[1]
    return _frames(target[known] // 12, weighted(log_probabilities[known], weights).argmax(1), n)


def weighted(log_probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Log probabilities (..., qualities + 1) plus the logarithms of the weights; not normalised again."""
    return log_probabilities + np.log(weights).astype(np.float32)


def recalls(confusion: np.ndarray) -> np.ndarray:
    """The share of each true class that is right, (classes,); NaN for classes that do not occur."""
    support = confusion.sum(1)
    return np.divide(confusion.diagonal(), support, out=np.full(len(support), np.nan), where=support > 0)


def mean_recall(confusion: np.ndarray) -> float:
    """Plain mean of the recalls of the classes that occur; 0 where none does."""
    return float(np.nanmean(recalls(confusion))) if confusion.any() else 0.0


def _frames(true: np.ndarray, estimated: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(true * n + estimated, minlength=n * n).reshape(n, n)
