"""Settings of the chord networks and of the decoding that stands behind each; standard library only."""

import math
from dataclasses import dataclass, field
from typing import Literal

from earmark.errors import require

Decoding = Literal["switch", "crf", "crf_likelihood", "crf_joint"]
QualityWeights = dict[str, float]  # by Harte's shorthand or the lead sheets' name, as maj7 or 7sus4, and N


@dataclass(frozen=True)
class PitchNetModel:
    """The released model's network: it reads one channel and names 56 qualities."""

    name: Literal["pitch_net"] = "pitch_net"
    channels: int = 64
    """Number of channels of the layers on pitch classes."""
    stem: int = 16
    """Number of channels of the first layers, on the semitone axis."""
    blocks: int = 6
    """Number of convolution blocks over time, with dilations of 1, 2, 4 ... frames."""
    agreement: bool = False
    """Whether the chord head also receives the outputs of the tone and bass heads for all twelve pitch classes."""
    decoder: Decoding = "switch"
    """`switch` puts a cost on every chord change, lower where the network detects one. The others are conditional
    random fields, which also know which chords follow which: `crf` counts transitions in the training songs,
    `crf_likelihood` learns them from the trained network's outputs on those songs, `crf_joint` learns them together
    with the network. How much weight the network's outputs for chords and changes get is chosen on validation songs."""
    quality_weights: QualityWeights | Literal["suggested"] = field(default_factory=dict)
    """Factor on the probability of each chord quality before decoding, 1 for a quality that is not listed;
    `suggested` takes factors derived from the confusion matrix of the validation songs."""

    def __post_init__(self) -> None:
        for name in ("channels", "stem", "blocks"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require_weights(self.quality_weights)


@dataclass(frozen=True)
class ChordNetModel:
    """The network of ChordNet as published (docs/studies/chordnet.md calls it the text): it reads two channels and
    names 44 qualities."""

    name: Literal["chordnet"] = "chordnet"
    width: float = 1.0
    """Factor on the number of channels; 1 in ChordNet as published."""
    core: Literal["dprnn", "blstm"] = "dprnn"
    """The recurrent part: the published ChordNet's dual-path network, or BLSTMs."""
    chunk_frames: int = 256
    """With core dprnn: frames per chunk. The first LSTM reads within a chunk, the second across the song; with 0
    both read the whole song. 256 in ChordNet as published; a training crop must hold at least two chunks."""
    lstm_layers: int = 1
    """With core blstm: number of stacked BLSTM layers."""
    vector: Literal["clip", "sigmoid"] = "clip"
    """How the values of the note vectors are brought into 0..1; the published ChordNet clips."""
    drop_features: bool = True
    """Whether to leave unused the last features, which do not fill a channel of 36, as the published ChordNet does."""
    smoothing: bool = True
    """Whether to add the published ChordNet's second network, which smooths the vectors, at twice the time."""
    smoothing_layers: int = 1
    """Number of stacked BLSTM layers in the second network."""
    cell: Literal["lstm", "lnlstm", "peephole"] = "lstm"
    """Cell of all BLSTMs outside dprnn: plain, layer-normalised (lnlstm) or with peepholes, all of which the published
    ChordNet offers; the last two are slow."""
    lstm_residual: bool = False
    """Whether each BLSTM layer outside dprnn, from the second on, adds its input to its output."""
    lstm_dropout: float = 0.0
    """Dropout on the input of the BLSTMs outside dprnn; for cell lstm only, as in ChordNet as published."""
    direct: bool = False
    """Whether the chord head reads the features in place of the note vectors."""
    decoder: Decoding = "switch"
    """As for pitch_net."""
    quality_weights: QualityWeights | Literal["suggested"] = field(default_factory=dict)
    """As for pitch_net."""

    def __post_init__(self) -> None:
        require(0.08 <= self.width <= 8, "width", "must be from 0.08 (below it too few features are left) to 8")
        require(self.chunk_frames >= 0, "chunk_frames", "must be at least 0")
        require(0 <= self.lstm_dropout < 1, "lstm_dropout", "must be at least 0 and below 1")
        require(min(self.lstm_layers, self.smoothing_layers) > 0, "lstm_layers", "and smoothing_layers must be above 0")
        self._require_use()
        require_weights(self.quality_weights)

    def _require_use(self) -> None:
        """Raise ValueError for what would change nothing."""
        blstm = self.core == "blstm"
        single = blstm or self.lstm_layers == 1
        require(single, "lstm_layers", "must be 1 for core dprnn, which has two LSTMs of its own")
        more = self.smoothing or self.smoothing_layers == 1
        require(more, "smoothing_layers", "must be 1 where smoothing is false: there is no second network")
        stacked = max(self.lstm_layers, self.smoothing_layers) > 1
        require(stacked or not self.lstm_residual, "lstm_residual", "needs lstm_layers or smoothing_layers above 1")
        plain = self.cell == "lstm"
        require(plain or not self.lstm_dropout, "lstm_dropout", f"must be 0 for cell {self.cell}")
        said = not plain or self.lstm_dropout > 0
        there = "must be lstm and lstm_dropout 0 for core dprnn without smoothing: there is no other LSTM"
        require(blstm or self.smoothing or not said, "cell", there)


ChordModelSettings = PitchNetModel | ChordNetModel


def require_weights(weights: QualityWeights | str) -> None:
    """Raise ValueError for weights of qualities that are not numbers above 0."""
    numbers = weights.values() if isinstance(weights, dict) else ()
    require(all(0 < w < math.inf for w in numbers), "quality_weights", "must be finite numbers above 0")
