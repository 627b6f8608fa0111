"""Runs of voiced frames, random stretches of them, and batches of speakers."""

import numpy as np
import pytest
import torch

from earmark.features.store import Store
from earmark.tasks.speaker import voices


@pytest.fixture
def store():
    """Recordings a (3 frames), b (4), c (2) of 2 bands; frame i of all holds i, and -90 where it is a pause."""
    values = np.repeat(np.arange(9, dtype=np.float16)[:, None] / 8 - 1, 2, 1)
    offsets, lengths = np.array([0, 3, 7]), np.array([3, 4, 2])
    return Store(values, offsets, lengths, ["a", "b", "c"], {}, "0")


@pytest.fixture
def segments(store):
    found = voices.gather(store, [["c", "a"], ["b"]], np.array([0, 1]), 0.0)
    return voices.Segments(found, torch.device("cpu"))


def numbers(x: torch.Tensor) -> list:
    return ((x[..., 0] + 1) * 8).round().long().tolist()


def test_a_run_is_its_recordings_in_the_order_given(segments):
    assert numbers(segments.whole(0)) == [[7, 8, 0, 1, 2]]
    assert numbers(segments.whole(1)) == [[3, 4, 5, 6]]


def test_a_stretch_that_outlasts_its_run_begins_again(segments):
    assert numbers(segments(torch.tensor([0, 1]), torch.tensor([3, 2]), 5)) == [[1, 2, 7, 8, 0], [5, 6, 3, 4, 5]]


def test_pauses_are_left_out():
    values = np.full((20, 4), -5.0, np.float16)
    values[5:15] = -70
    store = Store(values, np.array([0]), np.array([20]), ["a"], {}, "0")
    found = voices.gather(store, [["a"]], np.array([0]), 30.0)
    # smoothing over five frames keeps two frames of a pause on either side
    assert found.frames.tolist() == [*range(7), *range(13, 20)]


def test_drawn_stretches_lie_anywhere_inside(segments):
    torch.manual_seed(0)
    first = {row[0] for row in numbers(segments.drawn(torch.zeros(200, dtype=torch.int64), 3))}
    assert first == {7, 8, 0}  # the third frame of five is the last that three frames can begin with


def test_a_batch_has_different_speakers_and_takes_every_run_before_one_twice(store):
    runs = [["a"], ["b"], ["c"], ["a"], ["b"]]
    found = voices.Segments(voices.gather(store, runs, np.array([0, 0, 0, 1, 2]), 0.0), torch.device("cpu"))
    torch.manual_seed(1)
    for _ in range(20):
        batch = found.batch(2, 4)
        speakers = found.speakers[batch].view(2, 4)
        assert (speakers == speakers[:, :1]).all()
        assert speakers[0, 0] != speakers[1, 0]
        for row in batch.view(2, 4)[speakers[:, 0] == 0]:
            assert set(row[:3].tolist()) == {0, 1, 2}


def test_long_recordings_are_read_in_equal_parts():
    assert list(voices.stretches(1000, 1000)) == [(0, 1000)]
    assert list(voices.stretches(2001, 1000)) == [(0, 667), (667, 1334), (1334, 2001)]
    assert list(voices.stretches(3, 1000)) == [(0, 3)]
