"""Net, which the article on sound CNNs calls an AlexNet; its convolutions come from PyTorch's MNIST example."""

import torch
from torch import Tensor, nn

from earmark.nn.sizes import require_window, scaled

SMALLEST = 16  # bands or frames: 16 - 4 = 12, halved 6, - 4 = 2, halved 1
GRID = 8  # the last map is averaged to 8 x 8 cells, so that the size of a window decides no weight


class Net(nn.Module):
    """The article's Net without its last layer: (N, 1, bands, frames) -> (N, n_out).

    Two pairs of valid 3x3 convolutions with ReLU (32, 64 and 128, 256 channels), each pair followed by
    2x2 max pooling and dropout .25; 8 x 8 average pooling; 128 units, ReLU and dropout .5. It has
    AlexNet's plan of convolutions, then dense layers with dropout (Krizhevsky, Sutskever and Hinton
    2012), and neither its kernels nor its depth. Weights start as PyTorch's defaults, as its author's did.
    """

    def __init__(self, n_bands: int, n_frames: int, width: float = 1.0):
        """width scales 32, 64, 128, 256 channels and 128 units. ValueError: window below 16 x 16, width <= 0."""
        super().__init__()
        require_window("Net", n_bands, n_frames, SMALLEST)
        c1, c2, c3, c4, self.n_out = (scaled(n, width) for n in (32, 64, 128, 256, 128))
        self.features = nn.Sequential(*_pair(1, c1, c2), *_pair(c2, c3, c4), nn.AdaptiveAvgPool2d(GRID))
        self.dense = nn.Sequential(nn.Linear(c4 * GRID**2, self.n_out), nn.ReLU(), nn.Dropout(0.5))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        return self.dense(x.flatten(1))


def _pair(c_in: int, c_mid: int, c_out: int) -> list[nn.Module]:
    """Two convolutions, pooling and dropout: (N, c_in, h, w) -> (N, c_out, (h - 4) // 2, (w - 4) // 2)."""
    first, second = nn.Conv2d(c_in, c_mid, 3), nn.Conv2d(c_mid, c_out, 3)
    return [first, nn.ReLU(), second, nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
