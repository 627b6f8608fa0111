"""Learning rates epoch by epoch, by hand."""

import math

import pytest
import torch

from builders import schedule_settings
from earmark.training.schedule import Schedule

STEPS = 4


def rates(epochs: int, rows: list[dict] | None = None, lr: float = 1.0, resume_at: int | None = None, **changes):
    """Rate at every step of every epoch: [epochs][STEPS]; interrupted and resumed at an epoch if wished."""
    settings, out = schedule_settings(**changes), []

    def fresh():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
        return optimizer, Schedule(optimizer, settings, epochs, STEPS)

    optimizer, schedule = fresh()
    for epoch in range(epochs):
        if epoch == resume_at:
            saved = optimizer.state_dict(), schedule.state_dict()
            optimizer, schedule = fresh()
            optimizer.load_state_dict(saved[0])
            schedule.load_state_dict(saved[1])
        out.append([])
        for _ in range(STEPS):
            out[-1].append(schedule.lr)
            optimizer.step()
            schedule.step()
        schedule.epoch(rows[epoch] if rows else {})
    return out


def by_epoch(*args, **changes) -> list[float]:
    found = rates(*args, **changes)
    assert all(len(set(epoch)) == 1 for epoch in found)
    return [epoch[0] for epoch in found]


def test_constant():
    assert by_epoch(3, lr=3e-4) == [3e-4] * 3


def test_step_multiplies_after_every_so_many_epochs():
    assert by_epoch(5, lr=1e-3, name="step", step_epochs=2, gamma=0.1) == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5])


def test_plateau_waits_for_a_loss_that_stops_falling():
    rows = [{"val/loss": v, "val/accuracy": 0.5} for v in (3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0)]
    got = by_epoch(7, rows, name="plateau", monitor="loss", patience=1, gamma=0.5)
    assert got == [1, 1, 1, 1, 0.5, 0.5, 0.5]  # two epochs without improvement are more than patience 1


def test_plateau_on_accuracy_wants_it_to_rise():
    rows = [{"val/loss": 1.0, "val/accuracy": v} for v in (0.1, 0.2, 0.3, 0.3, 0.3, 0.2)]
    got = by_epoch(6, rows, name="plateau", monitor="accuracy", patience=1, gamma=0.1, min_lr=0.2)
    assert got == [1, 1, 1, 1, 1, 0.2]  # not below min_lr


def test_the_articles_plateau_takes_a_rising_loss_for_progress():
    falling = [{"val/loss": v, "val/accuracy": 0.5} for v in (5.0, 4.0, 3.0, 2.0, 1.0)]
    got = by_epoch(5, falling, name="plateau", monitor="loss_rising", patience=1, gamma=0.1)
    assert got == pytest.approx([1, 1, 1, 0.1, 0.1])  # the better it learns, the sooner it is slowed down
    assert by_epoch(5, falling, name="plateau", monitor="loss", patience=1, gamma=0.1) == [1] * 5


def test_cosine_rises_then_falls_to_its_end():
    got = [lr for epoch in rates(5, lr=2.0, name="cosine", warmup_epochs=1, min_lr=0.2) for lr in epoch]
    assert got[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    expected = [0.2 + 1.8 * (1 + math.cos(math.pi * i / 15)) / 2 for i in range(16)]
    assert got[4:] == pytest.approx(expected)
    assert got[-1] == pytest.approx(0.2)


def test_onecycle_peaks_at_three_tenths():
    got = [lr for epoch in rates(10, lr=1.0, name="onecycle") for lr in epoch]
    assert max(got) == pytest.approx(1.0)
    assert got.index(max(got)) == pytest.approx(0.3 * 40 - 1, abs=1)
    assert got[0] == pytest.approx(1 / 25)
    assert got[-1] < 1e-4


@pytest.mark.parametrize("name", ["constant", "step", "plateau", "cosine", "onecycle"])
def test_resumed_schedule_goes_on_alike(name):
    rows = [{"val/loss": v, "val/accuracy": 0.5} for v in (3.0, 2.0, 2.0, 2.0, 2.0, 2.0)]
    changes = {"name": name, "step_epochs": 2, "patience": 1, "warmup_epochs": 2}
    assert rates(6, rows, resume_at=3, **changes) == rates(6, rows, **changes)
