"""Verification figures: worked by hand, against scikit-learn, and their bootstrap against drawn copies."""

import time
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from earmark.tasks.speaker.trials import scores
from earmark.tasks.speaker.trials.scores import Trials

# Descending: same, same, different, same, different, different
SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.1])
SAME = np.array([1, 1, 0, 1, 0, 0], bool)
A = 0  # speakers
B = 1
C = 2


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping scores with ties, and which are of one speaker."""
    rng = np.random.default_rng(seed)
    same = rng.random(n) < 0.4
    return np.round(rng.normal(same * 1.5, 1.0), 1), same


def test_the_curve_by_hand():
    c = scores.curve(SCORE, SAME)
    np.testing.assert_array_equal(c.thresholds, [np.inf, *SCORE])
    np.testing.assert_allclose(c.miss, [1, 2 / 3, 1 / 3, 1 / 3, 0, 0, 0], atol=1e-15)
    np.testing.assert_allclose(c.false_alarm, [0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1], atol=1e-15)


def test_figures_by_hand():
    c = scores.curve(SCORE, SAME)
    assert scores.eer(c) == pytest.approx(1 / 3)
    assert scores.auc(c) == pytest.approx(8 / 9)  # of nine pairs one is in the wrong order
    assert scores.min_dcf(c, 0.5) == pytest.approx(1 / 3)  # 0.5 / 3 over 0.5
    assert scores.min_dcf(c, 0.01) == pytest.approx(1 / 3)  # no false alarm at all, a third missed
    assert scores.min_dcf(c, 0.9) == pytest.approx(1 / 3)  # nothing missed, a third falsely accepted: .1 / 3 over .1
    assert scores.eer_threshold(c) == pytest.approx(0.65)  # accepts .7, and .6 no more
    assert scores.accuracy(SCORE, SAME, 0.65) == pytest.approx(4 / 6)
    np.testing.assert_allclose(scores.at_threshold(c, 0.65), [1 / 3, 1 / 3])
    np.testing.assert_allclose(scores.at_threshold(c, 0.6), [0, 1 / 3], atol=1e-15)  # a score on it is accepted
    np.testing.assert_allclose(scores.at_threshold(c, 2.0), [1, 0])


def test_eer_lies_between_points():
    # Points (false alarm, miss): (0, 1), (0, 1/2), (1, 0): the line of the tie crosses at 1/3.
    c = scores.curve(np.array([3.0, 2.0, 2.0]), np.array([1, 1, 0], bool))
    assert scores.eer(c) == pytest.approx(1 / 3)
    assert scores.auc(c) == pytest.approx(0.75)


@pytest.mark.parametrize(("same", "eer", "auc"), [([1, 1, 0, 0], 0.0, 1.0), ([0, 0, 1, 1], 1.0, 0.0)])
def test_wholly_right_and_wholly_wrong(same, eer, auc):
    c = scores.curve(np.array([0.9, 0.8, 0.2, 0.1]), np.array(same, bool))
    assert (scores.eer(c), scores.auc(c)) == (eer, auc)
    assert scores.min_dcf(c, 0.01) == pytest.approx(1 - auc)
    if not eer:
        assert scores.eer_threshold(c) == pytest.approx(0.5)
        assert [len(axis) for axis in scores.det(c)] == [0, 0]


def test_scores_that_say_nothing():
    c = scores.curve(np.full(4, 0.3), np.array([1, 0, 1, 0], bool))
    assert (scores.eer(c), scores.auc(c), scores.min_dcf(c, 0.05)) == (0.5, 0.5, 1.0)


def test_det_holds_what_a_probit_axis_can_show():
    false_alarm, miss = scores.det(scores.curve(SCORE, SAME))
    np.testing.assert_allclose(false_alarm, [1 / 3])
    np.testing.assert_allclose(miss, [1 / 3])


@pytest.mark.parametrize("seed", range(5))
def test_as_scikit_learn(seed):
    score, same = drawn(300, seed)
    c = scores.curve(score, same)
    false_alarm, hit, _ = roc_curve(same, score, drop_intermediate=False)
    np.testing.assert_allclose(c.false_alarm, false_alarm, atol=1e-12)
    np.testing.assert_allclose(c.miss, 1 - hit, atol=1e-12)
    along = np.linspace(0, 1, 200_001)  # the error rate where a fine walk over the ROC is nearest to equal
    miss = 1 - np.interp(along, false_alarm + 1e-12 * np.arange(len(hit)), hit)
    nearest = np.argmin(np.abs(along - miss))
    assert scores.eer(c) == pytest.approx(along[nearest], abs=1e-5)
    assert scores.auc(c) == pytest.approx(roc_auc_score(same, score), abs=1e-12)
    for p in (0.01, 0.05):
        cost = min(p * (1 - h) + (1 - p) * f for f, h in zip(false_alarm, hit, strict=True))
        assert scores.min_dcf(c, p) == pytest.approx(cost / p, abs=1e-12)


def test_the_threshold_is_where_the_errors_are_equal():
    score, same = drawn(2000)
    c = scores.curve(score, same)
    miss, false_alarm = scores.at_threshold(c, scores.eer_threshold(c))
    assert abs(miss - false_alarm) == np.abs(c.miss - c.false_alarm).min()
    assert scores.eer_threshold(c) not in score


def test_a_weighting_is_as_copies():
    score, same = drawn(80)
    times = np.random.default_rng(1).integers(0, 4, (3, 80))
    c = scores.Trials(score, same).curve(times)
    for figure in (scores.eer, scores.auc, lambda c: scores.min_dcf(c, 0.05)):
        copied = [figure(scores.curve(np.repeat(score, t), np.repeat(same, t))) for t in times]
        np.testing.assert_allclose(figure(c), copied, atol=1e-12)


def test_a_trial_of_one_speaker_counts_as_he_does_and_one_of_two_as_their_product():
    # With A drawn twice, B once, C never: A, A 2; B, B 1; C, C 0; A, B 2; B, C 0.
    speakers = np.array([[A, A], [B, B], [C, C], [A, B], [B, C]])
    score, same = np.array([0.2, 0.9, 0.95, 0.6, 0.1]), np.array([1, 1, 1, 0, 0], bool)
    times = np.array([[2, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(scores.trial_weights(times, same, speakers), [[2, 1, 0, 2, 0], [1] * 5])
    found = scores.resampled(scores.auc, score, same, speakers, times)
    np.testing.assert_allclose(found, [1 / 3, 5 / 6])  # as drawn, five pairs in six are in the right order
    assert np.isnan(scores.resampled(scores.auc, score, same, speakers, np.array([[3, 0, 0]]))).all()


def test_speakers_are_drawn_with_replacement():
    times = scores.multiplicities(6, 4000, seed=3)
    assert times.shape == (4000, 6)
    assert (times.sum(1) == 6).all()
    np.testing.assert_allclose(times.mean(0), 1, atol=0.06)
    np.testing.assert_allclose((times == 0).mean(), (5 / 6) ** 6, atol=0.01)
    np.testing.assert_array_equal(times, scores.multiplicities(6, 4000, seed=3))


def test_resamples_do_not_depend_on_the_block(monkeypatch):
    score, same = drawn(200)
    speakers = np.random.default_rng(2).integers(0, 8, (200, 2))
    times = scores.multiplicities(8, 25, seed=0)
    whole = scores.resampled(scores.eer, score, same, speakers, times)
    monkeypatch.setattr(scores, "AT_ONCE", 7)
    np.testing.assert_array_equal(whole, scores.resampled(scores.eer, score, same, speakers, times))


def test_a_thousand_resamples_of_five_thousand_trials_take_less_than_a_second():
    score, same = drawn(5000)
    speakers = np.random.default_rng(2).integers(0, 40, (5000, 2))
    begin = time.process_time()
    found = scores.resampled(scores.eer, score, same, speakers, scores.multiplicities(40, 1000, seed=0))
    assert time.process_time() - begin < 1.0
    low, high = scores.interval(found)
    assert low < scores.eer(scores.curve(score, same)) < high


def test_the_interval_leaves_out_what_has_no_value():
    values = np.append(np.arange(101.0), [np.nan] * 50)
    assert scores.interval(values) == [2.5, 97.5]


def test_operating_points_by_hand():
    c = scores.curve(SCORE, SAME)
    # nothing missed from .6 down, no false alarm from .8 up; a third of the one or the other lies between
    assert scores.operating_points(c, (0.0,)) == [(0.6, pytest.approx(1 / 3), 0.0), (0.8, 0.0, pytest.approx(1 / 3))]
    assert [t for t, *_ in scores.operating_points(c, (0.0, 1 / 3, 2 / 3, 1.0))] == [0.1, 0.5, 0.6, 0.8, 0.9]


@pytest.mark.parametrize("seed", range(5))
def test_operating_points_are_those_of_the_curve(seed):
    score, same = drawn(400, seed)
    c = scores.curve(score, same)
    points = scores.operating_points(c)
    assert points == sorted(points)
    assert len(points) <= 2 * len(scores.RATES)
    for threshold, false_alarm, miss in points:
        assert false_alarm == pytest.approx((score[~same] >= threshold).mean(), abs=1e-12)
        assert miss == pytest.approx((score[same] < threshold).mean(), abs=1e-12)
    for rate in scores.RATES:  # the least of one kind that the other's rate allows
        allowed = [(score[same] < t).mean() for t in score if (score[~same] >= t).mean() <= rate]
        assert (
            min(m for _, f, m in points if f <= rate + 1e-9) == pytest.approx(min(allowed, default=1.0)) or not allowed
        )


@pytest.mark.parametrize("figure", [scores.eer, scores.auc, partial(scores.min_dcf, p_same=0.05)])
def test_the_unheard_speaker_is_one_whose_trials_are_all_right_or_all_wrong(figure):
    """Against the same trials with his put among them, above and below all scores."""
    score, same = drawn(60, 3)
    rng = np.random.default_rng(4)
    speakers = np.where(same[:, None], rng.integers(0, 8, (60, 1)), rng.integers(0, 8, (60, 2)))
    shares = rng.standard_exponential((5, 9))
    found = scores.weighted(figure, score, same, speakers, shares)
    for draw, (unheard, *known) in enumerate(shares):
        weights = [known[a] * (1 if one else known[b]) for (a, b), one in zip(speakers, same, strict=True)]
        # of his own trials as many as an eighth, of those with each other speaker as many as 2 / 64
        his = [unheard * same.sum() / 8, unheard * sum(known) * (~same).sum() * 2 / 64]
        for errs in (0, 1):
            c = Trials(np.append(score, [-99, 99] if errs else [99, -99]), np.append(same, [True, False]))
            assert found[errs, draw] == pytest.approx(float(figure(c.curve(np.append(weights, his)))), abs=1e-9)
    assert (found[0] <= found[1]).all() or figure is scores.auc


def test_weights_do_not_depend_on_the_block(monkeypatch):
    score, same = drawn(50, 1)
    speakers, shares = np.zeros((50, 2), int), np.random.default_rng(0).standard_exponential((30, 2))
    whole = scores.weighted(scores.eer, score, same, speakers, shares)
    right = scores.share_right(score > 0, same, speakers, shares)
    monkeypatch.setattr(scores, "AT_ONCE", 7)
    np.testing.assert_allclose(scores.weighted(scores.eer, score, same, speakers, shares), whole)
    np.testing.assert_allclose(scores.share_right(score > 0, same, speakers, shares), right)


def test_bounds_are_the_lowest_of_the_one_and_the_highest_of_the_other():
    values = np.arange(101.0)
    assert scores.bounds(np.stack([values, values + 10])) == [2.5, 107.5]
    assert scores.bounds(np.stack([values + 10, values])) == [2.5, 107.5]
