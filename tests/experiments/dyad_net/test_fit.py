"""dyad_net's training: Keras's steps, what a seed decides, and what is asked after the last epoch."""

import numpy as np
import pytest
import torch

from earmark.experiments.dyad_net import fit as module
from earmark.experiments.dyad_net.dyad_net import DyadNet, start
from earmark.experiments.dyad_net.dyads import PITCHES_HZ, Dyads
from earmark.experiments.dyad_net.fit import DyadNetFitSettings, KerasSgd, fit, judge, train, without_each_kernel

SHORT = DyadNetFitSettings(epochs=1, steps=10)


@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 0.5), (0.9, 1e-6), (0.0, 0.5)])
def test_steps_are_those_of_keras(momentum, decay):
    """By hand on w² / 2, whose gradient is w: v = m v - lr g; w += m v - lr g, with lr = .01 / (1 + decay t)."""
    w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    mine, v = np.array([1.0, -2.0]), np.zeros(2)
    optimizer = KerasSgd([w], 0.01, momentum, decay)
    for t in range(5):
        optimizer.step((w**2 / 2).sum())
        lr, g = 0.01 / (1 + decay * t), mine
        v = momentum * v - lr * g
        mine = mine + momentum * v - lr * g
    np.testing.assert_allclose(w.detach().numpy(), mine, rtol=1e-14)


def test_without_decay_the_steps_are_torchs():
    settings = DyadNetFitSettings(epochs=1, steps=20, batch_size=8, decay=0.0)
    torch.manual_seed(0)
    model, twin = DyadNet(), DyadNet()
    twin.load_state_dict(model.state_dict())
    optimizer = torch.optim.SGD(twin.parameters(), 0.01, 0.9, nesterov=True)
    data, again, validation = (Dyads(PITCHES_HZ, np.random.RandomState(seed)) for seed in (5, 5, 1))
    train(model, data, validation, settings)
    for _ in range(20):
        x, y = map(torch.from_numpy, again.batch(8))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(twin(x), y).backward()
        optimizer.step()
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)


def test_a_seed_repeats_and_another_is_another():
    history = fit("dyad", 6, SHORT)["history"]
    assert fit("dyad", 6, SHORT)["history"] == history
    assert fit("dyad", 7, SHORT)["history"] != history


@pytest.mark.parametrize(
    "change", [{"lr": 0.02}, {"momentum": 0.5}, {"decay": 0.1}, {"cqt": "earmark"}, {"steps": 9}, {"batch_size": 64}]
)
def test_every_setting_changes_the_answer(change):
    assert (
        fit("dyad", 6, DyadNetFitSettings(**{"epochs": 1, "steps": 10} | change))["history"]
        != fit("dyad", 6, SHORT)["history"]
    )


def test_after_the_training_ten_batches_of_the_training_generator_are_evaluated(monkeypatch):
    """They are the training's next ones: those that follow in its stream."""
    asked = []

    def listen(model, data, batch_size, batches=4):
        asked.append((data, batches, data.stream.get_state()[1:3]))
        return judge(model, data, batch_size, batches)

    monkeypatch.setattr(module, "judge", listen)
    found = fit("dyad", 6, SHORT)
    (validation, four, _), (training, ten, _) = asked[:2]
    assert (four, ten) == (4, 10)
    assert training is not validation
    assert training.stream is validation.stream
    model, stream = DyadNet(), np.random.RandomState(6)
    start(model, stream)
    model.load_state_dict({k: torch.tensor(v) for k, v in found["weights"].items()})
    batches = Dyads(PITCHES_HZ, stream)
    for _ in range(10 + 4):  # what training and validation drew
        batches.batch(128)
    rest = [batches.batch(128) for _ in range(10)]
    x, y = (torch.from_numpy(np.concatenate(some)) for some in zip(*rest, strict=True))
    logits = model(x).detach()
    assert found["evaluated_loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, y).item(), rel=1e-5)
    assert found["evaluated_accuracy"] == pytest.approx((logits.argmax(1) == y).float().mean().item())


def test_a_kernel_set_to_zero_comes_back():
    model = DyadNet()
    before = model.conv.weight.clone()
    left = without_each_kernel(model, Dyads(PITCHES_HZ, np.random.RandomState(0)), 8)
    assert len(left) == 4
    torch.testing.assert_close(model.conv.weight, before, rtol=0, atol=0)
