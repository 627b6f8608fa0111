"""Losses over a batch of P speakers with K segments each, as modules: (embeddings, labels) -> scalar, in float32.

embeddings: (P * K, d), speaker by speaker, not normalised; labels: (P * K,) int64.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from earmark.tasks.speaker.settings import SpeakerTrainSettings

SMALLEST_SCALE = 1e-3  # below which a learnt scale would turn the order of scores around


def build(settings: SpeakerTrainSettings, d: int, n_speakers: int, views: int = 1) -> nn.Module | None:
    """The module of `settings.loss`, which knows d values and n_speakers; None for `pairs`, which has no weights.

    views: towers whose embeddings stand side by side in the d values. The margin of `aam` begins at 0: whoever trains
    sets `margin` before each epoch.
    """
    match settings.loss.name:
        case "aam":
            n = views if settings.loss.each_view else 1
            heads = [AamSoftmax(d // n, n_speakers, settings.loss.scale, margin=0.0) for _ in range(n)]
            return heads[0] if n == 1 else EachView(heads)
        case "angular":
            return AngularPrototypical(settings.segments, settings.loss.scale)
        case "contrastive":
            return SupervisedContrastive(settings.loss.scale)
        case "pairs":
            return None
    raise ValueError(f"unknown loss {settings.loss!r}")


def float32(x: Tensor) -> torch.autocast:
    """A context in which products on x's device keep float32, inside autocast too."""
    return torch.autocast(x.device.type, enabled=False)


class AamSoftmax(nn.Module):
    """Softmax over the training speakers with an additive angular margin (ArcFace, Deng et al. 2019).

    The logit of a segment's own speaker, scale * cos(angle), becomes scale * cos(angle + margin). Past angle =
    pi - margin, where that would rise again, it goes on as cos(angle) - (1 - cos(margin)), which joins without a
    step. `margin` (radians) may be set anew before every epoch.
    """

    def __init__(self, d: int, n_speakers: int, scale: float, margin: float):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_speakers, d))
        nn.init.xavier_normal_(self.weight)
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        with float32(embeddings):
            cosine = normalize(embeddings.float()) @ normalize(self.weight.float()).T
            own = cosine.gather(1, labels[:, None])
            logits = cosine.scatter(1, labels[:, None], with_margin(own, self.margin))
            return cross_entropy(self.scale * logits, labels)


class EachView(nn.Module):
    """The sum of a loss of each tower's embeddings, which stand side by side: no tower's gradient knows the others."""

    def __init__(self, heads: list[AamSoftmax]):
        super().__init__()
        self.heads = nn.ModuleList(heads)

    @property
    def margin(self) -> float:
        """Of all heads, in radians."""
        return float(self.heads[0].margin)

    @margin.setter
    def margin(self, margin: float) -> None:
        for head in self.heads:
            head.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        parts = embeddings.chunk(len(self.heads), dim=1)
        return torch.stack([head(part, labels) for head, part in zip(self.heads, parts, strict=True)]).sum()


def with_margin(cosine: Tensor, margin: float) -> Tensor:
    """cos(angle + margin) of cosines of any shape, falling over all angles from 0 to pi."""
    # no sine below 3e-4: at equal directions the root has no slope
    sine = (1 - cosine.square()).clamp_min(1e-7).sqrt()
    turned = cosine * math.cos(margin) - sine * math.sin(margin)
    return torch.where(cosine > -math.cos(margin), turned, cosine - (1 - math.cos(margin)))


class AngularPrototypical(nn.Module):
    """Angular prototypical loss (Chung et al. 2020, «In defence of metric learning»), every batch a small task.

    Each speaker's first segment asks, the mean of the others' embeddings is its prototype; cross-entropy of the
    cosines with all prototypes, times a learnt scale. The paper's bias is the same for all prototypes, so the softmax
    takes it away again: there is none here. labels are not needed: the order says who is who.
    """

    def __init__(self, segments: int, scale: float):
        super().__init__()
        self.segments = segments
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, embeddings: Tensor, labels: Tensor | None = None) -> Tensor:
        with float32(embeddings):
            x = embeddings.float().unflatten(0, (-1, self.segments))
            cosine = normalize(x[:, 0]) @ normalize(x[:, 1:].mean(1)).T
            logits = self.scale.clamp_min(SMALLEST_SCALE) * cosine
            return cross_entropy(logits, torch.arange(len(x), device=x.device))


class SupervisedContrastive(nn.Module):
    """Supervised contrastive loss, L_out of Khosla et al. 2020: every segment against all others of the batch.

    scale: one over the paper's temperature. A segment alone of its speaker is a negative of others, and asks nothing.
    """

    def __init__(self, scale: float):
        super().__init__()
        self.scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        with float32(embeddings):
            x = normalize(embeddings.float())
            itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
            scores = (self.scale * (x @ x.T)).masked_fill(itself, -torch.inf)
            positive = (labels[:, None] == labels) & ~itself
            log_share = scores.log_softmax(1).masked_fill(~positive, 0.0)
            n = positive.sum(1)
            return -(log_share.sum(1) / n.clamp_min(1)).sum() / (n > 0).sum().clamp_min(1)
