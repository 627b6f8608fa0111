"""A tower and what it is trained for, as one module, so that one optimizer moves both."""

from torch import Tensor, nn

from earmark.settings.speaker import SpeakerModelSettings, SpeakerTrainSettings
from earmark.speakers import losses, pairs, towers


class Objective(nn.Module):
    """tower: segments to embeddings. head: the loss's own weights, if it has any."""

    def __init__(self, model: SpeakerModelSettings, settings: SpeakerTrainSettings, n_bands: int, n_speakers: int):
        super().__init__()
        self.tower, self.settings = towers.build(model, n_bands), settings
        self.head = losses.build(settings, self.tower.n_out, n_speakers)

    def loss(self, embeddings: Tensor, speakers: Tensor) -> Tensor:
        """The loss (scalar) of embeddings (n, d), speaker by speaker, of speakers (n,)."""
        if self.head is not None:
            return self.head(embeddings, speakers)
        return pairs.loss(embeddings, speakers, self.settings.pair)
