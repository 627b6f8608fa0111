"""Models that judge one window of features at a time: song_mil's, as written and made sound."""

import torch
from torch import Tensor, nn


class WrittenCnn(nn.Module):
    """The window model of song_mil's text, layer by layer: (N, 1, bands, frames) -> (N, hidden).

    Valid 3x3 convolutions without an activation, as in the text, so that only the pooling between
    them is not linear.
    """

    def __init__(self, n_bands: int, n_frames: int, channels: int, hidden: int):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3)
        self.pool1 = nn.MaxPool2d((2, 3))
        self.conv2 = nn.Conv2d(channels, channels, 3)
        self.pool2 = nn.MaxPool2d((2, 2))
        bands, frames = ((n_bands - 2) // 2 - 2) // 2, ((n_frames - 2) // 3 - 2) // 2
        if bands < 1 or frames < 1:
            raise ValueError(f"windows of {n_bands} bands x {n_frames} frames are too small for song_mil's network")
        self.dense1 = nn.Linear(channels * bands * frames, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.n_out = hidden
        self.apply(keras_init)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool2(self.conv2(self.pool1(self.conv1(x)))).flatten(1)
        return torch.relu(self.dense2(torch.relu(self.dense1(x))))


class WrittenMlp(nn.Module):
    """The asker's alternative, a multi-layer perceptron over the whole window: -> (N, hidden)."""

    def __init__(self, n_bands: int, n_frames: int, hidden: int):
        super().__init__()
        self.dense1 = nn.Linear(n_bands * n_frames, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.n_out = hidden
        self.apply(keras_init)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.dense2(torch.relu(self.dense1(x.flatten(1)))))


class BandNorm(nn.Module):
    """Batch normalisation of each feature band: (N, 1, bands, frames) -> the same shape."""

    def __init__(self, n_bands: int):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_bands)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.squeeze(1)).unsqueeze(1)


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU: (N, c_in, h, w) -> (N, c_out, h / stride, w / stride).

    pool: halve the map once more by its maxima, before the ReLU: the same, in a quarter of its time.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1, size: int = 3, pool: bool = False):
        conv = nn.Conv2d(c_in, c_out, size, stride, padding=size // 2, bias=False)
        maxima = [nn.MaxPool2d(2)] if pool else []
        super().__init__(conv, nn.BatchNorm2d(c_out), *maxima, nn.ReLU(inplace=True))


class SoundCnn(nn.Module):
    """song_mil's idea made sound: normalised input, activations, pooling over time: -> (N, hidden).

    Four blocks of c, 2c, 4c, 4c channels; the last map is averaged over bands, then its mean and
    maximum over time are read, so that the size of a window does not decide the number of weights.
    """

    def __init__(self, n_bands: int, channels: int, hidden: int, dropout: float):
        super().__init__()
        c = channels
        self.norm = BandNorm(n_bands)
        widths = [1, c, 2 * c, 4 * c, 4 * c]
        strides = [2, 1, 1, 1]  # the first block halves the map: a step takes a third of the time
        self.blocks = nn.ModuleList(map(ConvBlock, widths, widths[1:], strides))
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(8 * c, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.n_out = hidden
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
            x = nn.functional.max_pool2d(x, (2 if x.shape[2] > 1 else 1, 2 if x.shape[3] > 1 else 1))
        x = x.mean(2)
        return self.dense(torch.cat([x.mean(2), x.amax(2)], dim=1))


class SoundMlp(nn.Module):
    """The perceptron with normalisation and dropout: -> (N, hidden)."""

    def __init__(self, n_bands: int, n_frames: int, hidden: int, dropout: float):
        super().__init__()
        self.norm = BandNorm(n_bands)
        layers = []
        for c_in in (n_bands * n_frames, hidden):
            layers += [nn.Linear(c_in, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)]
        self.dense = nn.Sequential(*layers)
        self.n_out = hidden

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.norm(x).flatten(1))


def keras_init(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases, Keras's defaults, on which the article's network relies."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
