"""The default tower: a small residual network on (frames, bands) with attentive statistics pooling."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from earmark.nn.layers import frame_mask
from earmark.nn.sizes import scaled
from earmark.nn.strided import StridedPointwise
from earmark.tasks.speaker.networks.pooling import AttentivePooling

STEM = 24
# channels, blocks, stride over frames and bands of a stage's first block
STAGES = ((24, 1, (1, 1)), (48, 2, (2, 2)), (96, 3, (2, 2)), (160, 2, (1, 2)))


class SpeakerResnet(nn.Module):
    """(batch, frames, bands) -> (batch, embedding). 1,907,048 parameters at width 1, 80 bands and 192 values.

    The stem halves both axes, because most of a CPU's time goes where the map is large (Chung et al. 2020, «In defence
    of metric learning», do the same). Frames beyond a segment's length are zero after every layer, as the
    convolutions' own padding is. In training they do enter the norms' statistics: cut a batch to one length.
    """

    NORMALISED = (("stem", "norm"),)

    def __init__(self, n_bands: int, width: float, embedding: int):
        super().__init__()
        channels = scaled(STEM, width)
        self.stem = nn.Conv2d(1, channels, 5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.blocks, bands = nn.ModuleList(), halved(n_bands)
        for n, count, stride in STAGES:
            for i in range(count):
                self.blocks.append(Residual(channels, scaled(n, width), stride if i == 0 else (1, 1)))
                channels = scaled(n, width)
            bands = -(-bands // stride[1])
        self.pool = AttentivePooling(channels * bands, hidden=64)
        self.dense = nn.Linear(self.pool.n_out, embedding)
        self.n_out = embedding
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        mask = frame_mask(lengths, x.shape[1])
        x = hidden(x[:, None], mask).contiguous(memory_format=torch.channels_last)
        lengths = None if lengths is None else halved(lengths)
        x = self.stem(x)
        mask = frame_mask(lengths, x.shape[2])
        x = hidden(relu(self.norm(x), inplace=True), mask)
        for block in self.blocks:
            if lengths is not None and block.stride[0] == 2:
                lengths = halved(lengths)
                mask = frame_mask(lengths, halved(x.shape[2]))
            x = block(x, mask)
        return self.dense(self.pool(x.transpose(1, 2).flatten(2), mask))


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al. 2016): (batch, n_in, frames, bands) -> n_out channels."""

    NORMALISED = (("conv1", "norm1"), ("conv2", "norm2"))

    def __init__(self, n_in: int, n_out: int, stride: tuple[int, int]):
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Identity()
        if stride != (1, 1) or n_in != n_out:
            self.shortcut = nn.Sequential(StridedPointwise(n_in, n_out, stride), nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """mask: (batch, frames after the stride)."""
        y = hidden(relu(self.norm1(self.conv1(x)), inplace=True), mask)
        return hidden(relu(self.norm2(self.conv2(y)) + self.shortcut(x), inplace=True), mask)


def halved(n):
    """Frames or bands after a stride of 2 with padding on both sides; a whole number or a tensor of them."""
    return (n + 1) // 2


def hidden(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (batch, channels, frames, bands) with zeros in its padded frames; mask (batch, frames)."""
    return x if mask is None else x.masked_fill(~mask[:, None, :, None], 0.0)
