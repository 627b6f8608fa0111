"""Question's and answer's shares of pairs, against numpy in Keras's shapes."""

import numpy as np
import pytest
import torch

from earmark.experiments.siamese_blstm import accuracy

SAME = torch.tensor([True, True, False, False])
PERFECT, STUCK = torch.tensor([0.0, 0.1, 0.9, 1.2]), torch.zeros(4)


def test_the_askers_accuracy_is_inverted():
    """A perfect network has 0, its opposite 1, and one that says 0 of all the share of different speakers."""
    assert accuracy.asker_accuracy(PERFECT, SAME) == 0
    assert accuracy.asker_accuracy(1 - PERFECT, SAME) == 1
    assert accuracy.asker_accuracy(STUCK, SAME) == 0.5


def test_the_answers_metric_counts_what_lies_below_the_threshold():
    assert accuracy.custom_metric(PERFECT, SAME, 0.5) == 1
    assert accuracy.custom_metric(PERFECT, SAME, 0.1) == 0.75  # at the threshold is not below it
    assert accuracy.custom_metric(PERFECT, SAME, -1) == 0.5


@pytest.mark.parametrize("distance", [PERFECT, STUCK, torch.tensor([0.0, 0.7, 5.0, 0.2])])
def test_in_the_askers_shapes_every_distance_meets_every_label(distance):
    """numpy, as Keras has them: labels (n, 1), distances (n,): of half and half, half is right."""
    for same in (SAME, torch.tensor([False, True, False, False])):
        labels, d = same.float().numpy()[:, None], distance.numpy()
        rounded, near = (labels == np.round(d)).mean(), (labels == (d < 0.5)).mean()
        assert accuracy.asker_accuracy(distance, same, blind=True) == pytest.approx(rounded)
        assert accuracy.custom_metric(distance, same, 0.5, blind=True) == pytest.approx(near)
    assert accuracy.custom_metric(distance, SAME, 0.5, blind=True) == 0.5
    zero_or_one = (distance.round() == 0) | (distance.round() == 1)
    assert accuracy.asker_accuracy(distance, SAME, blind=True) == zero_or_one.float().mean() / 2  # at most a half


def test_the_threshold_weighs_both_kinds_alike():
    distance, same = np.array([-3.0, -2.0, -1.0, -0.5, -0.4]), np.array([True, False, False, False, True])
    threshold = accuracy.best_threshold(distance, same)
    assert threshold == -2.5  # misses one of two; beyond -0.4 would accept all, and of all five be right in two
    assert accuracy.balanced_accuracy(distance, same, threshold) == (1 / 2 + 1) / 2
    assert accuracy.balanced_rows(torch.from_numpy(same)).tolist() == [0, 4, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better(seed):
    rng = np.random.default_rng(seed)
    same = rng.random(40) < 0.3
    distance = rng.integers(0, 12, 40) + 2.0 * ~same
    best = accuracy.balanced_accuracy(distance, same, accuracy.best_threshold(distance, same))
    assert best == max(accuracy.balanced_accuracy(distance, same, t) for t in np.arange(-1, 16, 0.5))


def test_where_one_answer_for_all_is_best_the_threshold_lies_outside():
    distance, same = np.array([1.0, 2.0, 3.0]), np.array([False, False, True])
    assert accuracy.balanced_accuracy(distance, same, accuracy.best_threshold(distance, same)) == 0.5
