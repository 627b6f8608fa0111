"""siamese_blstm's loss of pairs: a distance of same speakers, a hinge of different ones; float32, no loops.

The distance is a Kullback-Leibler divergence, KL(p || q) = sum p log p - p log q over the values of two embeddings.
They are at least 0 but need not sum to one (the asker's do not), and then one direction alone has no lower bound.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from earmark.errors import EarmarkError
from earmark.tasks.speaker.networks.losses import float32
from earmark.tasks.speaker.settings import BlstmSettings, PairSettings, SpeakerModelSettings

EPSILON = 1e-7  # Keras's
NEAR = 0.01  # of the collapsed loss: the loss counts as this one
FLAT = 1e-3  # of the margin: distances that spread less are all the same


class Distances(NamedTuple):
    """Of pairs, all of one shape: `ahead` KL(p || q), `back` KL(q || p) or None, `total` the distance that is meant."""

    ahead: Tensor
    back: Tensor | None
    total: Tensor


def positive(x: Tensor, s: PairSettings) -> Tensor:
    """Values (..., d) as the logarithm takes them: clipped, without a slope outside, or raised by epsilon."""
    return x.clamp(EPSILON, 1) if s.positive == "clip" else x + EPSILON


def dead_share(x: Tensor) -> float:
    """Share of outputs outside epsilon..1, where the asker's clip has no slope."""
    return ((x < EPSILON) | (x > 1)).float().mean().item()


def all_distances(x: Tensor, s: PairSettings) -> Distances:
    """Of all pairs of a batch (n, d), each (n, n), by matrix products."""
    with float32(x):
        p = positive(x.float(), s)
        # the same sums after a value's mean over the batch is taken away, but of smaller terms
        log = p.log()
        log = log - log.detach().mean(0)
        scale = 1 / p.shape[1] if s.over == "mean" else 1.0
        ahead = scale * ((p * log).sum(1, keepdim=True) - p @ log.T)
        return _meant(ahead, ahead.T, s)


def distances(a: Tensor, b: Tensor, s: PairSettings) -> Distances:
    """Of pairs drawn two by two, a[i] with b[i] (n, d): each (n,)."""
    with float32(a):
        p, q = positive(a.float(), s), positive(b.float(), s)
        log = p.log() - q.log()
        over = torch.mean if s.over == "mean" else torch.sum
        return _meant(over(p * log, -1), -over(q * log, -1), s)


def _meant(ahead: Tensor, back: Tensor, s: PairSettings) -> Distances:
    if s.distance == "kl":
        return Distances(ahead, None, ahead)
    return Distances(back, None, back) if s.distance == "reversed" else Distances(ahead, back, ahead + back)


def hinge(d: Distances, s: PairSettings) -> Tensor:
    """What a pair of different speakers costs, on the distance or on each direction of it."""
    far = softplus if s.soft else torch.relu
    if s.hinge == "direction":
        return far(s.margin - d.ahead) + far(s.margin - d.back)
    return far(s.margin - d.total)


def pair_losses(d: Distances, same: Tensor, s: PairSettings) -> Tensor:
    """Loss of each pair. same: bool or 0 and 1, of any shape that broadcasts with the distances, which is the trap.

    With `hinge_over` batch every pair of two speakers costs the mean hinge of all pairs (n,), those of one included.
    """
    same, far = same.to(d.total.dtype), hinge(d, s)
    far = far.mean(-1) if s.hinge_over == "batch" else far
    return s.same * same * d.total + s.different * (1 - same) * far


def two_by_two_loss(a: Tensor, b: Tensor, same: Tensor, s: PairSettings) -> Tensor:
    """Mean loss of pairs a[i], b[i] (n, d), as in the text; same: (n,).

    With `broadcast` as there: labels (n, 1) against distances (n,) make n x n losses, each distance judged by each
    label. Their mean is share * mean distance + (1 - share) * mean hinge: which pair is which has dropped out.
    """
    d = distances(a, b, s)
    return pair_losses(d, same[:, None] if s.broadcast else same, s).mean()


def loss(x: Tensor, labels: Tensor, s: PairSettings) -> Tensor:
    """Mean loss of a batch (P * K, d), speaker by speaker, labels (P * K,): of all pairs i < j.

    With `broadcast`, or `hinge_over` batch, it is drawn two by two: the mistakes have no form that meets all pairs.
    """
    if asks_two_by_two(s):
        first, second = two_by_two(labels)
        return two_by_two_loss(x[first], x[second], labels[first] == labels[second], s)
    losses = pair_losses(all_distances(x, s), labels[:, None] == labels, s)
    n = len(x)
    return losses.triu(1).sum() / (n * (n - 1) / 2)


def asks_two_by_two(s: PairSettings) -> bool:
    """Whether a mistake of the asker's is made, which has a form for pairs drawn two by two alone."""
    return s.broadcast or s.hinge_over == "batch"


def two_by_two(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of pairs, half of one speaker and half of two, in a batch of P speakers with K segments each.

    Of every speaker, segment 0 with 1, 2 with 3 and so on; and half of its segments with the next speaker's.
    """
    segments = int((labels == labels[0]).sum())
    rows = torch.arange(len(labels), device=labels.device).view(-1, segments)
    half = segments // 2
    first, second = rows[:, 0 : 2 * half : 2], rows[:, 1 : 2 * half : 2]
    third, fourth = rows[:, :half], rows.roll(-1, 0)[:, half : 2 * half]
    return torch.cat([first.flatten(), third.flatten()]), torch.cat([second.flatten(), fourth.flatten()])


def require_positive(model: SpeakerModelSettings, s: PairSettings) -> None:
    """Raise EarmarkError where a tower's values may be negative and only an epsilon is added to them."""
    if s.positive == "add" and (not isinstance(model, BlstmSettings) or model.head == "prelu"):
        raise EarmarkError(
            "pair.positive is add, but the tower's values may be negative, which have no logarithm: set model.name: "
            "blstm with model.head: softplus or softmax, or pair.positive: clip."
        )


def collapsed_loss(share_same: float, s: PairSettings) -> float:
    """The loss of outputs that are all the same: every distance 0, all hinges at the margin."""
    zero = torch.zeros(())
    at_zero = hinge(Distances(zero, zero if s.distance == "symmetric" else None, zero), s)
    return s.different * (1 - share_same) * at_zero.item()


def collapse(loss: float, found: Tensor, share_same: float, s: PairSettings) -> str | None:
    """What is wrong with a training, and what to change; None where nothing is seen.

    loss: its mean of late. found: distances of any pairs, any shape. share_same: pairs of one speaker among those
    that were judged. A collapsed network answers everything alike, so that no pair costs more than another.
    """
    flat, stuck = collapsed_loss(share_same, s), found.float().std().item() < FLAT * s.margin
    if not stuck and abs(loss - flat) > NEAR * flat:
        return None
    sign = f"distances spread by {found.float().std().item():.2g}" if stuck else f"the loss stays at {loss:.3g}"
    why = f"The embeddings have collapsed: {sign}, and equal outputs would have a loss of {flat:.3g}; "
    return why + remedy(s)


def remedy(s: PairSettings) -> str:
    """The first setting, from the worst, that keeps this loss from learning."""
    if s.broadcast:
        return "set pair.broadcast: false, because the loss does not know which pair it judges."
    if s.hinge_over == "batch":
        return "set pair.hinge_over: pair, because the hinge does not know which pair it judges."
    if s.positive == "clip":
        return "set pair.positive: add and model.head: softplus, because the clip has no slope outside of 0..1."
    if s.distance != "symmetric":
        return "set pair.distance: symmetric, because one direction falls below 0 without the pairs being alike."
    if not s.soft:
        return "set pair.soft: true, because a hinge of 0 has no slope."
    return "set model.batch_norm: true, lower the learning rate, raise pair.different, or use loss: aam."
