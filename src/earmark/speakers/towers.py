"""Which tower settings name, and the embeddings that users and the evaluation get from it."""

from torch import Tensor, nn
from torch.nn.functional import normalize

from earmark.models.speaker_blstm import SpeakerBlstm
from earmark.models.speaker_resnet import SpeakerResnet
from earmark.models.speaker_tdnn import SpeakerTdnn
from earmark.settings.speaker import SpeakerModelSettings


def build(model: SpeakerModelSettings, n_bands: int) -> nn.Module:
    """The tower of these settings with weights drawn at random: (batch, frames, bands) -> (batch, embedding)."""
    if model.name == "blstm":
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
