"""A training takes as many threads as its steps are worth."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from earmark.training import threads


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def task(batches: int = 2) -> SimpleNamespace:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4))
    drawn = lambda: iter([torch.randn(5, 3) for _ in range(batches)])  # noqa: E731
    return SimpleNamespace(model=model, batches=drawn, loss=lambda x: (model(x).square().mean(), len(x)))


def test_operations_of_a_batch_are_those_of_its_products():
    one = task()
    assert threads.operations(one) == 2 * 5 * 3 * 4
    assert one.model.training
    assert int(one.model[0].num_batches_tracked) == 0
    assert threads.operations(task(batches=0)) == 0


@pytest.mark.parametrize(("worth", "batches", "found"), [(121, 2, 1), (120, 2, 2), (121, 0, 2)])
def test_a_small_step_has_one_thread_until_the_training_ends(worth, batches, found, monkeypatch):
    monkeypatch.setattr(threads, "WORTH_THREADS", worth)
    with threads.as_many_as_pay(task(batches)):
        assert torch.get_num_threads() == found
    assert torch.get_num_threads() == 2


def test_a_training_that_is_broken_off_gives_the_threads_back():
    with suppress(KeyboardInterrupt), threads.as_many_as_pay(task()):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 2
