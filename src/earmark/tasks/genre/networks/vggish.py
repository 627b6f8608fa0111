"""VGGish: the VGG network for log-mel windows that the article on sound CNNs names, as sound-clf-pytorch builds it."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from earmark.nn.sizes import require_window, scaled

STAGES = ((64,), (128,), (256, 256), (512, 512))  # channels of the 3x3 convolutions of each stage
GRID = (4, 6)  # bands x frames of the last map for a window of 64 x 96, the size in Hershey et al.
SMALLEST = 8  # bands or frames: three poolings halve them


class VGGish(nn.Module):
    """VGGish without a last layer: (N, 1, bands, frames) -> (N, n_out).

    Simonyan and Zisserman 2015's configuration A without its last stage, after Hershey et al. 2017
    (arXiv:1609.09430): six 3x3 convolutions with ReLU, 2x2 max pooling between stages, then 4096, 4096
    and 128 units with ReLU. The last pooling is a maximum over 4 x 6 cells of whatever the window has.
    Weights start as PyTorch's defaults, as in sound-clf-pytorch.
    """

    def __init__(self, n_bands: int, n_frames: int, width: float = 1.0):
        """width scales channels and units. ValueError: window below 8 x 8, width <= 0."""
        super().__init__()
        require_window("VGGish", n_bands, n_frames, SMALLEST)
        layers, c_in = [], 1
        for stage in STAGES:
            for c_out in (scaled(n, width) for n in stage):
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU()]
                c_in = c_out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-1], nn.AdaptiveMaxPool2d(GRID))
        units = [c_in * GRID[0] * GRID[1], *(scaled(n, width) for n in (4096, 4096, 128))]
        dense = (nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(units))
        self.dense = nn.Sequential(*dense)
        self.n_out = units[-1]
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x.contiguous(memory_format=torch.channels_last))
        return self.dense(x.flatten(1))
