"""The LSTM cells that ChordNet's text offers beside the plain one: layer-normalised, and with peepholes.

As TensorFlow Addons 0.14 has them (tfa.rnn.LayerNormLSTMCell, tfa.rnn.PeepholeLSTMCell). Each reads a sequence in one
direction, (batch, frames, n_in) -> (batch, frames, units), from a state of zeros, and answers like nn.LSTM: outputs and
last state. Gates lie in Keras's order, which is torch's: input, forget, candidate, output. `start` draws the weights as
Keras does. A loop over frames in Python, which takes about three times as long as nn.LSTM on a CPU.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

EPSILON = 1e-3  # of the layer norms, Keras's
State = tuple[Tensor, Tensor]  # output and cell state, (batch, units) each


class LstmCell(nn.Module):
    """What both share: Keras's weights of an LSTM, with the one bias that it has, and the loop over frames."""

    def __init__(self, n_in: int, units: int):
        super().__init__()
        self.units = units
        self.weight_ih, self.weight_hh = (nn.Parameter(torch.empty(4 * units, n)) for n in (n_in, units))
        self.bias = nn.Parameter(torch.empty(4 * units))

    def start(self) -> None:
        """Draw the weights."""
        keras_start(self.weight_ih, self.weight_hh, self.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, State]:
        state = 2 * (x.new_zeros(x.shape[0], self.units),)
        outputs = []
        for z in self.heard(x).unbind(1):
            state = self.step(z, *state)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state

    def heard(self, x: Tensor) -> Tensor:
        """The input's part of the gates, of all frames at once: (b, t, n_in) -> (b, t, 4 units)."""
        return linear(x, self.weight_ih)

    def step(self, z: Tensor, h: Tensor, c: Tensor) -> State:
        """The state after a frame. z: the input's part (b, 4 units); h, c: the state before (b, units)."""
        raise NotImplementedError


class LayerNormLstm(LstmCell):
    """An LSTM with layer normalisation (Ba et al. 2016).

    Three norms with weights of their own: of the input's product and of the recurrent one, each over all four gates at
    once, before the bias is added; and of the new cell state, which is handed on normalised.
    """

    def __init__(self, n_in: int, units: int):
        super().__init__(n_in, units)
        self.input_norm, self.recurrent_norm = (nn.LayerNorm(4 * units, eps=EPSILON) for _ in range(2))
        self.state_norm = nn.LayerNorm(units, eps=EPSILON)

    def heard(self, x: Tensor) -> Tensor:
        """(batch, time, 4 units) of (batch, time, n_in), normalised."""
        return self.input_norm(super().heard(x)) + self.bias

    def step(self, z: Tensor, h: Tensor, c: Tensor) -> State:
        """The next output and state (batch, units) of what is heard and the last ones."""
        i, f, g, o = (z + self.recurrent_norm(linear(h, self.weight_hh))).chunk(4, 1)
        c = self.state_norm(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))
        return torch.sigmoid(o) * torch.tanh(c), c


class PeepholeLstm(LstmCell):
    """An LSTM whose gates see the cell state (Gers et al. 2002): input and forget the last one, output the new one."""

    def __init__(self, n_in: int, units: int):
        super().__init__(n_in, units)
        self.peepholes = nn.Parameter(torch.empty(3, units))  # of input, forget, output

    def start(self) -> None:
        """Keras's first weights, peepholes Glorot-uniform."""
        super().start()
        limit = (3 / self.units) ** 0.5  # Glorot's of a vector, as Keras counts its fans
        nn.init.uniform_(self.peepholes, -limit, limit)

    def heard(self, x: Tensor) -> Tensor:
        """(batch, time, 4 units) of (batch, time, n_in)."""
        return super().heard(x) + self.bias

    def step(self, z: Tensor, h: Tensor, c: Tensor) -> State:
        """The next output and state (batch, units); the gates see the state."""
        i, f, g, o = (z + linear(h, self.weight_hh)).chunk(4, 1)
        of_input, of_forget, of_output = self.peepholes
        c = torch.sigmoid(f + of_forget * c) * c + torch.sigmoid(i + of_input * c) * torch.tanh(g)
        return torch.sigmoid(o + of_output * c) * torch.tanh(c), c


class PlainLstm(nn.LSTM):
    """torch's own; its second bias, which Keras does not have, is zero and not trained."""

    def __init__(self, n_in: int, units: int):
        super().__init__(n_in, units, batch_first=True)

    def start(self) -> None:
        """Keras's first weights; torch's second bias stays 0."""
        keras_start(self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0)
        nn.init.zeros_(self.bias_hh_l0.requires_grad_(False))


CELLS = {"lstm": PlainLstm, "lnlstm": LayerNormLstm, "peephole": PeepholeLstm}


def keras_start(weight_ih: Tensor, weight_hh: Tensor, bias: Tensor) -> None:
    """Glorot, orthogonal, zeros but for open forget gates (Jozefowicz et al. 2015), in place."""
    nn.init.xavier_uniform_(weight_ih)
    nn.init.orthogonal_(weight_hh)
    nn.init.zeros_(bias)
    units = len(bias) // 4
    nn.init.ones_(bias.data[units : 2 * units])
