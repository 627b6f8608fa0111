"""Losses of chord recognition: focal, Tversky and focal-Tversky, with padding and unknown chords left out.

Each has two forms: of probabilities, as ChordNet's author wrote them, and of logits, which neither overflow nor lose
the gradient of a confident answer. Classes are the last axis; frames before it in any shape.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss

from earmark.errors import EarmarkError
from earmark.tasks.chord.notation.vocabulary import IGNORED

SMOOTH = 1e-6  # ChordNet's, which keeps 0 / 0 away
TINY = 1e-7  # Keras's epsilon: no probability below it enters a logarithm


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0, weights: Tensor | None = None) -> Tensor:
    """Mean of -(1 - p)^gamma log p over frames, p the label's probability (Lin et al. 2017): scalar.

    logits: (..., classes); labels: (...) int64, -100 is left out; no frame left gives 0. gamma 0 is
    cross-entropy. weights: (classes,), of the classes; the mean is then weighted, as in torch's cross_entropy.
    """
    return _focal(log_softmax(logits.float(), dim=-1), labels, gamma, weights)


def focal_of_probs(probs: Tensor, labels: Tensor, gamma: float = 2.0, weights: Tensor | None = None) -> Tensor:
    """`focal` of a softmax's output (..., classes), limited to 1e-7 and more."""
    return _focal(probs.clamp_min(TINY).log(), labels, gamma, weights)


def _focal(log_probs: Tensor, labels: Tensor, gamma: float, weights: Tensor | None) -> Tensor:
    if gamma < 0:
        raise EarmarkError(f"The focal loss's gamma is {gamma}, but must be at least 0; 2 is usual, 0 cross-entropy.")
    labels = labels.flatten()
    log_p = -nll_loss(log_probs.flatten(0, -2), labels, reduction="none", ignore_index=IGNORED)  # left out: 0
    # 1 - p as -expm1(log p), which keeps its digits near p = 1; away from 0, where a power below 1 has no slope
    hard = (-torch.expm1(log_p)).clamp_min(TINY) ** gamma if gamma else torch.ones_like(log_p)
    share = (labels != IGNORED).to(log_p.dtype)
    if weights is not None:
        share = share * weights.to(log_p.dtype)[labels.clamp_min(0)]
    return -(share * hard * log_p).sum() / share.sum().clamp_min(TINY)


def tversky_index(truth: Tensor, probs: Tensor, alpha: float = 0.5, mask: Tensor | None = None) -> Tensor:
    """TP / (TP + alpha FP + (1 - alpha) FN) over all frames and tones of the batch: scalar (Salehi et al. 2017).

    truth: (..., tones) 0 or 1; probs: the same shape, 0 to 1; mask: (...) bool, true where a frame counts.
    As in ChordNet's text, alpha weights the FALSE POSITIVES; most other code has it the other way round. At .5 it
    is Dice.
    """
    return 1 - _tversky_loss(truth, probs, 1 - probs, alpha, mask)


def focal_tversky(
    truth: Tensor, probs: Tensor, alpha: float = 0.4, gamma: float = 3.0, mask: Tensor | None = None
) -> Tensor:
    """(1 - Tversky index)^gamma, ChordNet's loss for both vectors; gamma 1 is the plain Tversky loss.

    A gamma above 1 prefers batches with many errors. Below 1 the slope at a perfect answer is infinite, and the
    author warns of it: EarmarkError.
    """
    return _power(_tversky_loss(truth, probs, 1 - probs, alpha, mask), gamma)


def focal_tversky_of_logits(
    truth: Tensor, logits: Tensor, alpha: float = 0.4, gamma: float = 3.0, mask: Tensor | None = None
) -> Tensor:
    """`focal_tversky` of sigmoid(logits), in float32.

    1 - sigmoid(x) is taken as sigmoid(-x), so that a tone of probability 1 - 1e-12 still has an error and a slope.
    """
    logits = logits.float()
    return _power(_tversky_loss(truth, torch.sigmoid(logits), torch.sigmoid(-logits), alpha, mask), gamma)


def _tversky_loss(truth: Tensor, probs: Tensor, rest: Tensor, alpha: float, mask: Tensor | None) -> Tensor:
    """1 - Tversky index from probabilities and their complements, without a difference of nearly equal numbers.

    The index is (TP + s) / (TP + e + s), e = alpha FP + (1 - alpha) FN; what is missing to 1 is e / (TP + e + s).
    """
    if not 0 <= alpha <= 1:
        raise EarmarkError(f"The Tversky loss's alpha is {alpha}, but must be a share from 0 to 1, such as 0.4.")
    if mask is not None and not mask.all():
        truth, probs, rest = truth[mask], probs[mask], rest[mask]
    truth = truth.to(probs.dtype)
    hits = (truth * probs).sum()
    errors = alpha * ((1 - truth) * probs).sum() + (1 - alpha) * (truth * rest).sum()
    return errors / (hits + errors + SMOOTH)


def _power(loss: Tensor, gamma: float) -> Tensor:
    if not gamma >= 1:
        raise EarmarkError(
            f"The focal-Tversky loss's gamma is {gamma}, but must be at least 1: below it the slope at a perfect "
            "answer is infinite; 3 is ChordNet's, 1 the plain Tversky loss."
        )
    return loss**gamma


class ChordTargets(NamedTuple):
    """What a batch of frames should be: int64 (batch, frames), -100 where unknown; vector (batch, frames, 25) 0 or 1.

    A frame whose vector is unknown (X, or padding) is false in `known` (bool).
    """

    vector: Tensor
    known: Tensor
    transition: Tensor
    key: Tensor
    bass: Tensor
    chord: Tensor


class LossSettings(NamedTuple):
    """How ChordNet's heads are judged.

    vector: `focal_tversky` and `tversky` of the activated vector as its author wrote them; with `_of_logits` the safe
        forms, which want a network whose vectors are sigmoids. alpha, power: of these; his are .4 and 3.
    gamma: of the focal loss of transition and key. Bass and chord have cross-entropy, focal with gamma 0.
    *_weight: share of each head in the sum; both vectors share one.
    """

    vector: Literal["focal_tversky", "tversky", "focal_tversky_of_logits", "tversky_of_logits"] = "focal_tversky"
    alpha: float = 0.4
    power: float = 3.0
    gamma: float = 2.0
    vector_weight: float = 1.0
    transition_weight: float = 1.0
    key_weight: float = 1.0
    bass_weight: float = 1.0
    chord_weight: float = 1.0


def head_losses(
    output: NamedTuple,
    targets: ChordTargets,
    s: LossSettings | None = None,
    class_weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """Weighted loss of every head of a networks.chordnet.ChordNetOutput, by name; training takes their sum.

    class_weights: (529,) of the chord's classes, see `focal`. A head of weight 0 is left out. Every frame of padding
    must be -100 and not `known` (see `padded`).
    """
    s = s or LossSettings()
    judge = vector_loss(s)
    safe = s.vector.endswith("_of_logits")
    vector, smooth = (output.vector_logits, output.smooth_logits) if safe else (output.vector, output.smooth)
    losses = {
        "vector": (s.vector_weight, lambda: judge(targets.vector, vector, mask=targets.known)),
        "smooth": (s.vector_weight, lambda: judge(targets.vector, smooth, mask=targets.known)),
        "transition": (s.transition_weight, lambda: focal(output.transition, targets.transition, s.gamma)),
        "key": (s.key_weight, lambda: focal(output.key, targets.key, s.gamma)),
        "bass": (s.bass_weight, lambda: focal(output.bass, targets.bass, 0.0)),
        "chord": (s.chord_weight, lambda: focal(output.chord, targets.chord, 0.0, class_weights)),
    }
    return {name: weight * loss() for name, (weight, loss) in losses.items() if weight}


def vector_loss(s: LossSettings):
    """The function (truth, vector or logits, mask=) -> scalar that `s.vector` names."""
    form = focal_tversky_of_logits if s.vector.endswith("_of_logits") else focal_tversky
    gamma = s.power if s.vector.startswith("focal") else 1.0
    return lambda truth, answer, mask: form(truth, answer, s.alpha, gamma, mask)


def padded(targets: ChordTargets, lengths: Tensor) -> ChordTargets:
    """The targets with -100, and not known, in every frame from a song's length (batch,) on."""
    outside = torch.arange(targets.known.shape[1], device=lengths.device) >= lengths[:, None]
    labels = {name: x.masked_fill(outside, IGNORED) for name, x in targets._asdict().items() if x.dtype == torch.int64}
    return targets._replace(known=targets.known & ~outside, **labels)
