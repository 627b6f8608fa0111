"""Classes of unequal size: weights for the loss, or an epoch in which they are equally frequent."""

import torch
from torch import Tensor


def class_weights(labels: Tensor, n_classes: int) -> Tensor:
    """Weights (classes,) by inverse frequency among labels (recordings,), 1 on average over the recordings.

    A class without recordings has the weight 0.
    """
    counts = torch.bincount(labels, minlength=n_classes)
    present = counts > 0
    return torch.where(present, len(labels) / (present.sum() * counts.clamp_min(1)), 0.0)


def balanced(labels: Tensor) -> Tensor:
    """Positions (n,) in labels (n,), shuffled, in which the classes of `labels` are equally frequent, but for one.

    A class's members are drawn equally often, but for one; what is left over is drawn from torch's generator anew.
    """
    classes = labels.unique()
    share, more = divmod(len(labels), len(classes))
    quotas = torch.full((len(classes),), share)
    quotas[torch.randperm(len(classes))[:more]] += 1
    drawn = [_of_class(torch.nonzero(labels == c)[:, 0], int(n)) for c, n in zip(classes, quotas, strict=True)]
    together = torch.cat(drawn)
    return together[torch.randperm(len(together))]


def _of_class(members: Tensor, n: int) -> Tensor:
    """n of the members (m,), as often as it takes."""
    rounds = [members[torch.randperm(len(members))] for _ in range(-(-n // len(members)))]
    return torch.cat([*rounds, members[:0]])[:n]
