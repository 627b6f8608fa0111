"""Seed 001's networks for major and minor thirds: 68 parameters, and the 30 of the one he shows commented out."""

from torch import Tensor, nn

HEIGHT, WIDTH = 5, 3  # of a kernel: five semitones by the three frames of an input
N_CLASSES = 2


class DyadNet(nn.Module):
    """(N, 36, 3) -> logits (N, 2): four valid 5x3 kernels, each one's highest response, ReLU, a dense layer; no bias.

    4 x 15 + 4 x 2 = 68 parameters. A kernel slides over pitch alone, so what it finds is found at any root.
    """

    def __init__(self, kernels: int = 4):
        super().__init__()
        self.conv = nn.Conv2d(1, kernels, (HEIGHT, WIDTH), bias=False)
        self.dense = nn.Linear(kernels, N_CLASSES, bias=False)
        _as_keras(self)

    def maps(self, x: Tensor) -> Tensor:
        """Cross-correlation of inputs (N, 36, 3) with each kernel, (N, kernels, 32)."""
        return self.conv(x[:, None]).squeeze(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.maps(x).amax(2).relu())


class KernelNet(nn.Module):
    """(N, 36, 3) -> logits (N, 2): a kernel a class, padded with zeros, and the highest response; 30 parameters."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, N_CLASSES, (HEIGHT, WIDTH), padding="same", bias=False)
        _as_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x[:, None]).amax((2, 3))


def _as_keras(model: nn.Module) -> None:
    for weight in model.parameters():
        nn.init.xavier_uniform_(weight)  # Keras's default, `glorot_uniform`


def n_parameters(model: nn.Module) -> int:
    """Number of trainable weights."""
    return sum(p.numel() for p in model.parameters())
