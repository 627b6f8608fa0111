"""The loss of pairs: against a double loop for all settings, blind where labels broadcast, and its alarm."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from earmark.errors import EarmarkError
from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.settings import BlstmSettings, PairSettings, ResnetSettings

FIXED = PairSettings("symmetric", "add", "distance", True, 1.0, "sum", 1.0, 1.0, False)
ASKED = PairSettings("kl", "clip", "distance", False, 1.0, "sum", 1.0, 1.0, True, "batch")
OWN = replace(ASKED, broadcast=False, hinge_over="pair")
P = 5
K = 3
D = 7
LABELS = torch.arange(P).repeat_interleave(K)
WAYS = [("kl", "distance"), ("reversed", "distance"), ("symmetric", "distance"), ("symmetric", "direction")]


def outputs(head: str = "prelu") -> torch.Tensor:
    """Values as a network's head has them; prelu's with zeros, a few below, and some above 1."""
    x = np.random.default_rng(0).normal(0.3, 0.8, (P * K, D))
    x = {"prelu": np.where(x > 0, x, 0.1 * x), "softplus": np.log1p(np.exp(x)), "softmax": np.exp(x)}[head]
    if head == "softmax":
        x /= x.sum(1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32)


def loop_pair(p: torch.Tensor, q: torch.Tensor, same: bool, s: PairSettings) -> torch.Tensor:
    """One pair as the text writes it, in float64."""
    p, q = (v.clamp(1e-7, 1) if s.positive == "clip" else v + 1e-7 for v in (p, q))
    over = torch.sum if s.over == "sum" else torch.mean
    ahead, back = over(p * torch.log(p / q)), over(q * torch.log(q / p))
    distance = {"kl": ahead, "reversed": back, "symmetric": ahead + back}[s.distance]
    if same:
        return s.same * distance
    far = (lambda v: torch.log1p(torch.exp(v))) if s.soft else (lambda v: v.clamp_min(0))
    if s.hinge == "direction":
        return s.different * (far(s.margin - ahead) + far(s.margin - back))
    return s.different * far(s.margin - distance)


def double_loop(x: torch.Tensor, labels: torch.Tensor, s: PairSettings) -> torch.Tensor:
    losses = []
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            losses.append(loop_pair(x[i], x[j], bool(labels[i] == labels[j]), s))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("head", ["prelu", "softplus", "softmax"])
@pytest.mark.parametrize(
    ("way", "positive", "soft", "over"),
    list(itertools.product(WAYS, ("clip", "add"), (False, True), ("sum", "mean"))),
    ids=lambda v: "-".join(v) if isinstance(v, tuple) else str(v),
)
def test_all_pairs_are_the_double_loop(way, positive, soft, over, head):
    s = PairSettings(way[0], positive, way[1], soft, 0.7, over, 1.3, 0.4, False)
    if positive == "add" and head == "prelu":
        head = "softplus"  # what lies below 0 has no logarithm
    x, exact = outputs(head).requires_grad_(), outputs(head).double().requires_grad_()
    got, expected = pairs.loss(x, LABELS, s), double_loop(exact, LABELS, s)
    assert got.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)
    got.backward()
    expected.backward()
    largest = exact.grad.abs().max().item()
    torch.testing.assert_close(x.grad, exact.grad.float(), rtol=1e-4, atol=1e-5 * largest)


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_pairs_two_by_two_are_the_same_function(way):
    s = replace(FIXED, distance=way[0], hinge=way[1], same=1.3, different=0.4)
    x = outputs("softplus")
    first, second = torch.triu_indices(P * K, P * K, 1)
    got = pairs.two_by_two_loss(x[first], x[second], LABELS[first] == LABELS[second], s)
    assert got.item() == pytest.approx(pairs.loss(x, LABELS, s).item(), rel=1e-5)


def test_by_hand():
    """p = (.5, .25), q = (.25, .5): each direction is .5 log 2 - .25 log 2."""
    a, b = torch.tensor([[0.5, 0.25]]), torch.tensor([[0.25, 0.5]])
    s = replace(FIXED, soft=False)
    one = 0.25 * math.log(2)
    d = pairs.distances(a, b, s)
    assert [v.item() for v in d] == pytest.approx([one, one, 2 * one], abs=1e-6)
    assert pairs.two_by_two_loss(a, b, torch.tensor([1]), s).item() == pytest.approx(2 * one, abs=1e-6)
    assert pairs.two_by_two_loss(a, b, torch.tensor([0]), s).item() == pytest.approx(1 - 2 * one, abs=1e-6)
    each = replace(s, hinge="direction")
    assert pairs.two_by_two_loss(a, b, torch.tensor([0]), each).item() == pytest.approx(2 - 2 * one, abs=1e-6)
    smaller = replace(s, over="mean", distance="kl")
    assert pairs.distances(a, b, smaller).total.item() == pytest.approx(one / 2, abs=1e-6)


def test_one_direction_falls_below_zero_and_both_do_not():
    a, b = torch.tensor([[0.1, 0.1]]), torch.tensor([[0.9, 0.9]])
    assert pairs.distances(a, b, replace(FIXED, distance="kl")).total.item() == pytest.approx(-0.2 * math.log(9))
    assert pairs.distances(a, b, FIXED).total.item() == pytest.approx(1.6 * math.log(9), rel=1e-5)


@pytest.mark.parametrize("s", [ASKED, replace(FIXED, broadcast=True)])
def test_broadcast_labels_make_the_loss_blind(s):
    """The asker's form: any order of the labels has the same loss and slopes. The right form tells them apart."""
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.rand(20, 9, generator=rng).requires_grad_() for _ in range(2))
    same = (torch.arange(20) % 2).bool()
    others = [same[torch.randperm(20, generator=rng)] for _ in range(5)]
    blind = [pairs.two_by_two_loss(a, b, labels, s) for labels in (same, *others)]
    slopes = [torch.autograd.grad(loss, a)[0] for loss in blind]
    for loss, slope in zip(blind, slopes, strict=True):
        assert loss.item() == pytest.approx(blind[0].item(), rel=1e-6)
        torch.testing.assert_close(slope, slopes[0])
    mended = replace(s, broadcast=False, hinge_over="pair")
    right = [pairs.two_by_two_loss(a, b, labels, mended).item() for labels in (same, *others)]
    assert max(right) - min(right) > 0.02


def test_broadcast_is_the_mean_over_the_square():
    """numpy, as Keras does it: (B, 1) * (B,) + (1 - (B, 1)) * mean hinge."""
    rng = np.random.default_rng(0)
    a, b = rng.random((6, 4)) * 0.9 + 0.05, rng.random((6, 4)) * 0.9 + 0.05
    same = np.array([1.0, 0, 1, 1, 0, 0])[:, None]
    distance = (a * np.log(a / b)).sum(-1)
    square = same * distance + (1 - same) * np.maximum(1 - distance, 0).mean(-1)
    assert square.shape == (6, 6)
    got = pairs.two_by_two_loss(torch.tensor(a), torch.tensor(b), torch.tensor(same[:, 0]), ASKED)
    assert got.item() == pytest.approx(square.mean(), rel=1e-5)


def test_distances_of_their_own_labels_leave_the_hinge_to_the_batch():
    """numpy, with distances (B, 1): the hinge's mean over the last axis is (B,), so that it makes a square again."""
    rng = np.random.default_rng(0)
    a, b = rng.random((6, 4)) * 0.9 + 0.05, rng.random((6, 4)) * 0.9 + 0.05
    same = np.array([1.0, 0, 1, 1, 0, 0])[:, None]
    distance = (a * np.log(a / b)).sum(-1, keepdims=True)
    square = same * distance + (1 - same) * np.maximum(0.2 - distance, 0).mean(-1)
    assert square.shape == (6, 6)
    s = replace(ASKED, broadcast=False, margin=0.2)
    ours = [
        pairs.two_by_two_loss(*map(torch.tensor, (a, b, same[:, 0])), replace(s, hinge_over=v))
        for v in ("batch", "pair")
    ]
    assert ours[0].item() == pytest.approx(square.mean(), rel=1e-5)
    own = same * distance + (1 - same) * np.maximum(0.2 - distance, 0)
    assert ours[1].item() == pytest.approx(own.mean(), rel=1e-5)
    assert abs(ours[1].item() - ours[0].item()) > 0.01


def test_the_askers_loss_stands_still_at_one_half():
    """Of pairs half and half every distance below the margin has .5 d + .5 (1 - d): .5, without a slope."""
    x = (0.2 + 0.1 * torch.rand(P * 4, D, generator=torch.Generator().manual_seed(0))).requires_grad_()
    loss = pairs.loss(x, torch.arange(P).repeat_interleave(4), ASKED)
    assert loss.item() == pytest.approx(0.5, abs=1e-6)
    assert torch.autograd.grad(loss, x)[0].abs().max() < 1e-6


def test_a_batch_drawn_two_by_two_is_half_and_half():
    labels = torch.tensor([7, 7, 7, 7, 7, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4])
    first, second = pairs.two_by_two(labels)
    same = labels[first] == labels[second]
    assert first.tolist() == [0, 2, 5, 7, 10, 12, 0, 1, 5, 6, 10, 11]
    assert second.tolist() == [1, 3, 6, 8, 11, 13, 7, 8, 12, 13, 2, 3]
    assert same.tolist() == [True] * 6 + [False] * 6
    x = torch.rand(15, 4, generator=torch.Generator().manual_seed(0))
    expected = pairs.two_by_two_loss(x[first], x[second], same, ASKED)
    assert torch.equal(pairs.loss(x, labels, ASKED), expected)
    hinge = replace(ASKED, broadcast=False)
    assert torch.equal(pairs.loss(x, labels, hinge), pairs.two_by_two_loss(x[first], x[second], same, hinge))


def test_the_dead_zone():
    x = torch.tensor([[-0.5, 0.0, 1e-8, 1e-7, 0.5, 1.0, 1.01, 3.0]])
    assert pairs.dead_share(x) == 5 / 8
    x.requires_grad_()
    pairs.two_by_two_loss(x, torch.full((1, 8), 0.3), torch.tensor([1]), OWN).backward()
    assert (x.grad == 0).sum() == 5


def test_autocast_changes_nothing():
    x = outputs("softplus")
    plain = pairs.loss(x, LABELS, FIXED)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(pairs.loss(x, LABELS, FIXED), plain)


def test_large_outputs_keep_their_digits():
    """Terms of thousands that cancel to less than one."""
    x = 40 + 0.1 * outputs("softmax").repeat(1, 18)
    got = pairs.all_distances(x, FIXED).total
    exact = x.double()[:, None] * (x.double()[:, None] / x.double()).log()
    exact = exact.sum(2) + exact.sum(2).T
    torch.testing.assert_close(got.double(), exact, rtol=0, atol=5e-3)


@pytest.mark.parametrize("s", [FIXED, replace(FIXED, hinge="direction", different=3.0), OWN])
def test_equal_outputs_are_called_collapsed(s):
    x = torch.rand(1, D).expand(P * K, D)
    loss = pairs.loss(x, LABELS, s).item()
    share = 2 / 14  # of one speaker among a segment's 14 partners
    assert loss == pytest.approx(pairs.collapsed_loss(share, s), rel=1e-4)
    said = pairs.collapse(loss, pairs.all_distances(x, s).total, share, s)
    assert said is not None
    assert "collapsed" in said
    assert said.count(".") >= 1


def test_collapsed_losses_by_hand():
    assert pairs.collapsed_loss(0.5, FIXED) == pytest.approx(0.5 * math.log(1 + math.e))
    assert pairs.collapsed_loss(0.25, replace(FIXED, hinge="direction")) == pytest.approx(1.5 * math.log(1 + math.e))
    assert pairs.collapsed_loss(0.5, replace(ASKED, margin=2.0)) == 1.0


def test_the_alarm_is_silent_where_distances_tell_and_names_a_setting_where_not():
    telling = torch.tensor([0.01, 0.02, 3.0, 4.0])
    assert pairs.collapse(0.2, telling, 0.5, FIXED) is None
    stuck = pairs.collapsed_loss(0.5, FIXED)
    assert "the loss stays at 0.657" in pairs.collapse(stuck, telling, 0.5, FIXED)
    assert "spread by 0" in pairs.collapse(0.1, torch.ones(9), 0.5, FIXED)
    remedies = [
        (ASKED, "pair.broadcast: false"),
        (replace(ASKED, broadcast=False), "pair.hinge_over: pair"),
        (OWN, "pair.positive: add and model.head: softplus"),
        (replace(FIXED, distance="kl"), "pair.distance: symmetric"),
        (replace(FIXED, soft=False), "pair.soft: true"),
        (FIXED, "model.batch_norm: true"),
    ]
    for s, remedy in remedies:
        assert remedy in pairs.collapse(0.0, torch.zeros(9), 0.5, s)


def test_values_below_zero_are_refused_where_only_epsilon_is_added():
    model = BlstmSettings(head="prelu", dropout=0.3)
    pairs.require_positive(model, ASKED)
    pairs.require_positive(replace(model, head="softplus"), FIXED)
    for bad in (model, ResnetSettings()):
        with pytest.raises(EarmarkError, match=r"set model\.name: blstm with model\.head: softplus"):
            pairs.require_positive(bad, FIXED)
