"""Weights of qualities from a confusion matrix."""

import numpy as np
import pytest

from earmark.chords import weights
from earmark.chords.vocabulary import IGNORED, SEED, N


def frames_of(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities (1200, 529) of a model that shies from C:7, and targets: C and C:7, half each."""
    quality = np.repeat([1, 6], 600)
    log_p = np.full((1200, 529), -50.0, np.float32)
    evidence = rng.normal(np.where(quality == 6, 1.0, -1.0), 1.0)
    log_p[:, SEED.index(6, 0)] = evidence - 1.5
    log_p[:, SEED.index(1, 0)] = 0.0
    return log_p, SEED.index(quality, 0)


def test_weight_is_the_root_of_sounding_by_estimated():
    matrix = np.array([[55.0, 0.0, 5.0], [30.0, 10.0, 0.0], [0.0, 0.0, 0.0]])
    extra = 0.01 * 100 / 3
    expected = [
        np.sqrt((60 + extra) / (85 + extra)),
        np.sqrt((40 + extra) / (10 + extra)),
        1.0,
    ]  # the third never sounds
    assert weights.from_confusion(matrix) == pytest.approx(expected)


def test_weights_stay_within_bounds():
    matrix = np.array([[0.0, 1e6], [0.0, 1.0]])  # the first is never estimated, the second almost always by mistake
    assert weights.from_confusion(matrix, strength=2).tolist() == [8, 1 / 8]


def test_suggestion_raises_what_is_missed_and_shows_both_matrices():
    log_p, target = frames_of(np.random.default_rng(0))
    found = weights.suggest(log_p, target)
    assert found.weights[6] > 1 > found.weights[1]
    assert (found.weights[[0, 2, 44]] == 1).all()
    recalls = [weights.mean_recall(m) for m in (found.before, found.after)]
    assert recalls[0] == pytest.approx(0.65, abs=0.02)  # 1 of 600 majors and .69 of the sevenths missed
    assert recalls[1] == pytest.approx(0.84, abs=0.02)  # the best that unit deviations two apart allow: .841
    again = weights.weighted(log_p, found.weights).argmax(1)
    assert (found.after[1, 6], found.after[6, 1]) == (
        (again[:600] == SEED.index(6, 0)).sum(),
        (again[600:] == SEED.index(1, 0)).sum(),
    )


def test_suggestion_is_none_where_none_helps():
    log_p = np.full((2, 529), -5.0, np.float32)
    log_p[0, SEED.index(1, 0)] = log_p[1, N] = 0.0
    found = weights.suggest(log_p, np.array([SEED.index(1, 0), N]))
    assert (found.weights == 1).all()
    assert (found.before == found.after).all()


def test_unknown_frames_do_not_count():
    log_p, target = frames_of(np.random.default_rng(0))
    more = np.concatenate([log_p, log_p[:100]]), np.concatenate([target, np.full(100, IGNORED)])
    assert (weights.suggest(*more).before == weights.suggest(log_p, target).before).all()


def test_weight_of_a_quality_is_added_to_its_twelve_roots_and_of_n_to_n():
    given = np.ones(45)
    given[1], given[44] = np.e, np.e**2
    moved = weights.weighted(np.zeros((1, 529), np.float32), given)[0]
    assert moved.dtype == np.float32
    assert moved[12:24] == pytest.approx(np.ones(12))
    assert moved[528] == pytest.approx(2)
    assert (moved[24:528] == 0).all()
