"""A run that follows a training: short epochs go to MLflow together, and none is lost."""

import pytest

from earmark.registry import tracking
from earmark.training.loop import Fit

HASHES = {"train_key": "0" * 64}


@pytest.fixture
def live(project) -> tracking.LiveRun:
    return tracking.LiveRun(tracking.connect("genre"), "genre", HASHES, {}, print)


def steps(live: tracking.LiveRun) -> list[tuple[int, float]]:
    history = live.tracker.client.get_metric_history(live.run_id, "val/loss")
    return [(metric.step, metric.value) for metric in history]


def test_short_epochs_are_logged_together_and_all_of_them(live, monkeypatch):
    now = 100.0
    monkeypatch.setattr(tracking.time, "monotonic", lambda: now)
    fit, seen = Fit(), []
    for epoch, later in enumerate([0.0, 0.4, 0.4, 0.4, 0.1], 1):
        now += later
        fit.history.append({"epoch": epoch, "val/loss": 1 / epoch})
        live.epoch(fit, 0.4)
        seen.append(len(steps(live)))
    assert seen == [1, 1, 1, 4, 4]
    live.finish("FINISHED")
    assert steps(live) == [(epoch, pytest.approx(1 / epoch)) for epoch in range(1, 6)]
    assert len(live.tracker.client.get_metric_history(live.run_id, "epoch_seconds")) == 5


def test_a_killed_training_logs_what_was_waiting_when_it_goes_on(live):
    fit = Fit()
    for epoch in (1, 2, 3):
        fit.history.append({"epoch": epoch, "val/loss": 1 / epoch})
        live.epoch(fit, 0.1)
    assert [step for step, _ in steps(live)] == [1]
    live.monitor.finish()  # as a kill ends it
    live.start(fit)
    assert [step for step, _ in steps(live)] == [1, 2, 3]
