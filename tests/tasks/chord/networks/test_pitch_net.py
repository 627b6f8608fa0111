"""The default chord network: its size, what turns with the pitch class, and that padding changes nothing."""

import itertools

import pytest
import torch

from earmark.nn.describe import count
from earmark.tasks.chord.networks.pitch_net import PitchNet, Turn

KINDS = ("chord", "bass", "tones", "change", "key")


def small(seed: int = 0, **sizes) -> PitchNet:
    torch.manual_seed(seed)
    net = PitchNet(5, n_octaves=2, **{"channels": 8, "stem": 4, "blocks": 2} | sizes)
    for module in net.modules():  # running statistics and shifts as after a training
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    return net.eval()


def test_parameters_by_hand():
    c = 64
    stem = 16
    q = 56
    stems = stem * 3 * 7 + 2 * stem + stem * stem * 3 * 5 + 2 * stem
    fold = 7 * stem * c + 2 * c
    block = c * c * 12 + 2 * c + c * c * 3 + 2 * c
    heads = c * (q + 4) + (q + 4) + 2 * c * 3 * 3 + 3
    assert count(PitchNet(q)) == stems + fold + 6 * block + heads == 386767


def test_shapes():
    out = small()(torch.rand(3, 1, 10, 72))
    shapes = [tuple(getattr(out, kind).shape) for kind in KINDS]
    assert shapes == [(3, 10, 61), (3, 10, 13), (3, 10, 12), (3, 10), (3, 10, 24)]


@pytest.mark.parametrize("semitones", [1, 5, 11])
def test_a_block_turns_with_the_pitch_class(semitones):
    torch.manual_seed(1)
    block, x = Turn(6, 2).eval(), torch.randn(2, 6, 9, 12)
    mask = torch.ones(2, 1, 9, 1)
    turned = block(x.roll(semitones, 3), mask)
    torch.testing.assert_close(turned, block(x, mask).roll(semitones, 3))


def test_an_octave_higher_is_the_same_before_octaves_become_channels():
    net, x = small(), torch.zeros(1, 1, 6, 72)
    x[..., 9:20] = torch.rand(1, 1, 6, 11)
    higher = x.roll(36, 3)
    notes = lambda x: net.notes(torch.relu(net.semitones(x)))  # noqa: E731
    torch.testing.assert_close(notes(x)[..., :12], notes(higher)[..., 12:])


def test_padding_changes_nothing():
    net, x = small(), torch.rand(2, 1, 30, 72)
    x[1, :, 17:] = 7.0  # whatever stands there
    both = net(x, torch.tensor([30, 17]))
    alone = net(x[1:, :, :17])
    for kind in KINDS:
        torch.testing.assert_close(getattr(both, kind)[1, :17], getattr(alone, kind)[0], msg=kind)


def test_a_frame_hears_as_far_as_reach_says_and_no_farther():
    net, x = small(blocks=3), torch.rand(1, 1, 60, 72)
    assert net.reach == 3 + 1 + 2 + 4
    with torch.no_grad():
        before = net(x)
        x[:, :, 30] += 1
        after = net(x)
    moved = (before.chord != after.chord).any(2)[0].nonzero().squeeze(1)
    assert (int(moved.min()), int(moved.max())) == (30 - net.reach, 30 + net.reach)


def agreeing() -> PitchNet:
    net = small(agreement=True)
    torch.nn.init.normal_(net.agreement.weight)
    return net


def test_agreement_hears_bass_and_tones_of_every_interval_above_a_root():
    net, heads = agreeing(), torch.randn(2, 3, 2, 12)
    found, weight = net.agreement(heads), net.agreement.weight
    by_hand = torch.zeros(2, 3, 5, 12)
    for quality, head, interval, root in itertools.product(range(5), range(2), range(12), range(12)):
        by_hand[:, :, quality, root] += weight[quality, head, interval] * heads[:, :, head, (root + interval) % 12]
    torch.testing.assert_close(found, by_hand)


def test_agreement_changes_the_chord_alone_and_turns_with_the_pitch_class():
    net, x = agreeing(), torch.rand(1, 1, 8, 72)
    with_it = net(x)
    with torch.no_grad():
        net.agreement.weight.zero_()
    without = net(x)
    assert (with_it.chord - without.chord)[..., :-1].abs().max() > 0.01
    for kind in KINDS[1:]:
        torch.testing.assert_close(getattr(with_it, kind), getattr(without, kind))
    heads = torch.randn(1, 4, 2, 12)
    torch.testing.assert_close(agreeing().agreement(heads.roll(5, 3)), agreeing().agreement(heads).roll(5, 3))
