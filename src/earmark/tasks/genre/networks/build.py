"""Settings -> the body of a window model: (N, 1, bands, frames) -> (N, body.n_out)."""

import torch
from torch import Tensor, nn

from earmark.tasks.genre import settings
from earmark.tasks.genre.networks.compact import Compact
from earmark.tasks.genre.networks.net import Net
from earmark.tasks.genre.networks.resnetish import ResNetish
from earmark.tasks.genre.networks.vggish import VGGish
from earmark.tasks.genre.networks.window import SoundCnn, SoundMlp, WrittenCnn, WrittenMlp
from earmark.tasks.genre.settings import ModelSettings


class Filtered(nn.Module):
    """A body that reads 0 in place of what is not finite in its windows; test_only: as it is while it trains."""

    def __init__(self, inner: nn.Module, test_only: bool):
        super().__init__()
        self.inner = inner
        self.test_only = test_only
        self.n_out = inner.n_out

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.test_only:
            return self.inner(x)
        return self.inner(torch.where(x.isfinite(), x, 0.0))


def body(n_bands: int, n_frames: int, s: ModelSettings) -> nn.Module:
    """The network that these settings describe. Raises ValueError for windows too small for it."""
    network = _network(n_bands, n_frames, s)
    if isinstance(s, settings.SoundCnnsSettings) and s.filter != "none":
        return Filtered(network, test_only=s.filter == "test")
    return network


def _network(n_bands: int, n_frames: int, s: ModelSettings) -> nn.Module:
    match s:
        case settings.CompactSettings():
            return Compact(n_bands, n_frames, s.width, s.dropout)
        case settings.SoundCnnsSettings(name="net"):
            return Net(n_bands, n_frames, s.width)
        case settings.SoundCnnsSettings(name="resnetish18" | "resnetish34"):
            return ResNetish(n_bands, n_frames, s.width, depth=int(s.name[-2:]))
        case settings.SoundCnnsSettings(name="vggish"):
            return VGGish(n_bands, n_frames, s.width)
        case settings.SongMilSettings(name="cnn", variant="song_mil"):
            return WrittenCnn(n_bands, n_frames, s.channels, s.hidden)
        case settings.SongMilSettings(name="cnn"):
            return SoundCnn(n_bands, s.channels, s.hidden, s.dropout)
        case settings.SongMilSettings(name="mlp", variant="song_mil"):
            return WrittenMlp(n_bands, n_frames, s.hidden)
        case settings.SongMilSettings(name="mlp"):
            return SoundMlp(n_bands, n_frames, s.hidden, s.dropout)
    raise ValueError(f"unknown model {s!r}")
