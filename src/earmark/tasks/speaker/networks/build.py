"""Which tower settings name, and the embeddings that users and the evaluation get from it."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.networks.resnet import SpeakerResnet
from earmark.tasks.speaker.networks.statistics import SpeakerStatistics
from earmark.tasks.speaker.networks.tdnn import SpeakerTdnn
from earmark.tasks.speaker.settings import BlstmSettings, SpeakerModelSettings


class Whitened(nn.Module):
    """A tower whose embeddings, of length 1, go through a linear layer: (batch, frames, bands) -> (batch, d).

    Trained on few speakers it spreads most along what tells those apart; with equal spread in every direction, others
    are told apart better. `speakers.closed_form` learns it.
    """

    def __init__(self, tower: nn.Module, n: int):
        """n: values of the tower's embeddings."""
        super().__init__()
        self.tower, self.n_out = tower, n
        self.whiten = nn.Linear(n, n)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        return self.whiten(embed(self.tower, x, lengths))


class Views(nn.Module):
    """Towers side by side, each with a view of its own of a segment: (batch, frames, views x bands) -> (batch, d).

    Their embeddings, each of length 1, stand one after the other: the cosine of two such is the mean of the cosines.
    """

    def __init__(self, towers: list[nn.Module]):
        super().__init__()
        self.towers = nn.ModuleList(towers)
        self.n_out = sum(tower.n_out for tower in towers)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        views = x.chunk(len(self.towers), dim=2)
        found = [embed(tower, view, lengths) for tower, view in zip(self.towers, views, strict=True)]
        return torch.cat(found, 1) / len(found) ** 0.5


class NetworkWithStatistics(nn.Module):
    """A network and statistics side by side: (batch, frames, views x bands) -> (batch, d).

    Each has length 1 and is weighted by the root of its share: the cosine of two such is the weighted mean of theirs.
    """

    def __init__(self, network: nn.Module, statistics: SpeakerStatistics, share: float):
        """share: of the statistics, 0 to 1."""
        super().__init__()
        self.network = network
        self.statistics = statistics
        self.share = share
        self.n_out = network.n_out + statistics.n_out

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        level = x[:, :, : len(self.statistics.basis)]  # the first view
        heard, counted = embed(self.network, x, lengths), embed(self.statistics, level, lengths)
        return torch.cat([heard * (1 - self.share) ** 0.5, counted * self.share**0.5], 1)


def build(model: SpeakerModelSettings, n_bands: int, views: int = 1) -> nn.Module:
    """The tower of these settings, drawn at random or yet to learn: (batch, frames, views x bands) -> (batch, d).

    The statistics beside the network read the first view, which must be `level`.
    """
    network = _one(model, n_bands) if views == 1 else Views([_one(model, n_bands) for _ in range(views)])
    return NetworkWithStatistics(network, SpeakerStatistics(n_bands), model.statistics) if model.statistics else network


def _one(model: SpeakerModelSettings, n_bands: int) -> nn.Module:
    if model.whiten:
        tower = _one(replace(model, whiten=False), n_bands)
        return Whitened(tower, embed(tower.eval(), torch.zeros(1, 1, n_bands)).shape[1])
    if isinstance(model, BlstmSettings):
        s = model
        return SpeakerBlstm(n_bands, s.width, s.embedding, s.read, s.head, s.batch_norm, s.dropout)
    tower = {"resnet": SpeakerResnet, "tdnn": SpeakerTdnn}[model.name]
    return tower(n_bands, model.width, model.embedding)


def embed(tower: nn.Module, x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """L2-normalised float32 embeddings (batch, d) of segments (batch, frames, bands); a pair's score is their cosine.

    d is `embedding`, but of a BLSTM whose second BLSTM is read: its units.
    """
    found = tower.embed(x, lengths) if isinstance(tower, SpeakerBlstm) else tower(x, lengths)
    return normalize(found.float(), dim=1)
