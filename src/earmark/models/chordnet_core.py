"""The recurrent cores of seed 002: a bidirectional LSTM, or the dual path over chunks and over the song.

Sequences are (batch, frames, features); `lengths` (batch,) in frames, None where every song fills the batch.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CHUNK = 256  # frames


class Blstm(nn.Module):
    """Bidirectional LSTM: (b, t, n_in) -> (b, t, 2 * units), zeros in the padding.

    Keras has one bias a gate, torch adds a second: it stays at zero and is not trained, so that a step changes
    biases as it does there. Starts as Keras does: Glorot, orthogonal, forget gates open (Jozefowicz et al. 2015).
    """

    def __init__(self, n_in: int, units: int):
        super().__init__()
        self.lstm = nn.LSTM(n_in, units, batch_first=True, bidirectional=True)
        self.n_out = 2 * units
        for name, p in self.lstm.named_parameters():
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(p)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(p)
            else:
                nn.init.zeros_(p)
                p.requires_grad_(name.startswith("bias_ih"))
                if name.startswith("bias_ih"):
                    nn.init.ones_(p.data[units : 2 * units])

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return self.lstm(x)[0]
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


def by_chunks(x: Tensor, lengths: Tensor | None, layer: nn.Module, size: int = CHUNK) -> Tensor:
    """`layer` on pieces of `size` frames, each of one song alone: (b, t, n_in) -> (b, t, n_out).

    Every song begins a chunk of its own and its last chunk is as long as what is left of it. The seed reshapes
    the batch instead, so his songs must be multiples of 256 frames or share a chunk with the next.
    """
    n, t, _ = x.shape
    if lengths is None:
        lengths = torch.full((n,), t, device=x.device)
    count = -(-t // size)
    chunks = pad(x, (0, 0, 0, count * size - t)).reshape(n * count, size, -1)
    left = (lengths[:, None] - size * torch.arange(count, device=x.device)).clamp(0, size).flatten()
    filled = left > 0
    out = layer(chunks[filled], None if bool((left == size).all()) else left[filled])
    whole = out.new_zeros(n * count, size, out.shape[-1]).index_put((filled.nonzero().flatten(),), out)
    return whole.reshape(n, count * size, -1)[:, :t]


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
