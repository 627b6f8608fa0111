"""Layers of ChordNet that no library has as its author wrote them; none lets padding change a result.

Maps are (batch, channels, frames, bins). `mask` is (batch, frames), true where a frame belongs to its song; None
where all do. Padded frames of a map are zeros between layers, as a convolution would see beyond a song's ends.
"""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

GROUPS = 8  # of every EvoNorm-S0 in ChordNet's text
RATIO = 8  # channels to hidden units of the attention


def frame_mask(lengths: Tensor | None, n_frames: int) -> Tensor | None:
    """(batch,) lengths in frames -> (batch, n_frames) bool; None stays None."""
    return None if lengths is None else torch.arange(n_frames, device=lengths.device) < lengths[:, None]


def hide(x: Tensor, mask: Tensor | None, value: float = 0.0) -> Tensor:
    """x (batch, channels, frames, bins) with `value` in its padded frames, whatever stood there, NaN too."""
    return x if mask is None else x.masked_fill(~mask[:, None, :, None], value)


def mean_of_frames(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over frames and bins: (batch, channels, frames, bins) -> (batch, channels, 1, 1); padding must be zero."""
    if mask is None:
        return x.mean((2, 3), keepdim=True)
    n = mask.sum(1).view(-1, 1, 1, 1) * x.shape[3]
    return x.sum((2, 3), keepdim=True) / n


class EvoNormS0(nn.Module):
    """x sigmoid(v x) / deviation * gamma + beta, per group of neighbouring channels (Liu et al. 2020).

    ChordNet's moments: over the frames, the bins and the channels of a group, the variance biased, epsilon under
    the root. Time is among them, so a song's length decides nothing and its padding must be left out. Fewer
    channels than 8 make a group each. Returns zeros in padded frames.
    """

    def __init__(self, channels: int, groups: int = GROUPS, epsilon: float = 1e-5):
        super().__init__()
        self.groups, self.epsilon = min(groups, channels), epsilon
        self.v, self.gamma = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = hide(x, mask)
        v, gamma, beta = (p.view(-1, 1, 1) for p in (self.v, self.gamma, self.beta))
        # one factor a channel, so that the division costs a pass over (batch, channels) and not over the map
        scale = gamma / self.deviation(x, mask).repeat_interleave(x.shape[1] // self.groups, 1)
        return hide(x * torch.sigmoid(v * x) * scale.to(x.dtype) + beta, mask)

    def deviation(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, channels, frames, bins), zero in the padding -> (batch, groups, 1, 1) of float32."""
        x = x.float()
        mean = self._mean_of_groups(mean_of_frames(x, mask)).repeat_interleave(x.shape[1] // self.groups, 1)
        apart = hide(x - mean, mask)
        return (self._mean_of_groups(mean_of_frames(apart.square(), mask)) + self.epsilon).sqrt()

    def _mean_of_groups(self, x: Tensor) -> Tensor:
        """(batch, channels, 1, 1) -> (batch, groups, 1, 1)."""
        return x.unflatten(1, (self.groups, -1)).mean(2)


class WeightNormDense(nn.Module):
    """A dense layer whose weights have norm g per unit: (..., n_in) -> (..., n_out); Salimans and Kingma 2016.

    As in ChordNet's text, g starts at 1, not at the norm of the drawn weights.
    """

    def __init__(self, n_in: int, n_out: int, bias: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        self.g = nn.Parameter(torch.ones(n_out))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        he_normal(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.g * self.weight.square().sum(1).rsqrt()  # a norm's gradient takes a third pass, for zeros
        return linear(x, self.weight * scale.unsqueeze(1), self.bias)


class SpatialGate(nn.Module):
    """CBAM's spatial attention (Woo et al. 2018) with a 3x3 kernel; ChordNet's text calls it ChannelAttention.

    Mean and maximum over channels, a convolution, a sigmoid for every frame and bin.
    """

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self._as_product(pooled) if x.is_cpu else self.conv(pooled))

    def _as_product(self, pooled: Tensor) -> Tensor:
        """The convolution as a matrix product over a frame's surroundings: for one channel in half of its time."""
        bins = torch.arange(pooled.shape[3])
        apart = (bins[:, None] - bins + 1).clamp(-1, 3)  # places of the kernel; -1 and 3 lie outside of it
        matrix = pad(self.conv.weight[0], (0, 2))[:, :, apart]  # (2, 3 frames, bins in, bins out)
        around = pad(pooled, (0, 0, 1, 1)).unfold(2, 3, 1)  # (b, 2, t, bins, 3 frames)
        rows = around.permute(0, 2, 1, 4, 3).flatten(2)
        return torch.matmul(rows, matrix.flatten(0, 2)).unsqueeze(1)


class ChannelGate(nn.Module):
    """CBAM's channel attention; ChordNet's text calls it SpatialAttention.

    Mean and maximum over a song's frames and bins, two shared dense layers, a sigmoid for every channel. The
    dense layers are weight-normalised too: the article binds the name Dense anew before they are built.
    """

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(1, channels // RATIO)
        self.squeeze = WeightNormDense(channels, hidden, bias=True)
        self.excite = WeightNormDense(hidden, channels, bias=True)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        mean = mean_of_frames(x, mask).flatten(1)
        top = hide(x, mask, -torch.inf).amax((2, 3))
        score = sum(self.excite(torch.relu(self.squeeze(pooled))) for pooled in (mean, top))
        return x * torch.sigmoid(score)[:, :, None, None]


class StochasticDepth(nn.Module):
    """shortcut + b * residual (Huang et al. 2016): b is drawn once a batch; at test it is its mean, `survival`.

    Where b is 0 a CPU does not compute the residual. Its weights' gradients are zeros all the same: the optimizer goes
    on with its moments and its decay. A GPU would have to wait to be told.
    """

    def __init__(self, survival: float):
        super().__init__()
        self.survival = survival

    def forward(self, x: Tensor, residual: Callable[[Tensor], Tensor], weights: Iterable[Tensor]) -> Tensor:
        """x plus what `residual`, which has these weights, makes of it, or x alone."""
        if not self.training:
            return x + self.survival * residual(x)
        survives = torch.rand((), device=x.device) < self.survival
        if not survives.is_cpu:
            return x + survives * residual(x)
        return x + residual(x) if survives else _Unused.apply(x, *weights)


class _Unused(torch.autograd.Function):
    """x as it is, and weights whose gradients are zeros."""

    @staticmethod
    def forward(ctx, x: Tensor, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(*weights)
        return x.view_as(x)

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor, ...]:
        return slope, *map(torch.zeros_like, ctx.saved_tensors)


class Block(nn.Module):
    """3x3 convolution, EvoNorm, both gates, a 1x1 bottleneck: (b, c_in, t, f) -> (b, filters // alpha, t, f).

    A shortcut wherever the number of channels allows it, which is its author's rule.
    """

    def __init__(self, c_in: int, filters: int, alpha: int, survival: float):
        super().__init__()
        self.n_out = filters // alpha
        self.conv = nn.Conv2d(c_in, filters, 3, padding=1, bias=False)
        self.norm = EvoNormS0(filters)
        self.spatial, self.channel = SpatialGate(), ChannelGate(filters)
        self.bottleneck = nn.Conv2d(filters, self.n_out, 1, bias=False) if alpha != 1 else nn.Identity()
        self.depth = StochasticDepth(survival) if c_in == self.n_out else None

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if self.depth is None:
            return self._residual(x, mask)
        return self.depth(x, partial(self._residual, mask=mask), self.parameters())

    def _residual(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm(self.conv(x), mask)
        return self.bottleneck(self.channel(self.spatial(y), mask))


class Stem(nn.Module):
    """A convolution whose stride brings an octave to 12 bins, and EvoNorm: (b, c, t, octave) -> (b, filters, t, 12).

    With 36 bins an octave (kernel 3, stride 3) every semitone has its three bins to itself. Padding is Keras's
    `same`. Above 36 bins the kernel grows with the stride, so that no bin is left unread.
    """

    def __init__(self, c_in: int, filters: int, bins_per_octave: int):
        super().__init__()
        stride = bins_per_octave // 12
        size = max(3, stride)
        self.conv = nn.Conv2d(c_in, filters, (3, size), (1, stride), padding=(1, 0), bias=False)
        self.sides = ((size - stride) // 2, size - stride - (size - stride) // 2)
        self.norm = EvoNormS0(filters)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self.norm(self.conv(pad(x, self.sides)), mask)


def he_normal(weight: Tensor) -> None:
    """Keras's he_normal: deviation sqrt(2 / fan_in), cut at two deviations and widened to make up for the cut."""
    fan_in = weight[0].numel()
    deviation = (2 / fan_in) ** 0.5 / 0.87962566103423978
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)
