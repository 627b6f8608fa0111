"""A recording's chords and key, from a released or trained chord model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from earmark import audio, model_folder
from earmark.chords import decode, harte, lab, spectrogram, targets
from earmark.chords.vocabulary import WIDE
from earmark.features.cqt import TRANSPOSING
from earmark.models.pitch_net import ChordLogits, PitchNet
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings

AT_ONCE = 4096  # frames; the network reads long recordings in pieces
# What a change costs: nats, how far the network's own word on changes counts, frames it may be early or late. Chosen
# on validation songs (recipes/chord_decoding.py).
SWITCH = {"base": 2.0, "weight": 0.5, "reach": 0}


@dataclass(frozen=True)
class Song:
    """A recording's chords (segments from 0 to its end, with probabilities) and its key, 'C:maj', 'A:min' or 'N'."""

    segments: list[lab.Segment]
    key: str
    key_probability: float
    duration_s: float


class Recogniser:
    """Reads recordings with the chord model of a folder."""

    def __init__(self, folder: Path):
        self.config = model_folder.read_config(folder)
        self.features: ChordFeatureSettings = self.config.features
        self.model = network(self.config.model, self.features)
        self.model.load_state_dict(model_folder.read_weights(folder))
        self.model.eval()

    def __call__(self, source: audio.Source) -> Song:
        """Raises AudioError for what cannot be decoded."""
        duration = audio.check(source).duration_s
        values = torch.from_numpy(spectrogram.of(source, self.features))
        return song(said(self.model, values), self.features.hop_s, duration, bool(values.any()))


def network(model: ChordModelSettings, features: ChordFeatureSettings) -> PitchNet:
    """The network that these settings describe, with weights drawn at random."""
    return PitchNet(len(WIDE.qualities), features.octaves, model.channels, model.stem, model.blocks)


@torch.no_grad()
def said(model: PitchNet, values: Tensor) -> ChordLogits:
    """What the network says of a whole recording (frames, bins and those for transposition), on the CPU.

    Long recordings are read in pieces that overlap by what a frame hears, which changes nothing.
    """
    below, above = TRANSPOSING
    x = values[None, None, :, below : values.shape[1] - above].float()
    n, margin, parts = x.shape[2], model.reach, []
    for start in range(0, n, AT_ONCE):
        first, stop = max(0, start - margin), min(n, start + AT_ONCE)
        piece = model(x[:, :, first : min(n, stop + margin)])
        parts.append([t[0, start - first : stop - first] for t in vars(piece).values()])
    return ChordLogits(*(torch.cat(column) for column in zip(*parts, strict=True)))


def song(heard: ChordLogits, hop_s: float, duration_s: float, audible: bool = True) -> Song:
    """Chords and key from the network's word (frames, ...) on one recording; silence is N throughout."""
    if not audible:
        return Song([lab.Segment(0.0, duration_s, "N", 1.0)], "N", 1.0, duration_s)
    log_chord = log_softmax(heard.chord, 1).numpy()
    change = heard.change.sigmoid().numpy()
    path = decode.viterbi(log_chord, decode.switch_costs(change, **SWITCH))
    runs = decode.segments(path, log_chord, hop_s, duration_s)
    basses = log_softmax(heard.bass, 1).numpy()
    chords = [lab.Segment(run.start_s, run.end_s, _label(run, basses, hop_s), run.probability) for run in runs]
    key = heard.key.double().log_softmax(1).mean(0).softmax(0)
    return Song(chords, targets.key_label(int(key.argmax())), float(key.max()), duration_s)


def _label(run: decode.Segment, basses: np.ndarray, hop_s: float) -> str:
    """The label of a segment, its bass the likeliest over its frames; root position where that is the root or none."""
    if run.index == WIDE.none:
        return "N"
    first = round(run.start_s / hop_s + 0.5) if run.start_s else 0
    stop = max(first + 1, round(run.end_s / hop_s + 0.5))
    bass = int(basses[first:stop, :12].sum(0).argmax()) if first < len(basses) else None
    return harte.label_of(run.index, bass, WIDE)
