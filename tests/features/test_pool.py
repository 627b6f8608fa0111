"""Recordings side by side: in their order, at the same time, each on one thread, and nothing goes on unasked."""

import os
import threading
import time

import pytest
import torch

from earmark.features import pool


def in_order(function, items, workers: int):
    """The function's answers for items, by threads."""
    return pool.map_ordered(function, ((item,) for item in items), workers, seconds=0.0)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 20])
def test_answers_come_in_the_order_of_the_items(n):
    def slow_at_first(i: int) -> int:
        time.sleep(0.02 if i % 3 == 0 else 0)
        return i * i

    assert list(in_order(slow_at_first, range(n), 3)) == [i * i for i in range(n)]


def test_two_are_worked_on_at_the_same_time():
    meeting = threading.Barrier(2, timeout=10)  # nobody passes it alone
    assert list(in_order(lambda _: meeting.wait() >= 0, range(4), 2)) == [True] * 4


def test_torch_has_one_thread_meanwhile_and_then_as_many_as_before():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert list(in_order(lambda _: torch.get_num_threads(), range(5), 2)) == [1] * 5
        assert list(in_order(lambda _: torch.get_num_threads(), range(1), 2)) == [1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_one_worker_needs_no_thread_of_its_own():
    assert list(in_order(lambda _: threading.current_thread(), range(3), 1)) == 3 * [threading.main_thread()]


def test_much_audio_is_worked_on_by_processes_and_a_few_recordings_by_one(monkeypatch):
    monkeypatch.setenv(pool.CORES, "2")
    assert [pool.workers_for(*much) for much in ((3600, 9), (3601, 1), (1, 10))] == [1, 2, 2]
    pids = list(pool.map_ordered(process, ((i,) for i in range(4)), 2, seconds=3601.0))
    assert os.getpid() not in pids
    assert list(pool.map_ordered(process, ((i,) for i in range(4)), 2, seconds=3600.0)) == 4 * [os.getpid()]


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv(pool.CORES, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 4, 5}, raising=False)
    assert pool.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert pool.cores() == 1


def process(_: int) -> int:
    return os.getpid()


def test_no_more_is_begun_once_one_failed_or_nobody_asks():
    begun = []

    def failing(i: int) -> int:
        begun.append(i)
        if i == 3:
            raise ValueError("three")
        return i

    coming = in_order(failing, range(100), 2)
    with pytest.raises(ValueError, match="three"):
        list(coming)
    assert len(begun) < 20
    begun.clear()
    coming = in_order(lambda i: time.sleep(0.01) or begun.append(i) or i, range(100), 2)
    assert next(coming) == 0
    coming.close()
    seen = len(begun)
    time.sleep(0.05)
    assert len(begun) == seen < 20
