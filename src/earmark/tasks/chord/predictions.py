"""A recording's chords and key, from a released or trained chord model."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from earmark import audio
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.decoding import tuning, viterbi
from earmark.tasks.chord.decoding.crf import Decoder, TiedCrf
from earmark.tasks.chord.networks.build import CRF, said, seen, untrained, vocabulary
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation import harte, lab, targets
from earmark.tasks.chord.notation.vocabulary import WIDE, Vocabulary
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings
from earmark.training import model_files

# What a change costs: nats, how far the network's own word on changes counts, frames it may be early or late. Chosen
# on validation songs (recipes/chord_decoding.py) with frames of SWITCH_HOP_S; shorter ones say as much less each.
SWITCH = {"base": 3.0, "weight": 1.0, "reach": 0}
SWITCH_HOP_S = 2048 / 22050
# What a bass costs that is another of its chord's notes than the root, or none of them: nats a segment; as above.
BASS = {"inversion": 12.0, "foreign": 16.0}


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
        self.config = model_files.read_config(folder, ChordFeatureSettings, ChordModelSettings)
        self.features: ChordFeatureSettings = self.config.features
        self.vocabulary = vocabulary(self.config.model)
        weights = model_files.read_weights(folder)
        self.decoder = decoder({k.removeprefix(CRF): v for k, v in weights.items() if k.startswith(CRF)})
        self.model = untrained(self.config.model, self.features)
        self.model.load_state_dict({k: v for k, v in weights.items() if not k.startswith(CRF)})
        self.model.eval()

    def __call__(self, source: audio.Source | audio.Checked) -> Song:
        """Raises AudioError for what cannot be decoded, or cancels itself."""
        recording = audio.checked(source)
        values = torch.from_numpy(spectrogram.of(recording, self.features))
        if recording.info.flat == audio.CANCELLED:
            raise audio.AudioError(audio.CANCELLED)
        return self.read(values, recording.info.duration_s)

    def read(self, values: Tensor, duration_s: float) -> Song:
        """The same from a stored spectrogram (frames, width)."""
        audible = bool(values.any())
        return song(self.heard(values), self.features.hop_s, duration_s, audible, self.vocabulary, self.decoder)

    def heard(self, values: Tensor) -> ChordLogits:
        """What the network says of a stored spectrogram's frames (frames, ...)."""
        return said(self.model, values, self.features.channels, self._higher(values))

    def _higher(self, values: Tensor) -> int:
        """Bins that a recording is out of tune, where its spectrogram has the resolution to say."""
        f = self.features
        if f.bins_per_octave != 12 * tuning.BINS or f.normalize != "share":
            return 0
        return tuning.shift(seen(values, f.channels)[0].numpy())


def decoder(weights: dict[str, Tensor]) -> Decoder | None:
    """The CRF of a model folder, None where it has none."""
    if not weights:
        return None
    crf = TiedCrf(len(weights["to_none"]))
    crf.load_state_dict(weights)
    return crf.decoder()


def song(
    heard: ChordLogits,
    hop_s: float,
    duration_s: float,
    audible: bool = True,
    words: Vocabulary = WIDE,
    crf: Decoder | None = None,
) -> Song:
    """Chords and key from the network's word (frames, ...) on one recording; silence is N throughout."""
    if not audible:
        return Song([lab.Segment(0.0, duration_s, "N", 1.0)], "N", 1.0, duration_s)
    log_chord = log_softmax(heard.chord, 1).numpy()
    path = crf(log_chord) if crf else viterbi.viterbi(log_chord, _costs(heard, hop_s))
    runs = viterbi.segments(path, log_chord, hop_s, duration_s)
    basses = log_softmax(heard.bass, 1).numpy()
    chords = [lab.Segment(run.start_s, run.end_s, _label(run, basses, hop_s, words), run.probability) for run in runs]
    key = heard.key.double().log_softmax(1).mean(0).softmax(0)
    return Song(chords, targets.key_label(int(key.argmax())), float(key.max()), duration_s)


def _costs(heard: ChordLogits, hop_s: float) -> np.ndarray:
    """What a change costs in every frame, (frames,) nats. A second's evidence is worth the same at any hop."""
    shorter = SWITCH_HOP_S / hop_s
    reach = round(SWITCH["reach"] * shorter)
    change = heard.change.sigmoid().numpy()
    return viterbi.switch_costs(change, SWITCH["base"] * shorter, SWITCH["weight"] * shorter, reach)


def _label(run: viterbi.Segment, basses: np.ndarray, hop_s: float, words: Vocabulary) -> str:
    """The label of a segment, its bass the likeliest over its frames, the root before other notes of the chord."""
    if run.index == words.none:
        return "N"
    first = round(run.start_s / hop_s + 0.5) if run.start_s else 0
    stop = max(first + 1, round(run.end_s / hop_s + 0.5))
    heard = basses[first:stop, :12].sum(0)
    quality, root = words.parts(run.index)
    own = words.qualities[quality].intervals
    prices = [0.0 if i == 0 else BASS["inversion" if i in own else "foreign"] for i in range(12)]
    heard -= np.roll(prices, root) * (SWITCH_HOP_S / hop_s)
    return harte.label_of(run.index, int(heard.argmax()) if first < len(basses) else None, words)


def answering(folder: Path) -> Callable[[audio.Source], dict]:
    """What a registered model says of one recording; segments are JSON."""
    recognise = Recogniser(folder)

    def answer(source: audio.Source) -> dict:
        song = recognise(source)
        facts = {k: v for k, v in vars(song).items() if k != "segments"}
        return {"segments": json.dumps([s._asdict() for s in song.segments])} | facts

    return answer
