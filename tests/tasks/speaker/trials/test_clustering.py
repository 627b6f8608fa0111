"""Agglomeration and its figures, worked by hand."""

import itertools

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

from earmark.tasks.speaker.trials import clustering


def at_angles(*degrees: float) -> np.ndarray:
    """Unit vectors (n, 2)."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def apart(degrees: float) -> float:
    """Cosine distance of vectors this far apart."""
    return 1 - np.cos(np.radians(degrees))


TWO = at_angles(0, 10, 90, 110)  # two near 0, two near 100


def groups(clusters: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(clusters == c).tolist()) for c in np.unique(clusters)}


def test_average_linkage_on_cosine_by_hand():
    merges = clustering.tree(TWO)
    between = np.mean([apart(a) for a in (90, 110, 80, 100)])
    np.testing.assert_allclose(merges[:, 2], [apart(10), apart(20), between], rtol=1e-5)
    assert merges[:, :2].astype(int).tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_cut_gives_as_many_clusters_as_asked():
    merges = clustering.tree(TWO)
    assert groups(clustering.cut_into(merges, 2)) == {frozenset({0, 1}), frozenset({2, 3})}
    assert groups(clustering.cut_into(merges, 3)) == {frozenset({0, 1}), frozenset({2}), frozenset({3})}
    assert [len(groups(clustering.cut_into(merges, k))) for k in range(1, 5)] == [1, 2, 3, 4]
    same = clustering.tree(np.repeat(at_angles(0), 6, axis=0))  # all distances are 0
    assert [len(groups(clustering.cut_into(same, k))) for k in range(1, 7)] == [1, 2, 3, 4, 5, 6]


def test_a_cut_at_a_distance_joins_what_is_not_farther():
    merges = clustering.tree(TWO)
    assert [len(groups(clustering.cut_at(merges, apart(d)))) for d in (5, 11, 21)] == [4, 3, 2]
    assert len(groups(clustering.cut_at(merges, 2.0))) == 1


def test_as_scikit_learn():
    x = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    merges = clustering.tree(x)
    for k in (2, 5, 17):
        other = AgglomerativeClustering(k, metric="cosine", linkage="average").fit_predict(x)
        assert groups(clustering.cut_into(merges, k)) == groups(other)


@pytest.mark.parametrize(
    ("clusters", "rate"),
    [
        ([5, 5, 5, 7, 7], 0.0),  # names of clusters do not matter
        ([0, 0, 1, 1, 1], 0.2),
        ([0, 0, 0, 0, 0], 0.4),  # y has no cluster of its own
        ([0, 1, 2, 3, 4], 0.6),  # three clusters are nobody's
        ([0, 1, 1, 1, 0], 0.4),  # x may have cluster 1 and y 0
    ],
)
def test_misclassification_by_hand(clusters, rate):
    assert clustering.misclassification_rate(np.array(clusters), np.array(list("xxxyy"))) == pytest.approx(rate)


def test_which_utterances_lie_right():
    right = clustering.in_own_cluster(np.array([0, 0, 1, 1, 1]), np.array(list("xxxyy")))
    assert right.tolist() == [True, True, False, True, True]


def test_the_assignment_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        speakers, clusters = rng.integers(0, 4, 15), rng.integers(0, 4, 15)
        best = max(
            np.mean([clusters[i] == names[speakers[i]] for i in range(15)])
            for names in itertools.permutations(range(4))
        )
        assert clustering.misclassification_rate(clusters, speakers) == pytest.approx(1 - best)


def test_agreement_by_hand():
    whole = clustering.agreement(np.array([1, 1, 0, 0]), np.array(list("xxyy")))
    assert whole == {"ari": pytest.approx(1.0), "nmi": pytest.approx(1.0)}
    # Each cluster holds one of each speaker: no information; of 6 pairs none agrees where 2/3 was expected.
    none = clustering.agreement(np.array([0, 1, 0, 1]), np.array(list("xxyy")))
    assert none == {"ari": pytest.approx(-0.5), "nmi": pytest.approx(0.0, abs=1e-12)}


@pytest.mark.parametrize("n_clusters", [1, 2, 5, 40])
def test_agreement_of_draws_is_that_of_each(n_clusters):
    rng = np.random.default_rng(n_clusters)
    speakers = np.repeat([*"abcdefgh"], 5)
    mixed = rng.integers(0, n_clusters, 40)
    for clusters in (mixed, np.repeat(np.arange(8), 5)):
        draws = [rng.integers(0, 40, 40) for _ in range(30)] + [np.arange(5), np.arange(1), np.array([0, 0, 39])]
        found = clustering.agreements(clusters, speakers, draws)
        each = [clustering.agreement(clusters[d], speakers[d]) for d in draws]
        for name in ("ari", "nmi"):
            np.testing.assert_allclose(found[name], [one[name] for one in each], atol=1e-9)


def test_the_threshold_lies_in_the_middle_of_the_widest_gap_of_the_best_cut():
    merges = clustering.tree(TWO)
    between = merges[2, 2]
    assert clustering.best_threshold(merges, np.array(list("xxyy"))) == pytest.approx((apart(20) + between) / 2)
    assert clustering.best_threshold(merges, np.array(list("xxyz"))) == pytest.approx((apart(10) + apart(20)) / 2)
    assert clustering.best_threshold(merges, np.array(list("xxxx"))) == pytest.approx((between + 2) / 2)
    assert clustering.best_threshold(merges, np.array(list("wxyz"))) == pytest.approx(apart(10) / 2, rel=1e-5)


def test_a_threshold_does_what_it_was_chosen_for():
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((8, 6))
    speakers = np.repeat(np.arange(8), 6)
    x = centres[speakers] + 0.5 * rng.standard_normal((48, 6))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    merges = clustering.tree(x)
    chosen = clustering.best_threshold(merges, speakers)
    rates = [clustering.misclassification_rate(clustering.cut_at(merges, t), speakers) for t in np.linspace(0, 2, 2001)]
    assert clustering.misclassification_rate(clustering.cut_at(merges, chosen), speakers) == min(rates)
    assert 0 < min(rates) < 0.3


def test_equal_distances_leave_no_room_for_a_threshold():
    alike = clustering.tree(np.repeat(at_angles(0), 4, axis=0))
    # Two clusters would be right more often than one, but no distance gives two.
    assert clustering.best_threshold(alike, np.array(list("xxyy"))) == pytest.approx(1.0)


def test_of_two_cuts_as_good_the_one_with_more_room_is_taken():
    merges = clustering.tree(at_angles(0, 10, 150, 170))
    between = np.mean([apart(a) for a in (150, 170, 140, 160)])
    # One cluster, and two, both misclassify one of x, y, y, y; between 1.94 and 2 there is little room.
    found = clustering.best_threshold(merges, np.array(list("xyyy")))
    assert found == pytest.approx((apart(20) + between) / 2)
