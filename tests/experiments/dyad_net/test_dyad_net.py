"""The notebook's networks: 68 and 30 parameters, and what they compute, by hand."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from earmark.experiments.dyad_net.dyad_net import DyadNet, KernelNet, n_parameters, start


def test_sixty_eight_and_thirty_parameters():
    assert {k: tuple(v.shape) for k, v in DyadNet().state_dict().items()} == {
        "conv.weight": (4, 1, 5, 3),
        "dense.weight": (2, 4),
    }
    assert n_parameters(DyadNet()) == 68
    assert n_parameters(KernelNet()) == 30


def test_maps_are_valid_cross_correlations_not_flipped():
    model, x = DyadNet(), torch.randn(2, 36, 3)
    found = model.maps(x)
    assert found.shape == (2, 4, 32)
    for i in range(2):
        for k in range(4):
            expected = correlate2d(x[i].numpy(), model.conv.weight[k, 0].detach().numpy(), mode="valid")
            np.testing.assert_allclose(found[i, k].detach().numpy(), expected[:, 0], atol=1e-5)


def test_logits_are_the_dense_layer_of_the_highest_responses_above_zero():
    model, x = DyadNet(), torch.rand(3, 36, 3)
    with torch.no_grad():
        model.conv.weight[1] = -1  # never above zero
    highest = model.maps(x).max(2).values.clamp_min(0)
    torch.testing.assert_close(model(x), highest @ model.dense.weight.T)


def test_the_smaller_net_takes_the_highest_response_of_a_padded_map():
    model, x = KernelNet(), torch.randn(1, 36, 3)
    for k in range(2):
        expected = correlate2d(x[0].numpy(), model.conv.weight[k, 0].detach().numpy(), mode="same").max()
        assert model(x)[0, k].item() == pytest.approx(expected, abs=1e-5)


def test_weights_start_as_keras_would_draw_them():
    stream, some = np.random.RandomState(0), [DyadNet() for _ in range(100)]
    for model in some:
        start(model, stream)
    kernels = torch.stack([model.conv.weight for model in some]).abs()
    assert 0.98 < kernels.max() / (6 / (15 + 60)) ** 0.5 <= 1  # glorot: fan-in 5 x 3 x 1, fan-out 5 x 3 x 4
    dense = torch.stack([model.dense.weight for model in some]).abs()
    assert 0.98 < dense.max() <= 1


def test_each_layer_has_a_seed_out_of_the_stream():
    model = DyadNet()
    stream = np.random.RandomState(3)
    twin = np.random.RandomState(3)
    start(model, stream)
    conv, dense = twin.randint(10**7), twin.randint(10**7)
    torch.manual_seed(conv)
    torch.testing.assert_close(model.conv.weight.detach(), torch.empty(4, 1, 5, 3).uniform_(-1, 1) * (6 / 75) ** 0.5)
    torch.manual_seed(dense)
    torch.testing.assert_close(model.dense.weight.detach(), torch.empty(2, 4).uniform_(-1, 1))
    assert stream.random_sample() == twin.random_sample()
