"""Recordings side by side: in their order, at the same time, each on one thread, and nothing goes on unasked."""

import threading
import time

import pytest
import torch

from earmark.tasks.at_once import in_order


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


def test_a_single_item_needs_no_thread_of_its_own():
    assert list(in_order(lambda _: threading.current_thread(), range(1), 2)) == [threading.main_thread()]


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
    assert len(begun) < 10
    begun.clear()
    coming = in_order(lambda i: begun.append(i) or i, range(100), 2)
    assert next(coming) == 0
    coming.close()
    seen = len(begun)
    time.sleep(0.05)
    assert len(begun) == seen < 10
