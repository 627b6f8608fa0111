"""ResNetish: residual networks for log-mel windows, as the article on sound CNNs took them from sound-clf-pytorch.

Deep residual learning is He, Zhang, Ren and Sun 2016; ResNetish, with its stem of stride 1 and a last
map of 4 x 6 cells, follows Hershey et al. 2017 (arXiv:1609.09430), whose own has 50 layers.
"""

import torch
from torch import Tensor, nn

from earmark.nn.sizes import require_window, scaled
from earmark.nn.strided import StridedPointwise

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # depth: residual blocks in each stage (He et al., table 1)
GRID = (4, 6)  # bands x frames that a window of 64 x 96 comes to, the size in Hershey et al.
SMALLEST = 16  # the network's stride: a smaller window would be one cell and mostly padding


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (N, c_in, h, w) -> (N, c_out, ceil(h/stride), ceil(w/stride)).

    The shortcut is the input itself, or a 1x1 convolution where the shape changes (He et al.'s option B).
    """

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        same = stride == 1 and c_in == c_out
        self.residual = nn.Sequential(
            *_conv_norm(c_in, c_out, 3, stride), nn.ReLU(), *_conv_norm(c_out, c_out, 3, stride=1)
        )
        self.shortcut = nn.Identity()
        if not same:
            self.shortcut = nn.Sequential(StridedPointwise(c_in, c_out, stride), nn.BatchNorm2d(c_out))
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.residual(x) + self.shortcut(x))


class ResNetish(nn.Module):
    """ResNetish18 or ResNetish34 without the last layer: (N, 1, bands, frames) -> (N, n_out).

    A 7x7 convolution of stride 1 (ImageNet's has 2), 3x3 max pooling of stride 2, four stages of 64, 128,
    256 and 512 channels, and an average over 4 x 6 cells: 512 x 24 = 12,288 features, where ImageNet's
    ResNet averages to 512. Convolutions start as He-normal (fan out), normalisations as the identity.
    """

    def __init__(self, n_bands: int, n_frames: int, width: float = 1.0, depth: int = 18):
        """width scales the channels; depth: 18 or 34. ValueError: window below 16 x 16, width <= 0, other depth."""
        super().__init__()
        if depth not in BLOCKS:
            raise ValueError(f"depth is {depth}, but ResNetish has {' or '.join(map(str, BLOCKS))} layers")
        require_window(f"ResNetish{depth}", n_bands, n_frames, SMALLEST)
        channels = [scaled(n, width) for n in (64, 128, 256, 512)]
        self.n_out = channels[-1] * GRID[0] * GRID[1]
        self.stem = nn.Sequential(*_conv_norm(1, channels[0], 7, stride=1), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        inputs, strides = [channels[0], *channels], (1, 2, 2, 2)
        self.stages = nn.Sequential(*map(_stage, inputs, channels, strides, BLOCKS[depth]))
        self.pool = nn.AdaptiveAvgPool2d(GRID)
        self.apply(_he_init)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        return self.pool(self.stages(x)).flatten(1)


def _conv_norm(c_in: int, c_out: int, kernel: int, stride: int) -> list[nn.Module]:
    """Convolution without bias, padded so that stride 1 keeps the size, and batch normalisation."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


def _stage(c_in: int, c_out: int, stride: int, n_blocks: int) -> nn.Sequential:
    """n_blocks residual blocks; the first one strides and changes the channels."""
    rest = (ResidualBlock(c_out, c_out, stride=1) for _ in range(n_blocks - 1))
    return nn.Sequential(ResidualBlock(c_in, c_out, stride), *rest)


def _he_init(module: nn.Module) -> None:
    """He-normal weights by fan out for convolutions; batch normalisation starts at 1 and 0 by itself."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
