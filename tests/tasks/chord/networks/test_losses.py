"""Chord losses against hand-worked numbers, the article's formula in numpy, and torch's cross-entropy."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from earmark.errors import EarmarkError
from earmark.tasks.chord.networks.chordnet import ChordNet, ChordNetOutput, ChordNetSettings
from earmark.tasks.chord.networks.losses import (
    ChordTargets,
    LossSettings,
    focal,
    focal_of_probs,
    focal_tversky,
    focal_tversky_of_logits,
    head_losses,
    padded,
    tversky_index,
)

TRUTH = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
PROBS = torch.tensor([[0.9, 0.5, 0.4, 0.1]])  # TP 1.4, FP .5, FN .6


def his_tversky(truth: np.ndarray, probs: np.ndarray, alpha: float, smooth: float = 1e-6) -> float:
    tp = (truth * probs).sum()
    fp = ((1 - truth) * probs).sum()
    fn = (truth * (1 - probs)).sum()
    return (tp + smooth) / (tp + alpha * fp + (1 - alpha) * fn + smooth)


def test_alpha_weights_the_false_positives():
    assert tversky_index(TRUTH, PROBS, alpha=0.4).item() == pytest.approx(1.4 / (1.4 + 0.4 * 0.5 + 0.6 * 0.6), rel=1e-5)
    assert tversky_index(TRUTH, PROBS, alpha=1.0).item() == pytest.approx(1.4 / 1.9, rel=1e-5)
    assert tversky_index(TRUTH, PROBS, alpha=0.0).item() == pytest.approx(1.4 / 2.0, rel=1e-5)


def test_focal_tversky_by_hand():
    plain = 0.56 / 1.96
    assert focal_tversky(TRUTH, PROBS).item() == pytest.approx(plain**3, rel=1e-5)
    assert focal_tversky(TRUTH, PROBS, gamma=1.0).item() == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.4, 3.0), (0.75, 1.0), (0.5, 1.5)])
def test_both_forms_are_the_articles(alpha, gamma):
    rng = np.random.default_rng(0)
    truth, logits = (rng.random((3, 7, 25)) < 0.2).astype(float), rng.normal(size=(3, 7, 25))
    probs = 1 / (1 + np.exp(-logits))
    expected = (1 - his_tversky(truth, probs, alpha)) ** gamma
    got = focal_tversky(torch.tensor(truth), torch.tensor(probs), alpha, gamma)
    assert got.item() == pytest.approx(expected, rel=1e-9)
    safe = focal_tversky_of_logits(torch.tensor(truth), torch.tensor(logits), alpha, gamma)
    assert safe.item() == pytest.approx(expected, rel=1e-5)


def test_the_safe_form_still_feels_a_confident_answer():
    """At logit 20 float32 rounds the probability to 1: the author's error is 0, the true one exp(-20)."""
    truth = torch.ones(1, 1)
    logits = torch.full((1, 1), 20.0, requires_grad=True)
    loss = focal_tversky_of_logits(truth, logits, gamma=1.0)
    assert focal_tversky(truth, torch.sigmoid(logits), gamma=1.0).item() == 0
    assert loss.item() == pytest.approx(0.6 * math.exp(-20), rel=1e-4)
    loss.backward()
    assert logits.grad.item() == pytest.approx(-0.6 * math.exp(-20), rel=1e-4)


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    loss = focal_tversky_of_logits(torch.tensor([[0.0, 1.0, 1.0]]), logits) + focal(logits, torch.tensor([1]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("loss", [focal_tversky, focal_tversky_of_logits])
def test_masked_frames_count_for_nothing(loss):
    torch.manual_seed(0)
    truth, answer = (torch.rand(2, 5, 25) < 0.3).float(), torch.rand(2, 5, 25)
    mask = torch.tensor([[True] * 5, [True, False, True, False, False]])
    expected = loss(torch.cat([truth[0], truth[1, [0, 2]]]), torch.cat([answer[0], answer[1, [0, 2]]]))
    answer[~mask] = float("nan")
    assert torch.equal(loss(truth, answer, mask=mask), expected)


def test_nothing_known_is_no_loss():
    nothing = torch.zeros(1, 4, dtype=torch.bool)
    probs = torch.rand(1, 4, 25, requires_grad=True)
    loss = focal_tversky(torch.zeros(1, 4, 25), probs, mask=nothing)
    loss = loss + focal(torch.randn(1, 4, 3), torch.full((1, 4), -100))
    loss.backward()
    assert loss.item() == 0
    assert probs.grad.abs().max() == 0


@pytest.mark.parametrize("gamma", [0.99, 0.0, -1.0, float("nan")])
def test_gamma_below_1_is_refused(gamma):
    with pytest.raises(EarmarkError, match=r"gamma is .*, but must be at least 1"):
        focal_tversky(TRUTH, PROBS, gamma=gamma)
    with pytest.raises(EarmarkError, match="at least 1"):
        focal_tversky_of_logits(TRUTH, PROBS, gamma=gamma)


def test_other_impossible_settings_are_refused():
    with pytest.raises(EarmarkError, match=r"alpha is 1\.2"):
        focal_tversky(TRUTH, PROBS, alpha=1.2)
    with pytest.raises(EarmarkError, match="gamma is -1"):
        focal(PROBS, torch.tensor([0]), gamma=-1)


def test_focal_by_hand():
    """p .75 and .1: -.25^2 log .75 and -.9^2 log .1, their mean."""
    logits = torch.tensor([[0.25, 0.75], [0.1, 0.9]]).log()
    expected = -(0.25**2 * math.log(0.75) + 0.9**2 * math.log(0.1)) / 2
    labels = torch.tensor([1, 0])
    assert focal(logits, labels).item() == pytest.approx(expected, rel=1e-6)
    assert focal_of_probs(logits.exp(), labels).item() == pytest.approx(expected, rel=1e-6)


def test_focal_with_weights_by_hand():
    logits = torch.tensor([[0.25, 0.75], [0.1, 0.9]]).log()
    got = focal(logits, torch.tensor([1, 0]), 1.0, weights=torch.tensor([3.0, 1.0]))
    assert got.item() == pytest.approx(-(0.25 * math.log(0.75) + 3 * 0.9 * math.log(0.1)) / 4, rel=1e-6)


def test_gamma_0_is_cross_entropy():
    torch.manual_seed(0)
    logits = torch.randn(4, 6, 5)
    labels = torch.randint(0, 5, (4, 6))
    weights = torch.rand(5)
    labels[0, :3] = -100
    flat = logits.flatten(0, 1), labels.flatten()
    torch.testing.assert_close(focal(logits, labels, 0.0), cross_entropy(*flat))
    torch.testing.assert_close(focal(logits, labels, 0.0, weights), cross_entropy(*flat, weight=weights))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.0])
def test_focals_slope_is_right_and_finite(gamma):
    logits = torch.tensor([[0.3, -0.2, 1.0]], dtype=torch.float64, requires_grad=True)
    sure = torch.tensor([[90.0, 0.0, 0.0]], requires_grad=True)
    label = torch.tensor([0])
    focal(sure, label, gamma).backward()
    assert torch.isfinite(sure.grad).all()
    p = torch.softmax(logits, 1)[:, 0]
    wanted = torch.autograd.grad(-((1 - p) ** gamma * p.log()).sum(), logits)[0]
    got = torch.autograd.grad(focal(logits, label, gamma), logits)[0]
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-6)


def batch() -> tuple[ChordNetOutput, ChordTargets, torch.Tensor]:
    torch.manual_seed(0)
    net = ChordNet(ChordNetSettings(width=0.125)).eval()
    lengths = torch.tensor([12, 5])
    targets = ChordTargets(
        vector=(torch.rand(2, 12, 25) < 0.3).float(),
        known=torch.ones(2, 12, dtype=torch.bool),
        transition=torch.randint(0, 2, (2, 12)),
        key=torch.randint(0, 25, (2, 12)),
        bass=torch.randint(0, 13, (2, 12)),
        chord=torch.randint(0, 529, (2, 12)),
    )
    return net(torch.randn(2, 2, 12, 252), lengths), padded(targets, lengths), lengths


def test_padded_targets_by_hand():
    ones = torch.ones(2, 3, dtype=torch.int64)
    got = padded(ChordTargets(torch.ones(2, 3, 25), ones > 0, ones, ones, ones, ones), torch.tensor([3, 1]))
    assert got.known.tolist() == [[True, True, True], [True, False, False]]
    for labels in (got.transition, got.key, got.bass, got.chord):
        assert labels.tolist() == [[1, 1, 1], [1, -100, -100]]


def test_padding_is_in_no_heads_loss():
    out, targets, _ = batch()
    expected = head_losses(out, targets)
    outside = ~targets.known
    ruined = ChordNetOutput(*(x.detach().clone().masked_fill(outside.unsqueeze(2), float("nan")) for x in out))
    got = head_losses(ruined, targets)
    assert set(got) == {"vector", "smooth", "transition", "key", "bass", "chord"}
    assert all(torch.equal(got[name], expected[name]) for name in got)


def test_heads_are_weighted_and_can_be_left_out():
    out, targets, _ = batch()
    s = LossSettings(vector="tversky", key_weight=0.0, chord_weight=0.5)
    got, known = head_losses(out, targets, s), targets.known
    assert "key" not in got
    expected = 0.5 * cross_entropy(out.chord[known], targets.chord[known])
    torch.testing.assert_close(got["chord"], expected)
    torch.testing.assert_close(got["vector"], 1 - tversky_index(targets.vector, out.vector, 0.4, known))
    safe = head_losses(out, targets, LossSettings(vector="focal_tversky_of_logits"))["smooth"]
    torch.testing.assert_close(safe, focal_tversky(targets.vector, torch.sigmoid(out.smooth_logits), mask=known))
