"""Which chord network settings name, what it can say, and its word in one form, whichever it is."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Protocol

import torch
from torch import Tensor, nn

from earmark.tasks.chord.networks import streamed
from earmark.tasks.chord.networks.chordnet import ChordNet, ChordNetOutput, ChordNetSettings
from earmark.tasks.chord.networks.pitch_net import ChordLogits, PitchNet
from earmark.tasks.chord.notation.vocabulary import NARROW, WIDE, Vocabulary
from earmark.tasks.chord.settings import (
    DOWN,
    UP,
    ChordFeatureSettings,
    ChordModelSettings,
    ChordNetModel,
    PitchNetModel,
)

WHOLE = 4096  # frames, six minutes, up to which pitch_net reads a recording at once, which is faster
AT_ONCE = 96  # frames; longer ones it reads in pieces
SONG_AT_ONCE, SONG_MARGIN = 24_000, 256  # frames; ChordNet hears ten minutes at once, and of longer recordings pieces
CRF = "crf."  # what the names of a CRF's weights begin with in a model folder
QUALITY_WEIGHTS = "quality_weights"  # the name of the decoding's weights of qualities there, (qualities + 1,), N last


def vocabulary(model: ChordModelSettings) -> Vocabulary:
    """The qualities that a network can name."""
    return NARROW if isinstance(model, ChordNetModel) else WIDE


def network(
    model: ChordModelSettings, n_qualities: int, octaves: int, channels: int = 1, bins_per_octave: int = 36
) -> nn.Module:
    """The network that these settings describe, with weights drawn at random; ChordNet's 44 qualities are fixed.

    octaves, channels, bins_per_octave: of the spectrogram.
    """
    if isinstance(model, PitchNetModel):
        return PitchNet(n_qualities, octaves, model.channels, model.stem, model.blocks, model.agreement)
    return ChordNet(_chordnet(model, bins_per_octave, octaves, channels))


def _chordnet(s: ChordNetModel, bins_per_octave: int, octaves: int, channels: int) -> ChordNetSettings:
    """What the settings and the spectrogram's size say of the network, which are fields of one name."""
    size = {"bins_per_octave": bins_per_octave, "octaves": octaves, "channels": channels}
    named = {f.name for f in fields(ChordNetSettings)} - set(size)
    return ChordNetSettings(**size, **{name: getattr(s, name) for name in named})


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


class Values(Protocol):
    """A recording's stored frames (frames, width), all in memory or not, of which stretches are taken."""

    def __len__(self) -> int: ...
    def __getitem__(self, frames: slice) -> Tensor: ...


def recording_logits(model: nn.Module, values: Values, channels: int = 1, higher: int = 0) -> ChordLogits:
    """What the network says of a whole recording (frames, width), on the CPU; higher: as of `network_input`."""
    parts = (vars(piece).values() for piece in logits_in_pieces(model, values, channels, higher))
    return ChordLogits(*(torch.cat(column) for column in zip(*parts, strict=True)))


@torch.inference_mode()
def logits_in_pieces(model: nn.Module, values: Values, channels: int = 1, higher: int = 0) -> Iterator[ChordLogits]:
    """The same a stretch (n, ...) at a time, one after the other.

    pitch_net reads pieces, as if they were one. ChordNet, which hears the whole song, has pieces of ten minutes, which
    overlap.
    """
    bins = model.settings.bins_per_octave if isinstance(model, ChordNet) else 36
    if isinstance(model, PitchNet) and 0 < len(values) <= WHOLE:
        whole = model(network_input(values[: len(values)], channels, bins, higher)[None])
        yield ChordLogits(*(t[0] for t in vars(whole).values()))
        return
    size, margin = (AT_ONCE, 0) if isinstance(model, PitchNet) else (SONG_AT_ONCE, SONG_MARGIN)
    starts = range(0, len(values), size)
    ends = [(max(0, start - margin), min(len(values), start + size)) for start in starts]
    inputs = (network_input(values[first : stop + margin], channels, bins, higher)[None] for first, stop in ends)
    if isinstance(model, PitchNet):
        for piece in streamed.logits(model, inputs):
            yield ChordLogits(*(t[0] for t in vars(piece).values()))
        return
    for x, start, (first, stop) in zip(inputs, starts, ends, strict=True):
        piece = logits(model(x))
        yield ChordLogits(*(t[0, start - first : stop - first] for t in vars(piece).values()))


def network_input(values: Tensor, channels: int, bins_per_octave: int = 36, higher: int = 0) -> Tensor:
    """Stored frames (frames, width) as a network sees them: (channels, frames, bins), untransposed, float32.

    higher: bins that the recording is too high, from which it is read.
    """
    below, above = (n * bins_per_octave // 12 for n in (UP, DOWN))
    each = values.unflatten(1, (channels, -1)).transpose(0, 1)
    return each[:, :, below + higher : each.shape[2] - above + higher].float()
