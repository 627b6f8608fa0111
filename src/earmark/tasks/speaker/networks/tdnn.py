"""An ECAPA-like tower (Desplanques, Thienpondt and Demuynck 2020): dilated convolutions over time on 256 channels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from earmark.nn.layers import frame_mask
from earmark.nn.sizes import scaled
from earmark.tasks.speaker.networks.pooling import AttentivePooling

CHANNELS = 256
DILATIONS = (2, 3, 4)
SCALE = 4  # groups of a Res2 layer; the paper has 8, which on a CPU takes longer, though it multiplies less


class SpeakerTdnn(nn.Module):
    """(batch, frames, bands) -> (batch, embedding). 1,437,952 parameters at width 1, 80 bands and 192 values.

    Every block reads the sum of all that came before it, and all blocks' outputs are read together. The first
    convolution has a stride of 2, which halves a CPU's time. Frames beyond a segment's length are zero after every
    layer; in training they do enter the norms' statistics: cut a batch to one length.
    """

    def __init__(self, n_bands: int, width: float, embedding: int):
        super().__init__()
        channels = scaled(CHANNELS, width)
        self.stem = ConvNorm(n_bands, channels, 5, stride=2)
        self.blocks = nn.ModuleList(Res2Block(channels, dilation) for dilation in DILATIONS)
        self.together = ConvNorm(len(DILATIONS) * channels, 2 * channels, 1)
        self.pool = AttentivePooling(2 * channels, hidden=64)
        self.norm = nn.BatchNorm1d(self.pool.n_out)
        self.dense = nn.Linear(self.pool.n_out, embedding)
        self.n_out = embedding

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        x = self.stem(hidden(x.mT, frame_mask(lengths, x.shape[1])))
        mask = frame_mask(None if lengths is None else (lengths + 1) // 2, x.shape[2])
        total, outputs = hidden(x, mask), []
        for block in self.blocks:
            outputs.append(block(total, mask))
            total = total + outputs[-1]
        x = hidden(self.together(torch.cat(outputs, 1)), mask)
        return self.dense(self.norm(self.pool(x.mT, mask)))


class ConvNorm(nn.Module):
    """Convolution over time, ReLU, batch norm: (batch, n_in, frames) -> (batch, n_out, frames / stride)."""

    def __init__(self, n_in: int, n_out: int, size: int, dilation: int = 1, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, size, stride, padding=dilation * (size // 2), dilation=dilation)
        self.norm = nn.BatchNorm1d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(relu(self.conv(x), inplace=True))


class Res2Block(nn.Module):
    """1 x 1, Res2 layer, 1 x 1, squeeze and excitation, shortcut: (batch, channels, frames) -> the same shape.

    The Res2 layer passes the first group of channels on and convolves each other one after adding the one before.
    """

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        n = channels // SCALE
        self.first, self.last = ConvNorm(channels, channels, 1), ConvNorm(channels, channels, 1)
        self.groups = nn.ModuleList(ConvNorm(n, n, 3, dilation) for _ in range(SCALE - 1))
        self.squeeze, self.excite = nn.Linear(channels, n), nn.Linear(n, channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        parts = list(hidden(self.first(x), mask).chunk(SCALE, 1))
        for i, group in enumerate(self.groups, 1):
            parts[i] = hidden(group(parts[i] if i == 1 else parts[i] + parts[i - 1]), mask)
        y = hidden(self.last(torch.cat(parts, 1)), mask)
        share = torch.sigmoid(self.excite(relu(self.squeeze(mean(y, mask)))))
        return x + y * share[:, :, None]


def mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Over the valid frames of x (batch, channels, frames), whose others are zero: (batch, channels)."""
    return x.mean(2) if mask is None else x.sum(2) / mask.sum(1, keepdim=True)


def hidden(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (batch, channels, frames) with zeros in its padded frames; mask (batch, frames)."""
    return x if mask is None else x.masked_fill(~mask[:, None], 0.0)
