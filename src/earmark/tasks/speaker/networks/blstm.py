"""The branch of siamese_blstm: two bidirectional LSTMs and four dense layers; its embedding is read from either end."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from earmark.nn.recurrent import Blstm
from earmark.nn.sizes import scaled

UNITS = 256  # of each direction; the answer leaves sizes to a file, 256 are his group's (Stadelmann et al. 2018)
DENSE = (512, 256, 256)  # before the last, which has `embedding` units; ours


class SpeakerBlstm(nn.Module):
    """(batch, frames, bands) -> the word that the losses judge (batch, embedding), of the last dense layer.

    BLSTM, dropout, BLSTM, of which the last state of each direction is kept, dense layers with PReLU, dropout after
    the first. PReLU starts as ReLU, with a slope a unit, as Keras's `init='zero'`. `batch_norm` comes after the last
    dense layer and before `head`, which takes the last PReLU's place. `read` decides what `embed` gives; the text reads
    the BLSTM, whose training knew it as the dense layers' input alone.
    """

    def __init__(
        self,
        n_bands: int,
        width: float,
        embedding: int,
        read: Literal["blstm", "dense"],
        head: Literal["prelu", "softplus", "softmax"],
        batch_norm: bool,
        dropout: float,
    ):
        super().__init__()
        units = scaled(UNITS, width)
        self.blstm1, self.blstm2 = Blstm(n_bands, units), Blstm(2 * units, units)
        self.dropout = nn.Dropout(dropout)
        sizes = [2 * units, *(scaled(n, width) for n in DENSE), embedding]
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.prelu = nn.ModuleList(nn.PReLU(n, init=0.0) for n in sizes[1:-1])
        self.norm = nn.BatchNorm1d(embedding) if batch_norm else nn.Identity()
        self.head = {"prelu": nn.PReLU(embedding, init=0.0), "softplus": nn.Softplus(), "softmax": nn.Softmax(1)}[head]
        self.read, self.n_out = read, embedding
        for dense in self.dense:  # as Keras
            nn.init.xavier_uniform_(dense.weight)
            nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        return self.word(self.states(x, lengths))

    def embed(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What stands for the segment: the second BLSTM's states (batch, 2 * units), or the word (batch, embedding)."""
        states = self.states(x, lengths)
        return states if self.read == "blstm" else self.word(states)

    def states(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """The second BLSTM's state after the last frame, forwards, and after the first, backwards."""
        y = self.blstm2(self.dropout(self.blstm1(x, lengths)), lengths)
        ahead, back = y.chunk(2, dim=2)
        if lengths is None:
            return torch.cat([ahead[:, -1], back[:, 0]], 1)
        last = (lengths - 1)[:, None, None].expand(-1, 1, ahead.shape[2])
        return torch.cat([ahead.gather(1, last).squeeze(1), back[:, 0]], 1)

    def word(self, states: Tensor) -> Tensor:
        """(batch, 2 * units) -> (batch, embedding) in float32, whatever precision the dense layers had."""
        y = self.dropout(self.prelu[0](self.dense[0](states)))
        for dense, prelu in zip(self.dense[1:-1], self.prelu[1:], strict=True):
            y = prelu(dense(y))
        return self.head(self.norm(self.dense[-1](y)).float())
