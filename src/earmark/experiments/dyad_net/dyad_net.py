"""The notebook's networks for major and minor thirds: 68 parameters, and 30 of one that it shows commented out."""

import numpy as np
import torch
from torch import Tensor, nn

HEIGHT, WIDTH = 5, 3  # of a kernel: five semitones by the three frames of an input
KERNELS, N_CLASSES = 4, 2
SEEDS = 10**7  # Keras 2 draws the seed of a layer's weights below it


class DyadNet(nn.Module):
    """(N, 36, 3) -> logits (N, 2): four valid 5x3 kernels, each one's highest response, ReLU, a dense layer; no bias.

    4 x 15 + 4 x 2 = 68 parameters. A kernel slides over pitch alone, so what it finds is found at any root.
    """

    def __init__(self, kernels: int = KERNELS):
        super().__init__()
        self.conv = nn.Conv2d(1, kernels, (HEIGHT, WIDTH), bias=False)
        self.dense = nn.Linear(kernels, N_CLASSES, bias=False)

    def maps(self, x: Tensor) -> Tensor:
        """Cross-correlation of inputs (N, 36, 3) with each kernel, (N, kernels, 32)."""
        return self.conv(x[:, None]).squeeze(3)

    def responses(self, x: Tensor) -> Tensor:
        """What the dense layer hears of inputs (N, 36, 3): each kernel's highest response above zero, (N, kernels)."""
        return self.maps(x).amax(2).relu()

    def votes(self) -> Tensor:
        """By how much a unit of each kernel's response raises each class's logit, (kernels, 2): the dense layer."""
        return self.dense.weight.T

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.responses(x))


class KernelNet(nn.Module):
    """(N, 36, 3) -> logits (N, 2): a kernel a class, padded with zeros, and the highest response; 30 parameters."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, N_CLASSES, (HEIGHT, WIDTH), padding="same", bias=False)

    def responses(self, x: Tensor) -> Tensor:
        """Each kernel's highest response to inputs (N, 36, 3), (N, 2)."""
        return self.conv(x[:, None]).amax((2, 3))

    def votes(self) -> Tensor:
        """The same as of DyadNet: a kernel's response is its class's logit."""
        return torch.eye(N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.responses(x)


def start(model: nn.Module, stream: np.random.RandomState) -> None:
    """Draw the first weights as Keras does: `glorot_uniform`, each layer's from a seed that NumPy's stream gives."""
    for weight in model.parameters():
        drawn = torch.Generator().manual_seed(int(stream.randint(SEEDS)))
        nn.init.xavier_uniform_(weight, generator=drawn)


def n_parameters(model: nn.Module) -> int:
    """Number of trainable weights."""
    return sum(p.numel() for p in model.parameters())
