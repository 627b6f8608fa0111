"""LSTM cells against recurrences written out in NumPy, gate by gate, from TensorFlow Addons' definition."""

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm

from earmark.nn.cells import CELLS, LayerNormLstm, LstmCell, PeepholeLstm, PlainLstm
from earmark.nn.layers import frame_mask
from earmark.nn.recurrent import Blstm

N_IN = 3
UNITS = 4
FRAMES = 2
GATES = ("input", "forget", "candidate", "output")  # Keras's i, f, c, o


def arbitrary(cell: torch.nn.Module, seed: int = 1) -> dict[str, np.ndarray]:
    """Draw every weight of a cell, biases and gains too, and return them for NumPy."""
    generator = torch.Generator().manual_seed(seed)
    for p in cell.parameters():
        p.data.normal_(0, 0.7, generator=generator)
    return {name: p.detach().double().numpy() for name, p in cell.named_parameters()}


def sequence() -> torch.Tensor:
    return torch.randn(1, FRAMES, N_IN, generator=torch.Generator().manual_seed(5))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normed(x, gain, shift):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-3) * gain + shift


def by_gate(z) -> dict[str, np.ndarray]:
    return {gate: z[n * UNITS : (n + 1) * UNITS] for n, gate in enumerate(GATES)}


def test_layer_normalised_cell_by_hand():
    """The norms run over all four gates together; the bias comes after them; the state is handed on normalised."""
    cell = LayerNormLstm(N_IN, UNITS)
    w, x = arbitrary(cell), sequence()
    h = np.zeros(UNITS)
    c = np.zeros(UNITS)
    outputs = []
    for frame in x[0].double().numpy():
        z = normed(w["weight_ih"] @ frame, w["input_norm.weight"], w["input_norm.bias"])
        z = z + normed(w["weight_hh"] @ h, w["recurrent_norm.weight"], w["recurrent_norm.bias"]) + w["bias"]
        g = by_gate(z)
        c = sigmoid(g["forget"]) * c + sigmoid(g["input"]) * np.tanh(g["candidate"])
        c = normed(c, w["state_norm.weight"], w["state_norm.bias"])
        h = sigmoid(g["output"]) * np.tanh(c)
        outputs.append(h)
    got, (last_h, last_c) = cell(x)
    np.testing.assert_allclose(got[0].detach(), outputs, atol=1e-5)
    np.testing.assert_allclose(last_h[0].detach(), h, atol=1e-5)
    np.testing.assert_allclose(last_c[0].detach(), c, atol=1e-5)


def test_peephole_cell_by_hand():
    """Input and forget gate see the state before, the output gate the new one, each unit its own."""
    cell = PeepholeLstm(N_IN, UNITS)
    w, x = arbitrary(cell), sequence()
    of_input, of_forget, of_output = w["peepholes"]
    h = np.zeros(UNITS)
    c = np.zeros(UNITS)
    outputs = []
    for frame in x[0].double().numpy():
        g = by_gate(w["weight_ih"] @ frame + w["weight_hh"] @ h + w["bias"])
        i, f = sigmoid(g["input"] + of_input * c), sigmoid(g["forget"] + of_forget * c)
        c = f * c + i * np.tanh(g["candidate"])
        h = sigmoid(g["output"] + of_output * c) * np.tanh(c)
        outputs.append(h)
    got, (_, last_c) = cell(x)
    np.testing.assert_allclose(got[0].detach(), outputs, atol=1e-5)
    np.testing.assert_allclose(last_c[0].detach(), c, atol=1e-5)


def test_peepholes_of_zero_are_a_plain_lstm():
    cell, plain = PeepholeLstm(N_IN, UNITS), PlainLstm(N_IN, UNITS)
    arbitrary(cell)
    cell.peepholes.data.zero_()
    own = {"weight_ih_l0": cell.weight_ih, "weight_hh_l0": cell.weight_hh, "bias_ih_l0": cell.bias}
    plain.load_state_dict({k: p.detach() for k, p in own.items()} | {"bias_hh_l0": torch.zeros(4 * UNITS)})
    torch.testing.assert_close(cell(sequence())[0], plain(sequence())[0])


def test_layer_norms_count_even_over_one_unit_s_equal_state():
    """A state that is the same in all units is normalised to the shift alone."""
    cell = LayerNormLstm(N_IN, UNITS)
    cell.start()
    state = cell.step(torch.zeros(1, 4 * UNITS), torch.zeros(1, UNITS), torch.ones(1, UNITS))
    assert state[1].abs().max() == 0
    torch.testing.assert_close(layer_norm(torch.ones(1, UNITS), (UNITS,), eps=1e-3), state[1])


@pytest.mark.parametrize("cell", [LayerNormLstm, PeepholeLstm])
def test_cells_start_as_in_keras(cell):
    torch.manual_seed(0)
    lstm: LstmCell = cell(N_IN, UNITS)
    lstm.start()
    assert lstm.bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8
    torch.testing.assert_close(lstm.weight_hh.T @ lstm.weight_hh, torch.eye(UNITS))
    assert 0 < lstm.weight_ih.abs().max() <= (6 / (N_IN + 4 * UNITS)) ** 0.5
    if cell is PeepholeLstm:
        assert 0 < lstm.peepholes.abs().max() <= (3 / UNITS) ** 0.5
    else:
        assert {float(n.weight.min()) for n in (lstm.input_norm, lstm.recurrent_norm, lstm.state_norm)} == {1.0}


@pytest.mark.parametrize("cell", CELLS)
def test_padding_counts_for_nothing_in_either_direction(cell):
    torch.manual_seed(0)
    lstm = Blstm(N_IN, UNITS, cell)
    x = torch.randn(3, 9, N_IN)
    lengths = torch.tensor([4, 9, 1])
    garbage = x.masked_fill(~frame_mask(lengths, 9)[:, :, None], 1e6)
    got = lstm(garbage, lengths)
    for song, n in enumerate(lengths.tolist()):
        torch.testing.assert_close(got[song : song + 1, :n], lstm(x[song : song + 1, :n], None))


def test_the_cell_changes_the_answer():
    x, answers = sequence(), []
    for cell in CELLS:
        torch.manual_seed(0)
        answers.append(Blstm(N_IN, UNITS, cell)(x, None))
    assert not torch.allclose(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2])
    assert not torch.allclose(answers[1], answers[2])
