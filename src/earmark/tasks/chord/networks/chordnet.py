"""ChordNet reads chords, bass, key and chord changes from a constant-Q transform at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from earmark.nn.layers import Block, EvoNormS0, Stem, WeightNormDense, frame_mask, he_normal
from earmark.nn.recurrent import CHUNK, Blstm, DualPathRnn, StackedBlstm

N_VECTOR = 25
N_TRANSITION = 2
N_KEY = 25
N_BASS = 13
N_CHORD = 529
FOLD = 36  # features to a channel where the smoothing network folds the first one's features
# filters, their share after the bottleneck (1: none), probability to survive
BLOCKS = (
    (24, 1, 0.9),
    (24, 1, 0.9),
    (48, 4, 0.8),
    (48, 4, 0.8),
    (48, 4, 0.7),
    (64, 4, 0.6),
    (64, 4, 0.6),
    (64, 1, 0.6),
)


@dataclass(frozen=True)
class ChordNetSettings:
    """The network as the text has it (docs/studies/chordnet.md), and what can be changed about it.

    width: multiplies channels and hidden sizes, to multiples of 8. bins_per_octave, octaves, channels: of the input.
    core: of the first network; `dprnn` is the text's. The smoothing network always has BLSTMs.
    chunk_frames: of the dual path, the text's is 256; 0: no chunks.
    vector: `clip` is the text's ReLU limited to 1, without a gradient for half of all frames; `sigmoid` has one.
    drop_features: the text folds 512 features to 14 x 36 and drops the last 8; without it they fill a 15th
        channel with zeros behind them.
    smoothing: the second network; without it the chord is read from the first vector.
    direct: read the chord from the features and not from a vector, which is what the text argues against.
    cell, lstm_residual, lstm_dropout: of every BLSTM outside the dual path, by what nn.recurrent says of them.
    lstm_layers: BLSTMs of the first network with core blstm; smoothing_layers: of the smoothing network.
    """

    width: float = 1.0
    bins_per_octave: int = 36
    octaves: int = 7
    channels: int = 2
    core: Literal["dprnn", "blstm"] = "dprnn"
    vector: Literal["clip", "sigmoid"] = "clip"
    drop_features: bool = True
    smoothing: bool = True
    direct: bool = False
    chunk_frames: int = CHUNK
    cell: Literal["lstm", "lnlstm", "peephole"] = "lstm"
    lstm_layers: int = 1
    smoothing_layers: int = 1
    lstm_residual: bool = False
    lstm_dropout: float = 0.0

    def dual_path(self, hidden: int) -> DualPathRnn:
        """(b, t, hidden) -> the same shape."""
        return DualPathRnn(hidden, hidden // 2, chunk=self.chunk_frames)

    def blstms(self, hidden: int, layers: int) -> Blstm | StackedBlstm:
        """(b, t, hidden) -> the same shape; one has the weights' names that it had before there could be several."""
        how = self.cell, self.lstm_dropout
        if layers == 1:
            return Blstm(hidden, hidden // 2, *how)
        return StackedBlstm(hidden, hidden // 2, layers, self.lstm_residual, *how)


class ChordNetOutput(NamedTuple):
    """What the heads say about every frame, (batch, frames, classes).

    vector, smooth: 12 chord tones and 13 basses, 0 to 1; *_logits before their activation. The others are logits
    of a softmax: transition (no, yes), key (12 major, 12 minor, none), bass (12, none), chord (44 x 12, N).
    """

    vector: Tensor
    vector_logits: Tensor
    transition: Tensor
    key: Tensor
    bass: Tensor
    smooth: Tensor
    smooth_logits: Tensor
    chord: Tensor


class ChordNet(nn.Module):
    """(batch, channels, frames, octaves * bins_per_octave) and lengths (batch,) in frames -> ChordNetOutput.

    Two networks of one plan: the first reads the spectrum, the second its features once more, for a smoother
    vector, and the chord is read from that vector alone. 5,187,784 trained parameters at width 1; 5,120 more,
    torch's second LSTM biases, stay zero. Keras's Masking in the article has no effect, since its masks do not
    pass the reshaping layer. In evaluation a song's answers are the same alone and in a batch.
    """

    def __init__(self, settings: ChordNetSettings | None = None):
        """ValueError: width that leaves too few features, bins that are no multiple of 12."""
        super().__init__()
        self.settings = s = settings or ChordNetSettings()
        if s.bins_per_octave < 12 or s.bins_per_octave % 12:
            raise ValueError(f"bins_per_octave is {s.bins_per_octave}, but must be a multiple of 12, such as 36")
        hidden, self.folds = eighths(512, s.width), eighths(512, s.width) // FOLD
        if s.drop_features and not self.folds:
            raise ValueError(f"width is {s.width}, which leaves {hidden} features; {FOLD} are needed: use 0.08 or more")
        core = partial(s.blstms, layers=s.lstm_layers) if s.core == "blstm" else s.dual_path
        self.features = ChromaNet(s.channels * s.octaves, s.bins_per_octave, hidden, s.width, core)
        if s.smoothing:
            n_folds = self.folds if s.drop_features else -(-hidden // FOLD)
            core = partial(s.blstms, layers=s.smoothing_layers)
            self.smoother = ChromaNet(n_folds, FOLD, eighths(256, s.width), s.width, core)
            self.smooth_vector = VectorHead(eighths(256, s.width), s.vector)
        self.vector = VectorHead(hidden, s.vector)
        self.transition, self.key = _head(hidden, N_TRANSITION), _head(hidden, N_KEY)
        self.bass = _head(hidden, N_BASS)
        self.chord = _head(hidden if s.direct else N_VECTOR, N_CHORD)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> ChordNetOutput:
        """lengths None: every song fills the batch. What padded frames answer means nothing."""
        s, mask = self.settings, frame_mask(lengths, x.shape[2])
        features = self.features(fold_octaves(x, s.bins_per_octave), lengths, mask)
        vector, logits = self.vector(features, mask)
        smooth, smooth_logits = vector, logits
        if s.smoothing:
            folded = fold_features(features, s.drop_features)
            smooth, smooth_logits = self.smooth_vector(self.smoother(folded, lengths, mask), mask)
        return ChordNetOutput(
            vector=vector,
            vector_logits=logits,
            transition=self.transition(features),
            key=self.key(features),
            bass=self.bass(features),
            smooth=smooth,
            smooth_logits=smooth_logits,
            chord=self.chord(features if s.direct else smooth),
        )


class ChromaNet(nn.Module):
    """The text's chroma_net: (batch, c_in, frames, octave) -> (batch, frames, hidden).

    Stem and eight blocks on 12 bins; a dense layer with EvoNorm and tanh; the recurrent core; a dense layer with
    EvoNorm and ReLU. Padded frames of the input count for nothing, those of the result are zeros.

    core: makes the recurrent core of `hidden` features.
    """

    def __init__(self, c_in: int, bins_per_octave: int, hidden: int, width: float, core: Callable[[int], nn.Module]):
        super().__init__()
        self.stem = Stem(c_in, eighths(24, width), bins_per_octave)
        self.blocks, n = nn.ModuleList(), eighths(24, width)
        for filters, alpha, survival in BLOCKS:
            self.blocks.append(Block(n, eighths(filters, width), alpha, survival))
            n = self.blocks[-1].n_out
        self.before = NormedDense(12 * n, hidden, "tanh")
        self.core = core(hidden)
        self.after = NormedDense(hidden, hidden, "relu")
        self.apply(_he_init)

    def forward(self, x: Tensor, lengths: Tensor | None, mask: Tensor | None) -> Tensor:
        x = x if mask is None else x.masked_fill(~mask[:, None, :, None], 0.0)
        x = self.stem(x, mask)
        for block in self.blocks:
            x = block(x, mask)
        x = self.before(x.transpose(1, 2).flatten(2), mask)
        return self.after(self.core(x, lengths), mask)


class NormedDense(nn.Module):
    """Weight-normalised dense layer, EvoNorm, activation: (b, t, n_in) -> (b, t, n_out), zeros in the padding."""

    def __init__(self, n_in: int, n_out: int, activation: str):
        super().__init__()
        self.dense, self.norm = WeightNormDense(n_in, n_out), EvoNormS0(n_out)
        self.activation = {"tanh": torch.tanh, "relu": torch.relu}[activation]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        as_map = self.dense(x).mT.unsqueeze(3)
        return self.activation(self.norm(as_map, mask).squeeze(3).mT)


class VectorHead(nn.Module):
    """Weight-normalised dense layer and batch normalisation (25 is no multiple of 8, so no EvoNorm).

    (b, t, n_in) -> vector (b, t, 25) in 0 to 1 and what its activation was given. The statistics of a training
    batch leave padded frames out. Momentum and epsilon are Keras's.
    """

    def __init__(self, n_in: int, activation: str):
        super().__init__()
        self.dense = WeightNormDense(n_in, N_VECTOR)
        self.norm = nn.BatchNorm1d(N_VECTOR, eps=1e-3, momentum=0.01)
        self.activation = {"clip": _clip, "sigmoid": torch.sigmoid}[activation]

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        x = self.dense(x)
        if mask is None:
            logits = self.norm(x.mT).mT
        else:
            normed = self.norm(x[mask])
            logits = torch.zeros_like(x, dtype=normed.dtype).masked_scatter(mask.unsqueeze(2), normed)
        return self.activation(logits), logits


def eighths(n: int, width: float) -> int:
    """n times width, to the nearest multiple of 8 (EvoNorm's groups), at least 8. ValueError: width not above 0."""
    if not 0 < width <= 64:
        raise ValueError(f"width is {width}, but must be above 0 and at most 64, such as 1 or 0.25")
    return max(8, 8 * int(n * width / 8 + 0.5))


def fold_octaves(x: Tensor, bins_per_octave: int) -> Tensor:
    """(b, channels, t, octaves * bins) -> (b, channels * octaves, t, bins): octaves become channels."""
    return x.unflatten(3, (-1, bins_per_octave)).transpose(2, 3).flatten(1, 2)


def fold_features(x: Tensor, drop: bool) -> Tensor:
    """(b, t, features) -> (b, n, t, 36); what fills no channel is dropped, or followed by zeros."""
    left = x.shape[2] % FOLD
    x = x[:, :, : x.shape[2] - left] if drop else nn.functional.pad(x, (0, -x.shape[2] % FOLD))
    return x.unflatten(2, (-1, FOLD)).transpose(1, 2)


def _clip(x: Tensor) -> Tensor:
    """The text's ReLU(1.0)."""
    return x.clamp(0, 1)


def _head(n_in: int, n_out: int) -> nn.Linear:
    """A plain dense layer to logits, from Keras's default start."""
    head = nn.Linear(n_in, n_out)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _he_init(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        he_normal(module.weight)
