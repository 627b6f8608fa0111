"""Switch-penalty Viterbi against every path, and segments by hand."""

import time
from itertools import pairwise, product

import numpy as np
import pytest

from earmark.features import rows
from earmark.tasks.chord.decoding.viterbi import ClassSegment, segments, switch_costs, viterbi


def worth(path, log_probs: np.ndarray, cost: np.ndarray, price: np.ndarray | float = 0.0) -> float:
    """Sum of a path's log-probabilities less the cost of its changes and the price of what it enters."""
    path, entered = np.asarray(path), np.diff(path, prepend=-1) != 0
    paid = np.broadcast_to(price, log_probs.shape[1])[path[entered]].sum()
    return log_probs[np.arange(len(path)), path].sum() - cost[1:][path[1:] != path[:-1]].sum() - paid


@pytest.mark.parametrize("seed", range(12))
def test_viterbi_is_brute_force(seed):
    rng = np.random.default_rng(seed)
    log_probs, cost = 2 * rng.normal(size=(6, 4)), rng.uniform(0, rng.choice([0.5, 2, 6]), 6)
    best = max(product(range(4), repeat=6), key=lambda path: worth(path, log_probs, cost))
    assert tuple(viterbi(log_probs, cost)) == best


@pytest.mark.parametrize("seed", range(12))
def test_viterbi_with_prices_is_brute_force(seed):
    rng = np.random.default_rng(seed)
    log_probs = 2 * rng.normal(size=(6, 4))
    cost = rng.uniform(0, 2, 6)
    price = rng.uniform(0, 4, 4)
    best = max(product(range(4), repeat=6), key=lambda path: worth(path, log_probs, cost, price))
    assert tuple(viterbi(log_probs, cost, price)) == best


def test_viterbi_by_hand():
    """One frame of doubt: leaving and coming back costs twice, and is worth it from a gain of more than 2 on."""
    log_probs = np.array([[0.0, -3], [-1.9, 0], [0, -3]])
    assert viterbi(log_probs, 1.0).tolist() == [0, 0, 0]
    log_probs[1, 0] = -2.1
    assert viterbi(log_probs, 1.0).tolist() == [0, 1, 0]
    assert viterbi(log_probs, np.array([0, 1.0, 1.2])).tolist() == [0, 0, 0]


def test_without_a_cost_every_frame_decides_for_itself():
    log_probs = np.random.default_rng(0).normal(size=(200, 30))
    assert np.array_equal(viterbi(log_probs, 0.0), log_probs.argmax(1))
    total = log_probs.sum(0)
    assert viterbi(log_probs, 1e6).tolist() == [total.argmax()] * 200


def test_ties_stay():
    assert viterbi(np.zeros((5, 3)), 0.0).tolist() == [0] * 5
    assert viterbi(np.array([[0.0, -1], [-5, 0]]), 1.0).tolist() == [1, 1]  # as good as [0, 1]


def test_no_frames_and_one():
    assert viterbi(np.zeros((0, 4)), 1.0).shape == (0,)
    assert viterbi(np.array([[-2.0, -1.0]]), 1.0).tolist() == [1]


def test_an_hour_keeps_its_digits():
    """Sums of 100,000 frames: a class that leads by .05 nats a frame at the very end is still seen."""
    log_probs = np.full((100_000, 3), -6.0, np.float32)
    log_probs[:, 0] += 0.05
    log_probs[-100:, 1] += 0.1
    path = viterbi(log_probs, 2.0)
    assert (path[:-100] == 0).all()
    assert (path[-100:] == 1).all()


def test_ten_minutes_take_a_moment():
    log_probs = np.random.default_rng(0).normal(size=(6460, 700)).astype(np.float32)
    began = time.process_time()
    viterbi(log_probs, 8.0)
    assert time.process_time() - began < 0.3  # .02 s on the machine it was written on


def test_switch_costs_by_hand():
    got = switch_costs(np.array([0.5, 0.9, 0.1, 0.0, 1.0]), base=5.0, weight=1.0)
    assert got[:3].tolist() == pytest.approx([5.0, 5 - np.log(9), 5 + np.log(9)])
    assert got[3:].tolist() == pytest.approx([5 + np.log(1e6), 0], abs=1e-5)
    assert switch_costs(np.array([0.2, 0.9]), 5.0, 0.0).tolist() == [5, 5]
    assert switch_costs(np.array([1e-6]), 5.0, 100.0).tolist() == [30]


def test_switch_costs_look_a_frame_either_way():
    change = np.array([0.1, 0.1, 0.8, 0.1, 0.1])
    near = switch_costs(change, 5.0, 1.0, reach=1)
    assert near.tolist() == switch_costs(np.array([0.1, 0.8, 0.8, 0.8, 0.1]), 5.0, 1.0).tolist()


def test_segments_by_hand():
    probs = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    got = segments(np.array([0, 0, 1, 1, 1]), np.log(probs), 0.1, 0.43)
    assert got == [
        ClassSegment(0.0, pytest.approx(0.15), 0, pytest.approx(0.8)),
        ClassSegment(pytest.approx(0.15), 0.43, 1, pytest.approx(0.7)),
    ]


def test_segments_of_states_take_their_classes_probability():
    probs = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    got = segments(np.array([2, 2, 0]), np.log(probs), 0.1, 0.3, np.array([1, 1, 0]))
    assert [(s.index, s.probability) for s in got] == [(2, pytest.approx(0.8)), (0, pytest.approx(0.6))]


def test_segments_end_with_the_recording():
    """Frames centred at its end or later are padding of the transform."""
    path, log_probs = np.array([0, 0, 1, 2]), np.zeros((4, 3))
    assert [tuple(s) for s in segments(path, log_probs, 0.5, 1.0)] == [(0.0, 1.0, 0, 1.0)]
    assert [s.index for s in segments(path, log_probs, 0.5, 1.2)] == [0, 1]
    assert segments(path, log_probs, 0.5, 9.0)[-1].end_s == 9.0
    assert segments(path[:0], log_probs[:0], 0.5, 1.0) == []
    assert [tuple(s) for s in segments(path, log_probs, 0.5, 0.01)] == [(0.0, 0.01, 0, 1.0)]
    assert segments(path, log_probs, 0.5, 0.0) == []


def test_segments_cover_without_gap_or_overlap():
    rng = np.random.default_rng(0)
    path = rng.integers(0, 3, 500)
    got = segments(path, np.log(rng.dirichlet(np.ones(3), 500)), 0.093, 46.3)
    assert got[0].start_s == 0
    assert got[-1].end_s == 46.3
    assert all(a.end_s == b.start_s and a.index != b.index and a.end_s > a.start_s for a, b in pairwise(got))


def test_scores_on_disk_give_the_path_of_those_in_memory(monkeypatch):
    monkeypatch.setattr(rows, "MEMORY", 500)
    monkeypatch.setattr(rows, "BLOCK", 11 * 19 * 4)
    rng = np.random.default_rng(0)
    log_probs, cost = rng.normal(size=(300, 19)).astype(np.float32), rng.uniform(0, 3, 300)
    path = viterbi(log_probs, cost)
    assert 20 < (np.diff(path) != 0).sum() < 200
    with rows.Rows() as kept:
        kept.append(log_probs)
        np.testing.assert_array_equal(viterbi(kept, cost), path)
        assert segments(path, kept, 0.1, 28.0) == segments(path, log_probs, 0.1, 28.0)
