"""Networks whose batch normalisations have become part of their convolutions say the same."""

import pytest
import torch
from torch import nn

from earmark.nn.fused import fused
from earmark.tasks.genre.networks.compact import Compact
from earmark.tasks.genre.networks.resnetish import ResNetish
from earmark.tasks.speaker.networks.resnet import SpeakerResnet


@pytest.mark.parametrize("of", [lambda: Compact(64, 64, 0.25, 0.2), lambda: ResNetish(32, 48, 0.125)])
def test_the_same_answers_without_a_normalisation(of):
    torch.manual_seed(0)
    net = of()
    for _ in range(3):
        net(3 * torch.randn(4, 1, 64, 64) + 1)  # statistics other than 0 and 1
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found, x = fused(net), torch.randn(5, 1, 64, 64)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in found.modules())
    torch.testing.assert_close(found(x), net.eval()(x), rtol=1e-4, atol=1e-4)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


def test_pairs_that_a_module_names():
    torch.manual_seed(0)
    net, speech = SpeakerResnet(20, 0.5, 16), torch.randn(4, 50, 20)
    for _ in range(3):
        net(3 * speech + 1)
    found = fused(net)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in found.modules())
    lengths = torch.tensor([50, 50, 31, 12])
    torch.testing.assert_close(found(speech, lengths), net.eval()(speech, lengths), rtol=1e-4, atol=1e-4)


def test_a_normalisation_that_comes_first_or_after_an_activation_stays():
    for layers in ([nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1)], [nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)]):
        found = fused(nn.Sequential(*layers))
        assert any(isinstance(module, nn.BatchNorm2d) for module in found)
