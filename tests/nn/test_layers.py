"""ChordNet's layers against the article's formulas in numpy and hand-worked numbers."""

import numpy as np
import pytest
import torch

from earmark.nn.layers import (
    Block,
    ChannelGate,
    EvoNormS0,
    SpatialGate,
    Stem,
    StochasticDepth,
    WeightNormDense,
    frame_mask,
    he_normal,
)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def his_evonorm(x: np.ndarray, groups: int, v: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The article's call(), channels last: (batch, frames, bins, channels)."""
    b, t, f, c = x.shape
    grouped = x.reshape(b, t, f, groups, c // groups)
    std = np.sqrt(grouped.var(axis=(1, 2, 4), keepdims=True) + 1e-5)
    std = np.broadcast_to(std, grouped.shape).reshape(x.shape)
    return (x * sigmoid(v * x)) / std * gamma + beta


@pytest.mark.parametrize("channels", [16, 24, 8, 4])
def test_evonorm_is_chordnets(channels):
    rng = np.random.default_rng(0)
    x = 3 + 2 * rng.standard_normal((2, 7, 5, channels)).astype(np.float32)
    v, gamma, beta = rng.uniform(0.5, 2, (3, channels)).astype(np.float32)
    norm = EvoNormS0(channels)
    for p, value in ((norm.v, v), (norm.gamma, gamma), (norm.beta, beta)):
        p.data = torch.tensor(value)
    got = norm(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(got, his_evonorm(x, min(8, channels), v, gamma, beta), atol=1e-5)


def test_evonorm_keeps_padding_out_of_its_moments():
    torch.manual_seed(0)
    norm, x = EvoNormS0(16), 5 + torch.randn(2, 16, 9, 12)
    norm.beta.data.fill_(0.5)
    got = norm(x, frame_mask(torch.tensor([9, 4]), 9))
    torch.testing.assert_close(got[1:, :, :4], norm(x[1:, :, :4]))
    torch.testing.assert_close(got[:1], norm(x[:1]))
    assert got[1, :, 4:].abs().max() == 0


def test_weight_norm_by_hand():
    dense = WeightNormDense(2, 2, bias=True)
    dense.weight.data, dense.g.data = torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([1.0, 5.0])
    dense.bias.data = torch.tensor([0.0, 1.0])
    assert dense(torch.tensor([1.0, 1.0])).tolist() == pytest.approx([1.4, 6.0])  # 3/5 + 4/5; 5 * 1 + 1


def test_weight_norm_starts_with_g_at_1():
    assert WeightNormDense(3, 4).g.tolist() == [1, 1, 1, 1]


def test_channel_gate_by_hand():
    """Two channels, one hidden unit: mean (1, 0) and maximum (2, 0) of the frames inside, each through both layers."""
    gate = ChannelGate(2)
    gate.squeeze.weight.data, gate.squeeze.g.data = torch.tensor([[1.0, 0.0]]), torch.tensor([2.0])
    gate.excite.weight.data, gate.excite.g.data = torch.tensor([[1.0], [-1.0]]), torch.ones(2)
    gate.excite.bias.data = torch.tensor([0.5, 0.0])
    x = torch.tensor([[[[0.0], [2.0], [0.0]], [[0.0], [0.0], [0.0]]]])  # the third frame is padding
    got = gate(x, frame_mask(torch.tensor([2]), 3))
    score = (2 * 1 + 0.5) + (2 * 2 + 0.5)
    assert got[0, 0, 1, 0].item() == pytest.approx(2 / (1 + np.exp(-score)))


def test_channel_gates_maximum_may_be_negative():
    gate = ChannelGate(1)
    x = torch.tensor([[[[-3.0], [-1.0], [0.0]]]])
    gate.squeeze.weight.data.fill_(-1.0)
    inside, alone = gate(x, frame_mask(torch.tensor([2]), 3)), gate(x[:, :, :2], None)
    torch.testing.assert_close(inside[:, :, :2], alone)


def test_spatial_gate_by_hand():
    gate = SpatialGate()
    gate.conv.weight.data.zero_()
    gate.conv.weight.data[0, :, 1, 1] = torch.tensor([1.0, 0.5])  # mean + maximum / 2 of the very cell
    x = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)
    expected = np.array([1.0, 3.0]) * sigmoid(np.array(2.0 + 1.5))
    np.testing.assert_allclose(gate(x).flatten().detach(), expected, rtol=1e-6)


@pytest.mark.parametrize("bins", [1, 2, 12])
def test_the_gates_product_is_its_convolution(bins):
    gate, x = SpatialGate().double(), torch.randn(2, 5, 7, bins, dtype=torch.float64, requires_grad=True)
    pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
    found, expected = gate(x), x * torch.sigmoid(gate.conv(pooled))
    torch.testing.assert_close(found, expected)
    for of in (x, gate.conv.weight):
        slopes = (torch.autograd.grad(y.square().sum(), of, retain_graph=True) for y in (found, expected))
        torch.testing.assert_close(*slopes)


def test_stochastic_depth_survives_as_often_as_it_says():
    depth, one = StochasticDepth(0.7), torch.ones(4)
    torch.manual_seed(0)
    drawn = torch.stack([depth(one, lambda x: x, []) for _ in range(2000)])
    assert set(drawn.unique().tolist()) == {1.0, 2.0}
    assert (drawn == drawn[:, :1]).all()  # one draw for the whole batch
    assert drawn.mean().item() - 1 == pytest.approx(0.7, abs=0.03)
    assert depth.eval()(one, lambda x: x, []).tolist() == pytest.approx([1.7] * 4)


def test_a_block_that_is_left_out_is_not_computed_and_has_gradients_of_zero():
    """Which is what a product with 0 gives: the optimizer's moments and its weight decay go on."""
    block, heard = Block(4, 4, 1, survival=0.0), []
    block.conv.register_forward_hook(lambda *_: heard.append(1))
    x = torch.randn(2, 4, 3, 12, requires_grad=True)
    y = block(x, None)
    y.sum().backward()
    assert not heard
    assert torch.equal(y, x)
    assert torch.equal(x.grad, torch.ones_like(x))
    assert all(p.grad.abs().max() == 0 for p in block.parameters())
    block.depth.survival = 1.0
    assert torch.equal(block(x, None), x + block._residual(x, None))
    assert heard


@pytest.mark.parametrize("bins", [12, 24, 36, 48, 60])
def test_the_stem_brings_an_octave_to_12(bins):
    assert Stem(14, 24, bins)(torch.randn(1, 14, 6, bins), None).shape == (1, 24, 6, 12)


def test_at_36_bins_a_semitone_reads_its_own_three_bins():
    stem = Stem(1, 8, 36)
    x = torch.zeros(1, 1, 1, 36)
    x[..., 3 * 4 : 3 * 4 + 3] = 1.0
    heard = torch.nn.functional.conv2d(x, stem.conv.weight, stride=(1, 3), padding=(1, 0))
    assert heard.abs().sum((0, 1, 2)).nonzero().flatten().tolist() == [4]


def test_he_normal_has_kerass_deviation_and_cut():
    torch.manual_seed(0)
    weight = torch.empty(400, 50)
    he_normal(weight)
    assert weight.std().item() == pytest.approx((2 / 50) ** 0.5, rel=0.02)
    assert weight.abs().max() <= 2 * (2 / 50) ** 0.5 / 0.8796
