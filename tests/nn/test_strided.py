"""The strided 1 x 1 convolution against torch's, and that no network has torch's."""

import pytest
import torch
from torch import nn

from earmark.nn.fused import fused
from earmark.nn.strided import StridedPointwise
from earmark.tasks.genre.networks.resnetish import ResNetish
from earmark.tasks.speaker.networks.resnet import SpeakerResnet


@pytest.mark.parametrize("stride", [1, 2, (1, 2), (2, 1), (2, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_same_as_a_convolution_with_a_stride(stride, layout):
    """In the blocked layout of sixteen channels torch's own is right, and is the reference."""
    torch.manual_seed(0)
    ours, torchs = StridedPointwise(16, 5, stride), nn.Conv2d(16, 5, 1, stride, bias=False)
    assert torchs.load_state_dict(ours.state_dict())
    x, found = torch.randn(3, 16, 11, 8).to(memory_format=layout), []
    for layer in (ours.double(), torchs.double()):
        heard = x.double().requires_grad_()
        y = layer(heard)
        y.pow(3).sum().backward()
        found.append((y, layer.weight.grad, heard.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_normalisation_can_be_worked_in():
    layers = nn.Sequential(StridedPointwise(3, 4, 2), nn.BatchNorm2d(4))
    layers(torch.randn(8, 3, 6, 6) + 1)
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(fused(layers)(x), layers.eval()(x))


@pytest.mark.parametrize("net", [ResNetish(32, 48, 0.125), SpeakerResnet(80, 0.2, 8)], ids=["genre", "speaker"])
def test_no_network_has_a_convolution_that_writes_beyond_its_memory(net):
    """With few channels torch's gradient breaks the heap, which ends in a crash only now and then."""
    pointwise = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert sum(isinstance(m, StridedPointwise) for m in pointwise) == 3
    assert [m for m in pointwise if m.stride != (1, 1) and not isinstance(m, StridedPointwise)] == []
