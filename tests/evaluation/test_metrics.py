"""Figures against hand numbers and scikit-learn; the bootstrap draws whole groups."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from earmark.evaluation import metrics, paired
from earmark.tasks import catalog


def test_ece_by_hand():
    # bins: two at 0.9 (one right), one at 0.6 (right)
    got = metrics.ece(np.array([0.9, 0.9, 0.6]), np.array([True, False, True]))
    assert got == pytest.approx(2 / 3 * abs(0.5 - 0.9) + 1 / 3 * abs(1 - 0.6))


def test_ece_of_bins_takes_means_before_the_gap():
    # both in the bin 0.7 to 0.8: mean confidence 0.75, half right
    assert metrics.ece(np.array([0.72, 0.78]), np.array([True, False])) == pytest.approx(0.25)


def test_ece_extremes():
    sure = np.ones(4)
    assert metrics.ece(sure, np.array([True] * 4)) == 0
    assert metrics.ece(sure, np.array([False] * 4)) == 1
    assert metrics.ece(np.full(4, 0.75), np.array([True, True, True, False])) == pytest.approx(0)


@pytest.mark.parametrize("n", [1, 7, 60])
def test_macro_f1_equals_sklearn(n):
    rng = np.random.default_rng(n)
    for _ in range(10):
        predicted, y = rng.integers(0, 5, (2, n))
        expected = f1_score(y, predicted, average="macro", labels=np.unique(y), zero_division=0)
        assert metrics.macro_f1(predicted, y) == pytest.approx(expected)


def test_macro_f1_leaves_out_classes_that_do_not_occur():
    # class 2 is predicted once and never right; class 0 has F1 2/3, class 1 has 1
    got = metrics.macro_f1(np.array([0, 2, 1, 1]), np.array([0, 0, 1, 1]))
    assert got == pytest.approx((2 / 3 + 1) / 2)


def test_what_an_answer_adds_to_macro_f1_by_hand():
    # class 0: 2 recordings, named once; class 1: 2 and twice; class 2 does not occur, but is named: F1 of 2/3 and 1
    right, weight = metrics.f1_parts(np.array([0, 2, 1, 1]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(right, [1 / 3, 0, 1 / 4, 1 / 4])
    np.testing.assert_allclose(weight, [1 / 3, 1 / 6, 1 / 4, 1 / 4])


def test_macro_f1_of_twenty_right_answers_has_the_interval_of_their_accuracy():
    y = np.repeat(np.arange(4), 5)
    low, high = paired.share_interval(*metrics.f1_parts(y, y), np.arange(20))
    assert low == pytest.approx(binomtest(20, 20).proportion_ci().low, abs=0.003)
    assert high == 1


def test_majority_vote():
    p = np.array(
        [
            [0.6, 0.4, 0.0],  # recording 0: two weak votes for 0 beat a strong one for 1
            [0.6, 0.4, 0.0],
            [0.0, 1.0, 0.0],
            [0.9, 0.1, 0.0],  # recording 1: a tie, class 2 has the higher mean
            [0.0, 0.0, 1.0],
            [0.4, 0.6, 0.0],  # recording 2: one window
            *[[0.34, 0.33, 0.33]] * 3,  # recording 3: three votes at a low mean beat two at a high one
            *[[0.0, 1.0, 0.0]] * 2,
        ]
    )
    vote = metrics.majority_vote(p, np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3]), 4)
    np.testing.assert_array_equal(vote, [0, 2, 1, 0])


def test_resamples_draw_whole_groups():
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    rows_of = {g: set(np.flatnonzero(groups == g)) for g in "abc"}
    draws = metrics.resamples(groups, 200, seed=3)
    assert len(draws) == 200
    seen = set()
    for rows in draws:
        times = np.bincount(rows, minlength=len(groups))
        drawn = {g: {times[i] for i in members} for g, members in rows_of.items()}
        assert all(len(counts) == 1 for counts in drawn.values())
        per_group = tuple(drawn[g].pop() for g in "abc")
        assert sum(per_group) == 3
        seen.add(per_group)
    assert len(seen) == 10  # every way to draw 3 of 3 with replacement
    again = metrics.resamples(groups, 200, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(draws, again, strict=True))
    other = metrics.resamples(groups, 200, seed=4)
    assert any(not np.array_equal(a, b) for a, b in zip(draws, other, strict=True))


def test_interval_by_hand():
    draws = [np.array([i]) for i in range(101)]
    assert metrics.interval(lambda rows: float(rows[0]), draws) == [2.5, 97.5]


def test_reliability_by_hand():
    confidence = np.array([0.05, 0.62, 0.68, 0.95, 1.0, 0.9])
    right = np.array([True, False, True, True, True, False])
    counts, mean, accuracy = metrics.reliability(confidence, right, bins=10)
    np.testing.assert_array_equal(counts, [1, 0, 0, 0, 0, 0, 2, 0, 0, 3])
    np.testing.assert_allclose(mean[[0, 6, 9]], [0.05, 0.65, 0.95])
    np.testing.assert_allclose(accuracy[[0, 6, 9]], [1, 0.5, 2 / 3])
    assert np.isnan(mean[counts == 0]).all()
    assert np.isnan(accuracy[counts == 0]).all()


@pytest.mark.parametrize("bins", [1, 5, 10, 15])
def test_reliability_and_ece_agree(bins):
    rng = np.random.default_rng(bins)
    confidence = rng.uniform(0.2, 1, 300).astype(np.float32)
    right = rng.uniform(size=300) < confidence**2
    counts, mean, accuracy = metrics.reliability(confidence, right, bins)
    used = counts > 0
    gap = counts[used] @ np.abs(mean - accuracy)[used] / 300
    assert metrics.ece(confidence, right, bins) == pytest.approx(gap)
    assert counts.sum() == 300


def test_difference_interval_by_hand():
    # MOVER: -.2 - sqrt((.7-.6)^2 + (.94-.9)^2), -.2 + sqrt((.75-.7)^2 + (.9-.78)^2)
    got = metrics.difference_interval(0.7, [0.6, 0.75], 0.9, [0.78, 0.94])
    assert got == pytest.approx([-0.2 - 0.0116**0.5, -0.2 + 0.13])


def test_epochs_to_a_goal():
    history = [{"epoch": i + 1, "val/accuracy": a} for i, a in enumerate((0.2, 0.59, 0.6, 0.5))]
    assert metrics.epochs_to(history) == 3
    assert metrics.epochs_to(history, 0.5) == 2
    assert metrics.epochs_to(history, 0.61) == np.inf
    assert metrics.epochs_to([{"epoch": 1}]) == np.inf  # no validation


def test_metrics_are_written_headline_first_each_with_its_interval_and_hashes_last():
    found = {"root": 1, "test_sha256": "a", "majmin": 2, "seg": 3, "root_ci95": [4], "majmin_ci95": [5], "n": 6}
    ordered = metrics.in_order(found | {"of_ci95": [7]}, "majmin")
    assert list(ordered) == ["majmin", "majmin_ci95", "root", "root_ci95", "seg", "n", "test_sha256", "of_ci95"]
    assert ordered == found | {"of_ci95": [7]}
    told = metrics.in_order({"ci95_methods": {}} | found, "majmin")
    assert list(told)[-3:] == ["n", "ci95_methods", "test_sha256"]
    assert list(metrics.in_order({"b": 1, "a_sha256": "x"}, "a")) == ["b", "a_sha256"]


@pytest.mark.parametrize("name", catalog.names())
def test_every_task_writes_its_metrics_so(name, tmp_path):
    task = catalog.task(name)
    found = {"other": 0.5, "model_sha256": "a", "other_ci95": [0, 1], task.headline: 0.25, "n_recordings": 3}
    task.room("metrics").write(tmp_path, pd.DataFrame({"recording": ["a.wav"]}), found)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert list(written) == [task.headline, "other", "other_ci95", "n_recordings", "model_sha256"]
    assert written == found
