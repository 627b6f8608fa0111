"""The recurrent cores of ChordNet: bidirectional LSTMs, or the dual path over chunks and over the song.

Sequences are (batch, frames, features); `lengths` (batch,) in frames, None where every song fills the batch.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad

from earmark.nn.cells import CELLS

CHUNK = 256  # frames, as ChordNet's text has it


class Blstm(nn.Module):
    """Bidirectional LSTM: (b, t, n_in) -> (b, t, 2 * units); what it says of padded frames means nothing.

    Two LSTMs, of which the second reads every song from its own last frame backwards: torch's packed sequences do
    the same, but made a training step of the whole network twice as long on a CPU. Keras has one bias a gate, torch
    adds a second: it stays at zero and is not trained, so that a step changes biases as it does there. Starts as
    Keras does.

    cell: by its name in nn.cells. dropout: share of the input that is zero in training, drawn for each direction and
    frame anew, as Keras's LSTM does.
    """

    def __init__(self, n_in: int, units: int, cell: str = "lstm", dropout: float = 0.0):
        super().__init__()
        self.ahead, self.back = (CELLS[cell](n_in, units) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.n_out = 2 * units
        for lstm in (self.ahead, self.back):
            lstm.start()

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        ahead = self.ahead(self.dropout(x))[0]
        return torch.cat([ahead, reverse(self.back(self.dropout(reverse(x, lengths)))[0], lengths)], dim=2)


class StackedBlstm(nn.Module):
    """Blstms one above the other: (b, t, n_in) -> (b, t, 2 * units).

    residual: each from the second on is added to what it was given, as _add_lstm_layer of ChordNet's text does.
    """

    def __init__(self, n_in: int, units: int, layers: int, residual: bool, cell: str = "lstm", dropout: float = 0.0):
        super().__init__()
        widths = [n_in] + (layers - 1) * [2 * units]
        self.layers = nn.ModuleList(Blstm(n, units, cell, dropout) for n in widths)
        self.residual, self.n_out = residual, 2 * units

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        for i, layer in enumerate(self.layers):
            y = layer(x, lengths)
            x = x + y if i > 0 and self.residual else y
        return x


def reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Every song of x (b, t, n) backwards, its padding left where it is."""
    if lengths is None:
        return x.flip(1)
    frame = torch.arange(x.shape[1], device=x.device)
    index = torch.where(frame < lengths[:, None], lengths[:, None] - 1 - frame, frame)
    return x.gather(1, index.unsqueeze(2).expand_as(x))


def by_chunks(x: Tensor, lengths: Tensor | None, layer: nn.Module, size: int = CHUNK) -> Tensor:
    """`layer` on pieces of `size` frames, each of one song alone: (b, t, n_in) -> (b, t, n_out).

    Every song begins a chunk of its own and its last chunk is as long as what is left of it. ChordNet's text reshapes
    the batch instead, so his songs must be multiples of 256 frames or share a chunk with the next.
    """
    n, t, _ = x.shape
    count = -(-t // size)
    chunks = pad(x, (0, 0, 0, count * size - t)).reshape(n * count, size, -1)
    if lengths is None and t == count * size:
        return layer(chunks, None).reshape(n, t, -1)
    ends = torch.full((n,), t, device=x.device) if lengths is None else lengths
    left = (ends[:, None] - size * torch.arange(count, device=x.device)).clamp(0, size).flatten()
    return layer(chunks, left).reshape(n, count * size, -1)[:, :t]


class DualPathRnn(nn.Module):
    """One BLSTM over chunks of `chunk` frames, one over the song, each followed by a dense layer and a norm.

    (b, t, n_in) -> (b, t, 2 * units). ChordNet's; Luo, Chen and Yoshioka 2020 run the second across the chunks
    at one position, its author runs it along all frames. His norm has no weights and Keras's epsilon, 1e-3. chunk 0:
    the same network without chunks, in which both read the song. Padded frames of the result are not defined: the
    next layer masks them.
    """

    def __init__(self, n_in: int, units: int, dropout: float = 0.1, chunk: int = CHUNK):
        super().__init__()
        self.n_out, self.chunk = 2 * units, chunk
        self.local, self.song = Blstm(n_in, units), Blstm(self.n_out, units)
        self.dense1, self.dense2 = nn.Linear(self.n_out, self.n_out), nn.Linear(self.n_out, self.n_out)
        self.dropout = nn.Dropout(dropout)
        for dense in (self.dense1, self.dense2):
            nn.init.xavier_uniform_(dense.weight)
            nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        near = by_chunks(x, lengths, self.local, self.chunk) if self.chunk else self.local(x, lengths)
        y = self.finish(self.dense1, near)
        first = x + y if x.shape == y.shape else y
        return first + self.finish(self.dense2, self.song(first, lengths))

    def finish(self, dense: nn.Linear, x: Tensor) -> Tensor:
        """Dense layer, dropout, normalisation of every frame: (b, t, n_out) -> the same shape."""
        return layer_norm(self.dropout(dense(x)), (self.n_out,), eps=1e-3)
