"""Which chord network settings name, what it can say, and its word in one form, whichever it is."""

from torch import nn

from earmark.chords.vocabulary import SEED, WIDE, Vocabulary
from earmark.models.chordnet import ChordNet, ChordNetOutput, ChordNetSettings
from earmark.models.pitch_net import ChordLogits, PitchNet
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings


def vocabulary(model: ChordModelSettings) -> Vocabulary:
    """The qualities that a network can name."""
    return SEED if model.name == "chordnet" else WIDE


def network(model: ChordModelSettings, n_qualities: int, octaves: int, channels: int = 1) -> nn.Module:
    """The network that these settings describe, with weights drawn at random; ChordNet's 44 qualities are fixed.

    octaves, channels: of the spectrogram.
    """
    if model.name == "pitch_net":
        return PitchNet(n_qualities, octaves, model.channels, model.stem, model.blocks)
    s = model
    of = ChordNetSettings(s.width, 36, octaves, channels, s.core, s.vector, s.drop_features, s.smoothing, s.direct)
    return ChordNet(of)


def untrained(model: ChordModelSettings, features: ChordFeatureSettings) -> nn.Module:
    """The same for features of these settings."""
    return network(model, len(vocabulary(model).qualities), features.octaves, features.channels)


def logits(said: ChordLogits | ChordNetOutput) -> ChordLogits:
    """A network's word in pitch_net's form. Of ChordNet: the smoothed tones, and keys without its 25th, none."""
    if isinstance(said, ChordLogits):
        return said
    change = said.transition[..., 1] - said.transition[..., 0]
    return ChordLogits(said.chord, said.bass, said.smooth_logits[..., :12], change, said.key[..., :24])
