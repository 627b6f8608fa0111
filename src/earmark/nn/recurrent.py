"""The recurrent cores of seed 002: a bidirectional LSTM, or the dual path over chunks and over the song.

Sequences are (batch, frames, features); `lengths` (batch,) in frames, None where every song fills the batch.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad

CHUNK = 256  # frames


class Blstm(nn.Module):
    """Bidirectional LSTM: (b, t, n_in) -> (b, t, 2 * units); what it says of padded frames means nothing.

    Two LSTMs, of which the second reads every song from its own last frame backwards: torch's packed sequences do
    the same, but made a training step of the whole network twice as long on a CPU. Keras has one bias a gate, torch
    adds a second: it stays at zero and is not trained, so that a step changes biases as it does there. Starts as
    Keras does: Glorot, orthogonal, forget gates open (Jozefowicz et al. 2015).
    """

    def __init__(self, n_in: int, units: int):
        super().__init__()
        self.ahead, self.back = (nn.LSTM(n_in, units, batch_first=True) for _ in range(2))
        self.n_out = 2 * units
        for lstm in (self.ahead, self.back):
            nn.init.xavier_uniform_(lstm.weight_ih_l0)
            nn.init.orthogonal_(lstm.weight_hh_l0)
            nn.init.zeros_(lstm.bias_ih_l0)
            nn.init.ones_(lstm.bias_ih_l0.data[units : 2 * units])
            nn.init.zeros_(lstm.bias_hh_l0.requires_grad_(False))

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        ahead = self.ahead(x)[0]
        return torch.cat([ahead, reverse(self.back(reverse(x, lengths))[0], lengths)], dim=2)


def reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Every song of x (b, t, n) backwards, its padding left where it is."""
    if lengths is None:
        return x.flip(1)
    frame = torch.arange(x.shape[1], device=x.device)
    index = torch.where(frame < lengths[:, None], lengths[:, None] - 1 - frame, frame)
    return x.gather(1, index.unsqueeze(2).expand_as(x))


def by_chunks(x: Tensor, lengths: Tensor | None, layer: nn.Module, size: int = CHUNK) -> Tensor:
    """`layer` on pieces of `size` frames, each of one song alone: (b, t, n_in) -> (b, t, n_out).

    Every song begins a chunk of its own and its last chunk is as long as what is left of it. The seed reshapes
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
    """One BLSTM over chunks of 256 frames, one over the song, each followed by a dense layer and a norm.

    (b, t, n_in) -> (b, t, 2 * units). Seed 002's; Luo, Chen and Yoshioka 2020 run the second across the chunks
    at one position, he runs it along all frames. His norm has no weights and Keras's epsilon, 1e-3. Padded
    frames of the result are not defined: the next layer masks them.
    """

    def __init__(self, n_in: int, units: int, dropout: float = 0.1):
        super().__init__()
        self.n_out = 2 * units
        self.local, self.song = Blstm(n_in, units), Blstm(self.n_out, units)
        self.dense1, self.dense2 = nn.Linear(self.n_out, self.n_out), nn.Linear(self.n_out, self.n_out)
        self.dropout = nn.Dropout(dropout)
        for dense in (self.dense1, self.dense2):
            nn.init.xavier_uniform_(dense.weight)
            nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        y = self.finish(self.dense1, by_chunks(x, lengths, self.local))
        first = x + y if x.shape == y.shape else y
        return first + self.finish(self.dense2, self.song(first, lengths))

    def finish(self, dense: nn.Linear, x: Tensor) -> Tensor:
        """Dense layer, dropout, normalisation of every frame: (b, t, n_out) -> the same shape."""
        return layer_norm(self.dropout(dense(x)), (self.n_out,), eps=1e-3)
