"""A recording's chords and key, from a released or trained chord model."""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from earmark import audio
from earmark.features.rows import Rows
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.decoding import joint, tuning, viterbi
from earmark.tasks.chord.decoding import weights as weighting
from earmark.tasks.chord.decoding.crf import Decoder, TiedCrf
from earmark.tasks.chord.networks import streamed
from earmark.tasks.chord.networks.build import (
    AT_ONCE,
    CRF,
    QUALITY_WEIGHTS,
    Values,
    logits_in_pieces,
    network_input,
    recording_logits,
    untrained,
    vocabulary,
)
from earmark.tasks.chord.networks.pitch_net import ChordLogits, PitchNet
from earmark.tasks.chord.notation import harte, lab, targets
from earmark.tasks.chord.notation.vocabulary import WIDE, Vocabulary
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings, PitchNetModel
from earmark.training import model_files

# What a change costs: nats, how far the network's own word on changes counts, frames it may be early or late. Chosen
# on validation songs (recipes/chord_decoding.py) with frames of SWITCH_HOP_S; shorter ones say as much less each.
SWITCH = {"base": 4.0, "weight": 1.5, "reach": 0}
SWITCH_HOP_S = 2048 / 22050
# How far the word on basses counts beside that on chords, and what a bass costs that is another of its chord's notes
# than the root, or none of them: nats a segment; as above.
BASS = {"weight": 0.75, "inversion": 1.0, "foreign": 4.0}
# The same behind a CRF, which finds the chords alone; chosen for basses that are found after their chords.
BASS_AFTER = {"inversion": 12.0, "foreign": 16.0}
# How far the word on single notes counts: a chord gains by its notes that are heard, and loses by those that are not.
# Log-odds beyond `most` are worth no more. Chosen as above; of pitch_net, with which no CRF was trained.
TONES = {"weight": 0.2, "most": 6.0}


@dataclass(frozen=True)
class SongPrediction:
    """A recording's chords (segments from 0 to its end, with probabilities) and its key, 'C:maj', 'A:min' or 'N'.

    The key is N where all chords are; its probability is then that of no chord.
    """

    segments: list[lab.LabSegment]
    key: str
    key_probability: float
    duration_s: float

    @property
    def music(self) -> bool:
        """Whether any chord was heard."""
        return self.key != "N"


class Recogniser:
    """Reads recordings with the chord model of a folder."""

    def __init__(self, folder: Path):
        self.config = model_files.read_config(folder, ChordFeatureSettings, ChordModelSettings)
        self.features: ChordFeatureSettings = self.config.features
        self.vocabulary = vocabulary(self.config.model)
        weights = model_files.read_weights(folder)
        self.quality_weights: Tensor | None = weights.pop(QUALITY_WEIGHTS, None)
        self.decoder = decoder({k.removeprefix(CRF): v for k, v in weights.items() if k.startswith(CRF)})
        self.believed = _believed(self.decoder) if isinstance(self.config.model, PitchNetModel) else 0.0  # of tones
        self.model = untrained(self.config.model, self.features)
        self.model.load_state_dict({k: v for k, v in weights.items() if not k.startswith(CRF)})
        self.model.eval()
        self._reading = streamed.fused(self.model) if isinstance(self.model, PitchNet) else self.model

    def __call__(self, source: audio.Source | audio.CheckedRecording) -> SongPrediction:
        """Raises AudioError for what cannot be decoded, or cancels itself."""
        recording = audio.as_checked(source)
        with spectrogram.spooled(spectrogram.samples(recording, self.features), self.features) as values:
            if recording.info.flat == audio.CANCELLED:
                raise audio.AudioError(audio.CANCELLED)
            return self._song(values, recording.info.duration_s, values.audible)

    def read(self, values: Tensor, duration_s: float) -> SongPrediction:
        """The same from a stored spectrogram (frames, width)."""
        return self._song(values, duration_s, bool(values.any()))

    def heard(self, values: Tensor) -> ChordLogits:
        """What the network says of a stored spectrogram's frames (frames, ...)."""
        return recording_logits(self._reading, values, self.features.channels, self._higher(values))

    def _song(self, values: Values, duration_s: float, audible: bool) -> SongPrediction:
        if not audible:
            return silence(duration_s)
        pieces = logits_in_pieces(self._reading, values, self.features.channels, self._higher(values))
        with Word(pieces, self.vocabulary, self.believed, log_weights(self.quality_weights)) as word:
            return _read(word, self.features.hop_s, duration_s, self.decoder)

    def _higher(self, values: Values) -> int:
        """Bins that a recording is out of tune, where its spectrogram has the resolution to say."""
        f = self.features
        if f.bins_per_octave != 12 * tuning.BINS or f.normalize != "share":
            return 0
        stretches = (values[i : i + AT_ONCE] for i in range(0, len(values), AT_ONCE))
        return tuning.shift(network_input(stretch, f.channels)[0].numpy() for stretch in stretches)


def decoder(weights: dict[str, Tensor]) -> Decoder | None:
    """The CRF of a model folder, None where it has none."""
    if not weights:
        return None
    crf = TiedCrf(len(weights["to_none"]))
    crf.load_state_dict({"switch": torch.zeros(2)} | weights)  # CRFs of before did not hear of changes
    return crf.decoder()


def log_weights(of_qualities: Tensor | None) -> Tensor | float:
    """What is added to the logits of the chord classes (classes,) for a model folder's weights of qualities."""
    return 0.0 if of_qualities is None else torch.from_numpy(np.log(weighting.of_classes(of_qualities.numpy())))


def _believed(crf: Decoder | None) -> float:
    """How far single notes count; a CRF has been fitted to chords without them."""
    return 0.0 if crf else TONES["weight"]


def silence(duration_s: float) -> SongPrediction:
    """Of a recording in which nothing sounds: N throughout."""
    return no_music(1.0, duration_s)


def no_music(probability: float, duration_s: float) -> SongPrediction:
    """Of a recording in which no chord was heard: N throughout, which is no key either, both as probable."""
    return SongPrediction([lab.LabSegment(0.0, duration_s, "N", probability)], "N", probability, duration_s)


def song(
    heard: ChordLogits,
    hop_s: float,
    duration_s: float,
    audible: bool = True,
    words: Vocabulary = WIDE,
    crf: Decoder | None = None,
    tones: float | None = None,
) -> SongPrediction:
    """Chords and key from the network's word (frames, ...) on one recording; silence is N throughout.

    tones: how far its word on single notes counts; None: TONES, or not at all where there is a CRF.
    """
    if not audible:
        return silence(duration_s)
    with Word([heard], words, _believed(crf) if tones is None else tones) as word:
        return _read(word, hop_s, duration_s, crf)


class Word:
    """The network's word on a recording, which waits on disk but for the changes.

    chord: (frames, classes) log-probabilities, the notes' word among them. bass: (frames, 13) likewise. foreign:
    (frames, 12), what a bass that is no note of its chord scores as a note. change: (frames,) log-odds. key: (24,)
    means of log-probabilities.
    """

    def __init__(
        self, pieces: Iterable[ChordLogits], words: Vocabulary, tones: float, log_weights: Tensor | float = 0.0
    ):
        """pieces: stretches (n, ...) one after the other. tones: how far single notes count, 0: not at all.

        log_weights: (classes,), added to the chords' logits.
        """
        self.words, self._kept = words, ExitStack()
        own = torch.from_numpy(joint.tones(words)).T
        try:
            self.chord, self.bass, self.foreign, change = (self._kept.enter_context(Rows()) for _ in range(4))
            key = torch.zeros(24, dtype=torch.float64)
            for piece in pieces:
                single = tones * piece.tones.clamp(-TONES["most"], TONES["most"])
                chord = piece.chord + log_weights
                self.chord.append(log_softmax(torch.addmm(chord, single, own) if tones else chord, 1).numpy())
                self.bass.append(log_softmax(piece.bass, 1).numpy())
                self.foreign.append(single.numpy())
                change.append(piece.change.numpy()[:, None])
                key += piece.key.double().log_softmax(1).sum(0)
            self.change = change.read(0, len(change))[:, 0]
            self.key = key / len(self.chord)
        except BaseException:
            self._kept.close()
            raise

    def __enter__(self) -> "Word":
        return self

    def __exit__(self, *failure: object) -> None:
        self._kept.close()


def _read(word: Word, hop_s: float, duration_s: float, crf: Decoder | None) -> SongPrediction:
    if crf:
        runs = viterbi.segments(crf(word.chord, word.change), word.chord, hop_s, duration_s)
        chords = [_segment(run, _bass(run, word, hop_s), word.words) for run in runs]
    else:
        pairs = joint.near(word.chord, word.bass, word.words, joint.BEAM)
        scores = joint.PairScores(word.chord, word.bass, word.foreign, pairs, BASS["weight"])
        prices = np.array([0.0, BASS["inversion"], BASS["foreign"]]) * (SWITCH_HOP_S / hop_s)
        path = viterbi.viterbi(scores, _costs(word.change, hop_s), prices[pairs.kind])
        runs = viterbi.segments(path, word.chord, hop_s, duration_s, pairs.chord)
        chords = [_segment(r._replace(index=pairs.chord[r.index]), pairs.bass[r.index], word.words) for r in runs]
    if [c.label for c in chords] == ["N"]:
        return no_music(chords[0].probability, duration_s)
    key = word.key.softmax(0)
    return SongPrediction(chords, targets.key_label(int(key.argmax())), float(key.max()), duration_s)


def _segment(run: viterbi.ClassSegment, bass: int | None, words: Vocabulary) -> lab.LabSegment:
    return lab.LabSegment(run.start_s, run.end_s, harte.label_of(run.index, bass, words), run.probability)


def _costs(change: np.ndarray, hop_s: float) -> np.ndarray:
    """What a change costs in every frame, (frames,) nats, by the network's log-odds of changes (frames,).

    A second's evidence is worth the same at any hop.
    """
    shorter = SWITCH_HOP_S / hop_s
    reach = round(SWITCH["reach"] * shorter)
    heard = torch.from_numpy(change).sigmoid().numpy()
    return viterbi.switch_costs(heard, SWITCH["base"] * shorter, SWITCH["weight"] * shorter, reach)


def _bass(run: viterbi.ClassSegment, word: Word, hop_s: float) -> int | None:
    """The bass of a chord that a CRF found: the likeliest over its frames, the root before other notes of the chord."""
    parts = word.words.parts(run.index)
    first = round(run.start_s / hop_s + 0.5) if run.start_s else 0
    if parts is None or first >= len(word.bass):
        return None
    heard = word.bass.read(first, max(first + 1, round(run.end_s / hop_s + 0.5)))[:, :12].sum(0)
    quality, root = parts
    own = word.words.qualities[quality].intervals
    prices = [0.0 if i == 0 else BASS_AFTER["inversion" if i in own else "foreign"] for i in range(12)]
    return int((heard - np.roll(prices, root) * (SWITCH_HOP_S / hop_s)).argmax())


def answering(folder: Path) -> Callable[[audio.Source], dict]:
    """What a registered model says of one recording; segments are JSON."""
    recognise = Recogniser(folder)

    def answer(source: audio.Source) -> dict:
        song = recognise(source)
        facts = {k: v for k, v in vars(song).items() if k != "segments"} | {"music": song.music}
        return {"segments": json.dumps([s._asdict() for s in song.segments])} | facts

    return answer
