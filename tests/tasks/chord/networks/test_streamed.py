"""pitch_net over pieces: the answer is that of the whole recording, however it is cut."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.tasks.chord.networks import streamed
from earmark.tasks.chord.networks.pitch_net import PitchNet


@pytest.fixture(scope="module")
def net() -> PitchNet:
    """Four blocks in double precision, with statistics as after a training."""
    torch.manual_seed(1)
    net = PitchNet(n_qualities=5, n_octaves=2, channels=6, stem=3, blocks=4, agreement=True).double().eval()
    net.agreement.weight.data.normal_()
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            norm.bias.data.normal_()
    return net


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_any_pieces_are_answered_as_the_whole(net, sizes):
    x = torch.rand(1, 1, sum(sizes), 72, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(sizes)))
    with torch.inference_mode():
        whole = vars(net(x))
        parts = list(streamed.logits(net, x.split(sizes, 2)))
    for name, expected in whole.items():
        found = torch.cat([getattr(part, name) for part in parts], 1)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_a_frame_is_answered_once_all_that_it_hears_is_there(net):
    """Not later: of 30 frames at a time, what is held back are the frames within reach of the end."""
    seen = 0

    def coming():
        nonlocal seen
        for _ in range(5):
            seen += 30
            yield torch.rand(1, 1, 30, 72, dtype=torch.float64)

    with torch.inference_mode():
        answered = [(seen, part.chord.shape[1]) for part in streamed.logits(net, coming())]
    assert answered[:5] == [(30, 30 - net.reach), (60, 30), (90, 30), (120, 30), (150, 30)]
    assert sum(n for _, n in answered) == 150


def test_a_fused_network_gives_the_same_answers(net):
    """In pieces and whole, within the digits of 32 bits that answers have. The network itself stays as it was, and no
    normalisation is left in the copy.
    """
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.rand(1, 1, 70, 72, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fused = streamed.fused(net)
    with torch.inference_mode():
        expected = net(x)
        whole = fused(x)
        parts = list(streamed.logits(fused, x.split(17, 2)))
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(whole, name), value, rtol=0, atol=1e-6)
        found = torch.cat([getattr(part, name) for part in parts], 1)
        torch.testing.assert_close(found, value, rtol=0, atol=1e-6)
    assert not [m for m in fused.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
