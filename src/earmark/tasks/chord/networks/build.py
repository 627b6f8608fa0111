"""Which chord network settings name, what it can say, and its word in one form, whichever it is."""

import torch
from torch import Tensor, nn

from earmark.tasks.chord.networks.chordnet import ChordNet, ChordNetOutput, ChordNetSettings
from earmark.tasks.chord.networks.pitch_net import ChordLogits, PitchNet
from earmark.tasks.chord.notation.vocabulary import SEED, WIDE, Vocabulary
from earmark.tasks.chord.settings import (
    DOWN,
    UP,
    ChordFeatureSettings,
    ChordModelSettings,
    ChordNetModel,
    PitchNetModel,
)

AT_ONCE = 4096  # frames; pitch_net reads long recordings in pieces
SONG_AT_ONCE, SONG_MARGIN = 24_000, 256  # frames; ChordNet hears ten minutes at once, and of longer recordings pieces
CRF = "crf."  # what the names of a CRF's weights begin with in a model folder


def vocabulary(model: ChordModelSettings) -> Vocabulary:
    """The qualities that a network can name."""
    return SEED if isinstance(model, ChordNetModel) else WIDE


def network(
    model: ChordModelSettings, n_qualities: int, octaves: int, channels: int = 1, bins_per_octave: int = 36
) -> nn.Module:
    """The network that these settings describe, with weights drawn at random; ChordNet's 44 qualities are fixed.

    octaves, channels, bins_per_octave: of the spectrogram.
    """
    if isinstance(model, PitchNetModel):
        return PitchNet(n_qualities, octaves, model.channels, model.stem, model.blocks)
    s, size = model, (bins_per_octave, octaves, channels)
    return ChordNet(ChordNetSettings(s.width, *size, s.core, s.vector, s.drop_features, s.smoothing, s.direct))


def untrained(model: ChordModelSettings, features: ChordFeatureSettings) -> nn.Module:
    """The same for features of these settings."""
    of = features
    return network(model, len(vocabulary(model).qualities), of.octaves, of.channels, of.bins_per_octave)


def logits(said: ChordLogits | ChordNetOutput) -> ChordLogits:
    """A network's word in pitch_net's form. Of ChordNet: the smoothed tones, and keys without its 25th, none."""
    if isinstance(said, ChordLogits):
        return said
    change = said.transition[..., 1] - said.transition[..., 0]
    return ChordLogits(said.chord, said.bass, said.smooth_logits[..., :12], change, said.key[..., :24])


@torch.no_grad()
def said(model: nn.Module, values: Tensor, channels: int = 1, higher: int = 0) -> ChordLogits:
    """What the network says of a whole recording (frames, width), on the CPU; higher: as of `seen`.

    Long recordings are read in pieces that overlap: pitch_net's by what a frame hears, which changes nothing;
    ChordNet, which hears the whole song, has pieces of ten minutes.
    """
    x = seen(values, channels, model.settings.bins_per_octave if isinstance(model, ChordNet) else 36, higher)[None]
    n, parts = x.shape[2], []
    size, margin = (AT_ONCE, model.reach) if isinstance(model, PitchNet) else (SONG_AT_ONCE, SONG_MARGIN)
    for start in range(0, n, size):
        first, stop = max(0, start - margin), min(n, start + size)
        piece = logits(model(x[:, :, first : min(n, stop + margin)]))
        parts.append([t[0, start - first : stop - first] for t in vars(piece).values()])
    return ChordLogits(*(torch.cat(column) for column in zip(*parts, strict=True)))


def seen(values: Tensor, channels: int, bins_per_octave: int = 36, higher: int = 0) -> Tensor:
    """Stored frames (frames, width) as a network sees them: (channels, frames, bins), untransposed, float32.

    higher: bins that the recording is too high, from which it is read.
    """
    below, above = (n * bins_per_octave // 12 for n in (UP, DOWN))
    each = values.unflatten(1, (channels, -1)).transpose(0, 1)
    return each[:, :, below + higher : each.shape[2] - above + higher].float()
