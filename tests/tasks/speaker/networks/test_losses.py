"""Losses of the speaker task against plain loops over segments, written from the papers."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from earmark.tasks.speaker.networks.losses import (
    AamSoftmax,
    AngularPrototypical,
    SupervisedContrastive,
    build,
    with_margin,
)

P = 4
K = 3
D = 6
LABELS = torch.arange(P).repeat_interleave(K)


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(P * K, D)


def unit(v) -> np.ndarray:
    v = np.asarray(v, np.float64)
    return v / np.linalg.norm(v)


def cross_entropy(logits: list[float], own: int) -> float:
    return math.log(sum(math.exp(v) for v in logits)) - logits[own]


@pytest.mark.parametrize("margin", [0.0, 0.2, 1.2])
def test_aam_by_loops(x, margin):
    loss = AamSoftmax(D, n_speakers=5, scale=8.0, margin=margin)
    weight = loss.weight.detach().numpy()
    total, past = 0.0, 0
    for row, label in zip(x.numpy(), LABELS.tolist(), strict=True):
        angles = [math.acos(unit(row) @ unit(w)) for w in weight]
        logits = [8 * math.cos(a) for a in angles]
        if angles[label] < math.pi - margin:
            logits[label] = 8 * math.cos(angles[label] + margin)
        else:
            past += 1
            logits[label] = 8 * (math.cos(angles[label]) - 1 + math.cos(margin))
        total += cross_entropy(logits, label)
    assert (past > 0) == (margin == 1.2)  # both branches were met
    assert loss(x, LABELS).item() == pytest.approx(total / len(x), rel=1e-5)


def test_the_margin_may_change(x):
    loss = AamSoftmax(D, 4, 30.0, 0.0)
    before = loss(x, LABELS)
    loss.margin = 0.3
    assert loss(x, LABELS) > before


def test_a_margin_falls_without_a_step_over_all_angles():
    cosine = torch.cos(torch.linspace(0, math.pi, 20_001, dtype=torch.float64))
    turned = with_margin(cosine, 0.5)
    steps = turned.diff()
    assert (steps <= 0).all()
    assert steps.abs().max() < 2e-4  # the slope is at most 1, an angle step 1.6e-4
    assert turned[0].item() == pytest.approx(math.cos(0.5), abs=2e-4)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_slopes_are_finite_where_segment_and_speaker_point_the_same_way_or_opposite(direction):
    loss = AamSoftmax(D, 3, 30.0, 0.3)
    x = (direction * loss.weight.detach().clone()).requires_grad_()
    loss(x, torch.arange(3)).backward()
    assert x.grad.isfinite().all()
    assert loss.weight.grad.isfinite().all()


def test_angular_prototypical_by_loops(x):
    """With the paper's bias of -5, which changes nothing."""
    rows, total = x.numpy().reshape(P, K, D), 0.0
    for p in range(P):
        logits = [7 * (unit(rows[p, 0]) @ unit(rows[q, 1:].mean(0))) - 5 for q in range(P)]
        total += cross_entropy(logits, p)
    assert AngularPrototypical(K, 7.0)(x, LABELS).item() == pytest.approx(total / P, rel=1e-5)


def test_the_scale_is_learnt_and_stays_positive(x):
    loss = AngularPrototypical(K, 7.0)
    loss(x, LABELS).backward()
    assert loss.scale.grad.abs() > 0
    with torch.no_grad():
        loss.scale.fill_(-3.0)
    assert loss(x, LABELS).item() == pytest.approx(math.log(P), abs=1e-2)  # all prototypes alike, none the wrong way


def contrastive(x: np.ndarray, labels: list[int], temperature: float) -> float:
    """Khosla et al. 2020, equation 2, the mean over segments that have another of their speaker."""
    terms = []
    for i in range(len(x)):
        others = [a for a in range(len(x)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if positives:
            bottom = sum(math.exp(unit(x[i]) @ unit(x[a]) / temperature) for a in others)
            logs = [math.log(math.exp(unit(x[i]) @ unit(x[p]) / temperature) / bottom) for p in positives]
            terms.append(-sum(logs) / len(positives))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("labels", [LABELS.tolist(), [0, 0, 0, 1, 2, 2, 3, 4, 4, 4, 4, 5]])
def test_supervised_contrastive_by_loops(x, labels):
    got = SupervisedContrastive(scale=10.0)(x, torch.tensor(labels))
    assert got.item() == pytest.approx(contrastive(x.numpy(), labels, 0.1), rel=1e-5)


def losses() -> list:
    torch.manual_seed(1)
    return [AamSoftmax(D, P, 30.0, 0.2), AngularPrototypical(K, 10.0), SupervisedContrastive(14.0)]


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_autocast_changes_nothing(x, loss):
    plain = loss(x, LABELS)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(x, LABELS), plain)
        assert loss(x.bfloat16(), LABELS).dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "kind"),
    [("aam", AamSoftmax), ("angular", AngularPrototypical), ("contrastive", SupervisedContrastive), ("pairs", None)],
)
def test_the_loss_that_settings_name(x, name, kind):
    settings = SimpleNamespace(loss=SimpleNamespace(name=name, scale=7.0, each_view=False), segments=K)
    made = build(settings, D, 5)
    if kind is None:
        assert made is None  # has no weights: earmark.tasks.speaker.networks.pairs
        return
    expected = {"aam": (D, 5, 7.0, 0.0), "angular": (K, 7.0), "contrastive": (7.0,)}[name]
    twin = kind(*expected)
    twin.load_state_dict(made.state_dict())
    assert torch.equal(made(x, LABELS), twin(x, LABELS))


def test_a_loss_of_each_view_is_the_sum_and_keeps_the_towers_apart(x):
    """Embeddings of two towers side by side: each half has a softmax of its own, and no gradient from the other's."""
    aam = SimpleNamespace(name="aam", scale=7.0, each_view=True)
    made = build(SimpleNamespace(loss=aam, segments=K), D, 5, views=2)
    made.margin = 0.3
    assert made.margin == 0.3
    heads = [AamSoftmax(D // 2, 5, 7.0, 0.3) for _ in range(2)]
    for head, own in zip(heads, made.heads, strict=True):
        head.load_state_dict(own.state_dict())
    halves = [half.clone().requires_grad_() for half in (x[:, : D // 2], x[:, D // 2 :])]
    alone = [head(half, LABELS) for head, half in zip(heads, halves, strict=True)]
    both = x.clone().requires_grad_()
    loss = made(both, LABELS)
    assert loss.item() == pytest.approx(sum(one.item() for one in alone), rel=1e-6)
    loss.backward()
    for one in alone:
        one.backward()
    torch.testing.assert_close(both.grad, torch.cat([half.grad for half in halves], 1))
    joint = build(SimpleNamespace(loss=SimpleNamespace(name="aam", scale=7.0, each_view=False)), D, 5, views=2)
    assert joint.weight.shape == (5, D)
