"""Kernels are named by the signs of their weights in the dense layer: the source's own four, and by hand."""

import numpy as np
import pytest
import torch

from earmark.experiments.dyad_net import roles
from earmark.experiments.dyad_net.dyad_net import DyadNet, KernelNet

# The dense layer that the text prints: a row a kernel, to major and to minor.
HIS_DENSE = [[-0.50099331, 2.33464241], [2.9126389, -3.8759408], [-0.6134612, -0.3230224], [-3.05488276, 3.24755979]]


@pytest.fixture
def model() -> DyadNet:
    """His dense layer over kernels that answer to the sum, never, to the first row, to the middle frame."""
    model = DyadNet()
    with torch.no_grad():
        model.dense.weight.copy_(torch.tensor(HIS_DENSE).T)
        model.conv.weight.zero_()
        model.conv.weight[0] = 1.0
        model.conv.weight[1] = -1.0
        model.conv.weight[2, 0, 0] = 1.0
        model.conv.weight[3, 0, :, 1] = 1.0
    return model


def inputs() -> torch.Tensor:
    """Two majors, ones at one bin, and two minors, twos there: (2, 2, 36, 3)."""
    x = torch.zeros(2, 2, 36, 3)
    x[0, :, 10] = 1.0
    x[1, :, 20] = 2.0
    return x


def test_his_own_kernels(model):
    """His titles: minor chord positive; minor chord negative?; wth??; minor chord positive."""
    rows = roles.kernels(model, inputs())
    assert [row["role"] for row in rows] == ["for minor", "for major", "against both", "for minor"]
    np.testing.assert_allclose([row["strength"] for row in rows], [2.83563572, -6.7885797, 0.2904388, 6.30244255])
    np.testing.assert_allclose([[row["to_major"], row["to_minor"]] for row in rows], HIS_DENSE)
    assert roles.short_role(rows[0]) == "for minor +2.84"


def test_what_a_kernel_answers_and_which_is_silent(model):
    rows = roles.kernels(model, inputs())
    assert [row["kernel"] for row in rows] == [1, 2, 3, 4]
    assert [row["response_to_majors"] for row in rows] == [3.0, 0.0, 3.0, 1.0]  # three frames, or one
    assert [row["response_to_minors"] for row in rows] == [6.0, 0.0, 6.0, 2.0]
    assert [row["silent"] for row in rows] == [False, True, False, False]
    assert roles.short_role(rows[1]) == "for major -6.79 (silent)"
    assert roles.alive(model, inputs()) == 3


@pytest.mark.parametrize(
    ("to_major", "to_minor", "name"),
    [(0.1, -2, "for major"), (-2, 0.1, "for minor"), (3, 0.1, "for both"), (-0.1, -3, "against both")],
)
def test_a_role_is_of_signs_alone(to_major, to_minor, name):
    assert roles.role(to_major, to_minor) == name


def test_a_turned_sign_turns_the_role(model):
    with torch.no_grad():
        model.dense.weight.neg_()
    names = [row["role"] for row in roles.kernels(model, inputs())]
    assert names == ["for major", "for minor", "for both", "for major"]


def test_strength_is_what_a_unit_of_response_adds_to_the_log_odds_of_minor(model):
    x = inputs()[1, :1]
    rows = roles.kernels(model, inputs())
    whole = model(x)[0]
    expected = sum(row["strength"] * row["response_to_minors"] for row in rows)
    assert (whole[1] - whole[0]).item() == pytest.approx(expected, rel=1e-6)


def test_the_smaller_nets_kernels_are_their_classes():
    rows = roles.kernels(KernelNet(), inputs())
    assert [row["role"] for row in rows] == ["for major", "for minor"]
    assert roles.alive(KernelNet(), inputs()) is None
