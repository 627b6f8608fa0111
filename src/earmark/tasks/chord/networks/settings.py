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
    """Width on pitch classes."""
    stem: int = 16
    """Width on the semitone axis."""
    blocks: int = 6
    """Blocks over time, dilated 1, 2, 4 ... frames."""
    agreement: bool = False
    """Whether the chord's head hears what the heads of tones and bass say of all twelve pitch classes."""
    decoder: Decoding = "switch"
    """`switch` asks a price for every change, less where the network hears one. The others know which chords follow
    which: `crf` counts it in the training songs, `crf_likelihood` learns it from what the trained network says of them,
    `crf_joint` together with the network. How far the network's word on chords and on changes is believed is chosen on
    validation songs."""
    quality_weights: QualityWeights | Literal["suggested"] = field(default_factory=dict)
    """What a quality's probability is multiplied by before decoding, 1 where nothing is said; `suggested` are those
    that the validation songs' confusion asks for."""

    def __post_init__(self) -> None:
        for name in ("channels", "stem", "blocks"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require_weights(self.quality_weights)


@dataclass(frozen=True)
class ChordNetModel:
    """The network of ChordNet's text: it reads two channels and names 44 qualities."""

    name: Literal["chordnet"] = "chordnet"
    width: float = 1.0
    """Multiplies the channels; the text's is 1."""
    core: Literal["dprnn", "blstm"] = "dprnn"
    """What looks over time: the text's dual-path network, or BLSTMs."""
    chunk_frames: int = 256
    """Frames of a chunk, which dprnn's first LSTM reads alone, while the second reads the song; 0: none, both read the
    song. The text's are 256; a training crop holds two at least."""
    lstm_layers: int = 1
    """Of core blstm: one above the other."""
    vector: Literal["clip", "sigmoid"] = "clip"
    """How the vectors of notes come into 0..1; the text clips."""
    drop_features: bool = True
    """The text's, which leaves features unused."""
    smoothing: bool = True
    """The text's second network, for a smoother vector, in twice the time."""
    smoothing_layers: int = 1
    """BLSTMs of the second network, one above the other."""
    cell: Literal["lstm", "lnlstm", "peephole"] = "lstm"
    """Of all BLSTMs outside dprnn: layer-normalised, or with peepholes, which the text offers; both are slow."""
    lstm_residual: bool = False
    """Of these: each above the first adds its input."""
    lstm_dropout: float = 0.0
    """Of these: share of the input that is zero in training; of cell lstm alone, as in the text."""
    direct: bool = False
    """Read the chord past the vector."""
    decoder: Decoding = "switch"
    """As of pitch_net."""
    quality_weights: QualityWeights | Literal["suggested"] = field(default_factory=dict)
    """As of pitch_net."""

    def __post_init__(self) -> None:
        require(0.08 <= self.width <= 8, "width", "must lie from 0.08, below which too few features are left, to 8")
        require(self.chunk_frames >= 0, "chunk_frames", "must be at least 0")
        require(0 <= self.lstm_dropout < 1, "lstm_dropout", "must be a share from 0 up to 1")
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
