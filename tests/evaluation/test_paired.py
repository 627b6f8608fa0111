"""Bounds against Clopper and Pearson, and against numbers worked by hand."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from earmark.evaluation import paired


def each(n: int) -> np.ndarray:
    """A group of its own for every recording."""
    return np.arange(n)


@pytest.mark.parametrize(("right", "n"), [(20, 20), (0, 20), (17, 20), (1, 3), (150, 200)])
def test_an_interval_of_yes_and_no_is_that_of_clopper_and_pearson(right, n):
    low, high = paired.share_interval(np.arange(n) < right, np.ones(n), each(n))
    exact = binomtest(right, n).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.008)
    assert (low == 0) == (right == 0)
    assert (high == pytest.approx(1)) == (right == n)


def test_models_that_agree_on_twenty_recordings_may_differ():
    right = np.arange(20) < 15
    found = paired.share_difference(right, right, np.ones(20), each(20), 0.05)
    # Nobody lost of 20: 1 - .05 ** (1 / 20) may be lost, or won.
    assert found.difference == 0
    assert (-found.low, found.high) == pytest.approx([1 - 0.05 ** (1 / 20)] * 2, abs=0.005)


def test_losses_alone_are_bounded_as_a_share():
    lost = np.arange(100) < 4
    found = paired.share_difference(~lost, np.ones(100), np.ones(100), each(100), 0.05)
    assert found.difference == pytest.approx(-0.04)
    assert found.low == pytest.approx(-binomtest(4, 100).proportion_ci(0.9).high, abs=0.005)


def test_two_models_change_signs_with_their_places():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 60))
    one = paired.share_difference(ours, theirs, np.ones(60), each(60) // 3, 0.05)
    other = paired.share_difference(theirs, ours, np.ones(60), each(60) // 3, 0.05)
    assert one == pytest.approx((-other.difference, -other.high, -other.low))


def test_recordings_of_one_group_are_one():
    right = np.arange(20) < 15
    five = np.repeat(right, 5)
    alone = paired.share_interval(right, np.ones(20), each(20))
    assert paired.share_interval(five, np.ones(100), np.repeat(each(20), 5)) == pytest.approx(alone)
    low, high = paired.share_interval(five, np.ones(100), each(100))
    assert high - low < 0.6 * (alone[1] - alone[0])


def test_the_unseen_group_is_as_large_as_a_recordings_group_is_on_average():
    # A group of 9 and nine of 1, all right: nine recordings are of a group of 9 and nine of 1, on average of 5.
    group = np.concatenate([np.zeros(9, int), np.arange(1, 10)])
    low, high = paired.share_interval(np.ones(18), np.ones(18), group, draws=200_000)
    rng = np.random.default_rng(9)
    weights = rng.standard_exponential((200_000, 11))
    known = 9 * weights[:, 0] + weights[:, 1:10].sum(1)
    assert low == pytest.approx(np.quantile(known / (known + 5 * weights[:, 10]), 0.025), abs=0.01)
    assert high == pytest.approx(1)


def test_what_counts_nothing_bears_on_nothing():
    right, weight = np.array([5.0, 20.0, 0.0]), np.array([10.0, 30.0, 0.0])
    without = paired.share_interval(right[:2], weight[:2], each(2))
    assert paired.share_interval(right, weight, each(3)) == without


def test_a_bound_is_the_same_again_and_of_other_draws_with_another_seed():
    right = np.arange(30) < 20
    asked = lambda seed: paired.share_interval(right, np.ones(30), each(30), draws=1000, seed=seed)  # noqa: E731
    assert asked(1) == asked(1) != asked(2)


def test_memory_is_bounded_without_a_change_of_the_bounds(monkeypatch):
    right = np.arange(30) < 20
    whole = paired.share_interval(right, np.ones(30), each(30), draws=1000)
    monkeypatch.setattr(paired, "AT_ONCE", 31 * 7)
    assert paired.share_interval(right, np.ones(30), each(30), draws=1000) == pytest.approx(whole)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10), st.integers(0, 6)), min_size=1, max_size=30))
def test_bounds_hold_the_figure_and_stay_where_figures_can_be(rows):
    shares, weight, group = (np.array(column) for column in zip(*rows, strict=True))
    low, high = paired.share_interval(shares * weight, weight, group, draws=400)
    assert -1e-9 <= low <= (shares * weight).sum() / weight.sum() + 1e-9
    assert (shares * weight).sum() / weight.sum() - 1e-9 <= high <= 1 + 1e-9
    found = paired.share_difference(shares * weight, 0 * weight, weight, group, 0.3, draws=400)
    assert -1 <= found.low <= found.high <= 1 + 1e-9


def test_what_twenty_recordings_could_show():
    right = np.arange(20) < 15
    gain = paired.share_difference(right, right, np.ones(20), each(20), 0.05)
    found = paired.resolution(gain, 20, 0.05, 0.05)
    # Models that agree throughout need 1 - .05 ** (1 / n) < .05: 59 groups.
    assert (found.groups, found.loss) == (20, pytest.approx(0.139, abs=0.005))
    assert found.more == pytest.approx(59 - 20, abs=4)


@pytest.mark.parametrize(("disagreement", "level"), [(0.06, 0.05), (0.2, 0.05), (0.1, 0.025)])
def test_with_so_many_more_groups_equal_models_pass_four_times_of_five(disagreement, level):
    n, rng = 50, np.random.default_rng(1)
    lost = round(n * disagreement / 2)
    apart = np.zeros(n)
    apart[: 2 * lost] = [1, -1] * lost
    gain = paired.share_difference(apart, 0 * apart, np.ones(n), each(n), level)
    found = paired.resolution(gain, n, 0.05, level)
    assert found.loss == pytest.approx(gain.difference - gain.low, abs=0.005)
    grown = rng.choice([-1, 0, 1], (300, n + found.more), p=[lost / n, 1 - 2 * lost / n, lost / n])
    bounds = [paired.share_difference(d, 0 * d, np.ones(len(d)), each(len(d)), level, draws=1000).low for d in grown]
    assert np.mean(np.array(bounds) > -0.05) == pytest.approx(0.8, abs=0.07)
    assert paired.resolution(gain._replace(low=gain.difference - 0.03), 2000, 0.05, level).more == 0


def test_unequal_groups_weigh_by_their_squares():
    assert paired.unseen_share(np.ones(6), np.array(list("aaabbc"))) == pytest.approx((9 + 4 + 1) / 36)


def test_large_tests_agree_with_the_normal_distribution():
    rng = np.random.default_rng(1)
    ours, theirs = rng.random((2, 5000)) < 0.8
    found = paired.share_difference(ours, theirs, np.ones(5000), each(5000), 0.05)
    apart = ours * 1.0 - theirs
    wanted = apart.mean() - norm.ppf(0.95) * apart.std() / np.sqrt(5000)
    assert found.low == pytest.approx(wanted, abs=0.001)


def test_a_gate_of_two_hundred_groups_answers_at_once():
    rng, start = np.random.default_rng(1), time.process_time()
    paired.share_difference(*(rng.random((2, 200)) < 0.8), np.ones(200), each(200), 0.01)
    assert time.process_time() - start < 1
