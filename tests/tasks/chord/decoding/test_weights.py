"""Weights of qualities from a confusion matrix."""

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.tasks.chord.decoding import weights
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE, N


def frames_of(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities (1200, 529) of a model that shies from C:7, and targets: C and C:7, half each."""
    quality = np.repeat([1, 6], 600)
    log_p = np.full((1200, 529), -50.0, np.float32)
    evidence = rng.normal(np.where(quality == 6, 1.0, -1.0), 1.0)
    log_p[:, NARROW.index(6, 0)] = evidence - 1.5
    log_p[:, NARROW.index(1, 0)] = 0.0
    return log_p, NARROW.index(quality, 0)


def test_weights_are_named_in_either_way_and_unknown_names_are_refused():
    found = weights.weights_by_name({"7sus4": 2.0, "min": 0.5, "N": 3.0}, NARROW, "model.quality_weights")
    assert {i: w for i, w in enumerate(found) if w != 1} == {2: 0.5, 20: 2.0, 44: 3.0}
    with pytest.raises(EarmarkError, match=r"^train.loss.quality_weights names the quality 'mim'; did you mean 'min'?"):
        weights.weights_by_name({"mim": 2.0}, NARROW, "train.loss.quality_weights")
    with pytest.raises(EarmarkError, match="names one quality twice, as 'm' and 'min'; remove one"):
        weights.weights_by_name({"m": 2.0, "min": 1.0}, NARROW, "k")
    names = [(q.harte, q.lead_sheet) for q in WIDE.qualities]
    assert all(i == k for i, one in enumerate(names) for k, other in enumerate(names) if set(one) & set(other))


def test_weights_of_classes_are_those_of_their_qualities():
    found = weights.of_classes(np.array([2.0, 3.0, 5.0]))
    assert found.tolist() == [2.0] * 12 + [3.0] * 12 + [5.0]


def test_weight_is_the_root_of_sounding_by_estimated():
    matrix = np.array([[55.0, 0.0, 5.0], [30.0, 10.0, 0.0], [0.0, 0.0, 0.0]])
    extra = 0.01 * 100 / 3
    expected = [
        np.sqrt((60 + extra) / (85 + extra)),
        np.sqrt((40 + extra) / (10 + extra)),
        1.0,
    ]  # the third never sounds
    assert weights.from_confusion(matrix, strength=0.5) == pytest.approx(expected)


def test_weights_stay_within_bounds():
    matrix = np.array([[0.0, 1e6], [0.0, 1.0]])  # the first is never estimated, the second almost always by mistake
    assert weights.from_confusion(matrix, strength=2).tolist() == [8, 1 / 8]


def test_suggestion_raises_what_is_missed_and_shows_both_matrices():
    log_p, target = frames_of(np.random.default_rng(0))
    found = weights.suggest(weights.by_quality(log_p), target)
    assert found.weights[6] > 1 > found.weights[1]
    assert (found.weights[[0, 2, 44]] == 1).all()
    recalls = [weights.mean_recall(m) for m in (found.before, found.after)]
    assert recalls[0] == pytest.approx(0.65, abs=0.02)  # 1 of 600 majors and .69 of the sevenths missed
    assert recalls[1] == pytest.approx(0.84, abs=0.02)  # the best that unit deviations two apart allow: .841
    again = log_p + np.log(found.weights)[np.arange(529) // 12]  # what a decoder would add to its classes
    again = again.argmax(1)
    assert (found.after[1, 6], found.after[6, 1]) == (
        (again[:600] == NARROW.index(6, 0)).sum(),
        (again[600:] == NARROW.index(1, 0)).sum(),
    )


def test_suggestion_is_none_where_none_helps():
    log_p = np.full((2, 529), -5.0, np.float32)
    log_p[0, NARROW.index(1, 0)] = log_p[1, N] = 0.0
    found = weights.suggest(weights.by_quality(log_p), np.array([NARROW.index(1, 0), N]))
    assert (found.weights == 1).all()
    assert (found.before == found.after).all()


def test_unknown_frames_do_not_count():
    log_p, target = frames_of(np.random.default_rng(0))
    heard = weights.by_quality(log_p)
    more = np.concatenate([heard, heard[:100]]), np.concatenate([target, np.full(100, IGNORED)])
    assert (weights.suggest(*more).before == weights.suggest(heard, target).before).all()


def test_a_quality_is_its_likeliest_root_and_n_is_itself():
    log_p = np.full((2, 529), -9.0, np.float32)
    log_p[0, NARROW.index(6, 11)] = -1.0
    log_p[0, NARROW.index(6, 3)] = -2.0
    log_p[1, N] = -3.0
    found = weights.by_quality(log_p)
    assert (found.shape, found.dtype) == ((2, 45), np.float32)
    assert (found[0, 6], found[0, 5], found[0, 44], found[1, 44]) == (-1, -9, -9, -3)


def test_weights_of_qualities_choose_as_weights_of_classes_do():
    rng = np.random.default_rng(0)
    log_p, given = rng.normal(size=(200, 529)).astype(np.float32), rng.uniform(0.2, 5, 45)
    by_class = (log_p + np.log(given)[np.arange(529) // 12]).argmax(1) // 12
    by_quality = weights.weighted(weights.by_quality(log_p), given)
    assert by_quality.dtype == np.float32
    assert (by_quality.argmax(1) == by_class).all()


def test_careful_rounds_go_as_far_as_a_lopsided_model_needs():
    """A model that says C:7 to almost everything needs weights of 7 and 1/4."""
    rng, true = np.random.default_rng(0), np.repeat([1, 2, 6], 400)
    heard = np.full((1200, 45), -50.0)
    for place, q in enumerate((1, 2, 6)):
        heard[:, q] = rng.normal(1.0 * (true == q), 1) + (0, 0.5, 3.5)[place]
    found = weights.suggest(heard, NARROW.index(true, 0))
    assert (weights.recalls(found.before)[[1, 2]] < 0.1).all()
    assert (weights.recalls(found.after)[[1, 2, 6]] > 0.55).all()


def test_recalls_are_shares_of_what_sounds():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]])
    assert weights.recalls(matrix)[[0, 2]].tolist() == [0.75, 0.5]
    assert np.isnan(weights.recalls(matrix)[1])
    assert weights.mean_recall(matrix) == 0.625
    assert weights.mean_recall(np.zeros((2, 2))) == 0
