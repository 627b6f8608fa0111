"""Attentive statistics pooling: frames of any number become one vector, the telling ones counting more."""

import torch
from torch import Tensor, nn

SMALLEST = 1e-5  # variance below which the root's slope would explode


def statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation over frames, in float32: each (batch, channels).

    x: (batch, frames, channels). weights: (batch, frames, 1 or channels), summing to one over frames.
    """
    mean = (weights * x).sum(1)
    variance = (weights * (x - mean[:, None]).square()).sum(1)
    return mean, variance.clamp_min(SMALLEST).sqrt()


def uniform(x: Tensor, mask: Tensor | None) -> Tensor:
    """Weights (batch or 1, frames, 1) that are the same for all valid frames of x (batch, frames, channels)."""
    if mask is None:
        return x.new_full((1, x.shape[1], 1), 1 / x.shape[1])
    return (mask / mask.sum(1, keepdim=True)).unsqueeze(2).to(x.dtype)


class AttentivePooling(nn.Module):
    """(batch, frames, channels) -> (batch, 2 * channels): each channel's weighted mean, then its weighted deviation.

    Okabe et al. 2018, with a weight a channel and the recording's own statistics as context of every frame
    (ECAPA-TDNN, Desplanques et al. 2020). The context's part of the first layer is computed once a recording.
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.frame = nn.Linear(channels, hidden)
        self.context = nn.Linear(2 * channels, hidden, bias=False)
        self.norm = nn.LayerNorm(hidden)
        self.weigh = nn.Linear(hidden, channels)
        self.n_out = 2 * channels

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """mask: (batch, frames) bool, false in the padding, which must hold finite numbers; None where all is valid."""
        as_float = x.float()
        context = torch.cat(statistics(as_float, uniform(as_float, mask)), 1)
        hidden = self.frame(x) + self.context(context.to(x.dtype))[:, None]
        scores = self.weigh(torch.tanh(self.norm(hidden))).float()
        if mask is not None:
            scores = scores.masked_fill(~mask.unsqueeze(2), -torch.inf)
        return torch.cat(statistics(as_float, scores.softmax(1)), 1)
