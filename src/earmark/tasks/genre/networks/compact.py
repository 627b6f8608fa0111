"""The default network: small enough for a CPU, trained on random crops."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from earmark.tasks.genre.networks.window import BandNorm, ConvBlock

CHANNELS = (32, 32, 64, 128, 192)


class Compact(nn.Module):
    """(N, 1, bands, frames) -> (N, n_out): a 5x5 stem that halves the map, four 3x3 blocks, pooling between them.

    The last map is averaged over bands, then its mean and its maximum over time are read, so that neither a
    crop's length nor the number of bands decides the number of weights. width 1: 328,234 parameters with
    64 bands and 10 classes. Convolutions run in channels-last order, which halves a CPU's time.
    """

    def __init__(self, n_bands: int, n_frames: int, width: float, dropout: float):
        super().__init__()
        if n_bands < 16 or n_frames < 16:
            raise ValueError(f"windows of {n_bands} bands x {n_frames} frames are too small for the compact network")
        channels = [max(4, round(c * width)) for c in CHANNELS]
        self.norm = BandNorm(n_bands)
        self.stem = ConvBlock(1, channels[0], stride=2, size=5)
        last = len(channels) - 2
        self.blocks = nn.Sequential(*(ConvBlock(a, b, pool=i < last) for i, (a, b) in enumerate(pairwise(channels))))
        self.dropout = nn.Dropout(dropout)
        self.n_out = 2 * channels[-1]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(self.norm(x).contiguous(memory_format=torch.channels_last))
        x = self.blocks(x).mean(2)
        return self.dropout(torch.cat([x.mean(2), x.amax(2)], dim=1))
