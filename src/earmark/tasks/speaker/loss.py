"""A tower and what it is trained for, as one module, so that one optimizer moves both."""

import torch
from torch import Tensor, nn

from earmark.tasks.speaker.networks import build, losses, pairs
from earmark.tasks.speaker.settings import AamSoftmax, PairSettings, SpeakerModelSettings, SpeakerTrainSettings


class Objective(nn.Module):
    """tower: segments to embeddings. head: the loss with its own weights; None where it has none."""

    def __init__(
        self,
        model: SpeakerModelSettings,
        settings: SpeakerTrainSettings,
        n_bands: int,
        n_speakers: int,
        views: int = 1,
    ):
        super().__init__()
        if isinstance(settings.loss, PairSettings):
            pairs.require_positive(model, settings.loss)
        self.tower, self.settings = build.build(model, n_bands, views), settings
        self.head = losses.build(settings, self.tower.n_out, n_speakers, views)
        # Among the weights, so that a resumed training goes on with the margin it had.
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def loss(self, embeddings: Tensor, speakers: Tensor) -> Tensor:
        """The loss (scalar) of embeddings (n, d), speaker by speaker, of speakers (n,)."""
        if self.head is None:
            return pairs.loss(embeddings, speakers, self.settings.loss)
        if isinstance(loss := self.settings.loss, AamSoftmax):
            grown = loss.margin_epochs * self.settings.batches
            self.head.margin = loss.margin * min(1.0, int(self.batches) / grown if grown else 1.0)
            self.batches += self.training
        return self.head(embeddings, speakers)
