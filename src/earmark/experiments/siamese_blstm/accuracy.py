"""Shares of pairs that are judged rightly, as siamese_blstm's question and answer count them.

distance: (n,), of a network that is right small for pairs of one speaker. same: (n,) booleans, the asker's label 1.
"""

import numpy as np
import torch
from torch import Tensor

from earmark.tasks.speaker.trials import scores


def asker_accuracy(distance: Tensor, same: Tensor, blind: bool = False) -> float:
    """Keras's `accuracy` as the asker logs it: is round(distance) the label? A perfect network has 0.

    blind: as his shapes have it, labels (n, 1) against distances (n,): each distance against each label.
    """
    return _equal(distance.round(), same, blind)


def custom_metric(distance: Tensor, same: Tensor, threshold: float, blind: bool = False) -> float:
    """The answer's metric: is `distance < threshold` the label?"""
    return _equal((distance < threshold).float(), same, blind)


def _equal(said: Tensor, same: Tensor, blind: bool) -> float:
    """Share of what is said (n,) that equals the labels, each its own, or, if blind, in the square of all with all."""
    labels = same.float()
    if not blind:
        return (said == labels).float().mean().item()
    share = labels.mean()
    return (share * (said == 1).float().mean() + (1 - share) * (said == 0).float().mean()).item()


def best_threshold(distance: np.ndarray, same: np.ndarray) -> float:
    """The threshold under which most pairs are judged rightly, both kinds weighing the same.

    Half way to the next distance, so that nothing lies on it.
    """
    c = scores.curve(-distance, same)
    best = int(np.argmin(c.miss + c.false_alarm))
    known = -c.thresholds[1:]  # ascending; with the first `best` of them accepted
    if best in (0, len(known)):
        return float(known[0] - 1 if best == 0 else known[-1] + 1)
    return float(known[best - 1 : best + 1].mean())


def balanced_accuracy(distance: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Share of pairs that are judged rightly, both kinds weighing the same: the asker draws them half and half."""
    near = distance < threshold
    return float((near[same].mean() + (~near[~same]).mean()) / 2)


def balanced_rows(same: Tensor) -> Tensor:
    """Rows of as many pairs of one kind as of the other, the first of each (n,)."""
    n = int(min(same.sum(), (~same).sum()))
    return torch.cat([torch.nonzero(same).flatten()[:n], torch.nonzero(~same).flatten()[:n]])
