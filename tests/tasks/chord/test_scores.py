"""Scores of chords, beside mir_eval song by song and by hand."""

import mir_eval
import numpy as np
import pytest
from scipy.stats import binomtest

from chord_songs import random_song, segments, song
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation.lab import LabSegment, merge_repeats
from earmark.tasks.chord.scores import HEADLINES, INVERSIONS, WCSR, ScoredSong, evaluate, summed


def by_mir_eval(a: ScoredSong) -> dict[str, float]:
    """mir_eval.chord.evaluate of a song."""
    sides = [(np.array([s[:2] for s in part]), [s.label for s in part]) for part in (a.truth, a.estimate)]
    return mir_eval.chord.evaluate(*sides[0], *sides[1])


@pytest.mark.parametrize("seed", range(6))
def test_a_song_scores_as_mir_eval_scores_it(seed):
    a = random_song(seed)
    ours, theirs = evaluate([a], n_draws=0), by_mir_eval(a)
    assert set(theirs) == {*WCSR, *INVERSIONS, "overseg", "underseg", "seg"}
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name


def test_songs_are_pooled_by_the_seconds_that_count():
    """majmin leaves out the 9 s of sus4; root counts them."""
    found = evaluate([song("C 1", "C 1", "a"), song("G 2 | G:sus4 9", "C 2 | G:sus4 9", "b")], n_draws=0)
    assert found["majmin"] == pytest.approx(1 / 3)
    assert found["root"] == pytest.approx(10 / 12)


def test_bass_compares_pitch_classes_and_counts_n():
    found = evaluate([song("C/3 1 | E:min 1 | N 1 | N 1 | X 5", "E:min 1 | E 1 | N 1 | C 1 | C 5")], n_draws=0)
    assert found["bass"] == pytest.approx(3 / 4)


def test_529_classes_count_extensions_that_tetrads_drop():
    found = evaluate([song("C:9 1 | C:7(b9) 1 | C/3 1 | N 1 | X 4", "C:7 1 | C:7(b9) 1 | C 1 | N 1 | N 4")], n_draws=0)
    assert found["chord529_accuracy"] == pytest.approx(3 / 4)
    assert found["tetrads"] == pytest.approx(1)  # 9 is 7 there


def test_seg_is_the_smaller_of_each_song_pooled_by_length():
    """a: one chord cut in two halves, over .5, under 1; b: two chords of 3 and 1 s as one, over 1, under .75."""
    found = evaluate([song("C 2", "C 1 | G 1", "a"), song("C 3 | G 1", "C 4", "b")], n_draws=0)
    assert found["overseg"] == pytest.approx((2 * 0.5 + 4) / 6)
    assert found["underseg"] == pytest.approx((2 + 4 * 0.75) / 6)
    assert found["seg"] == pytest.approx((2 * 0.5 + 4 * 0.75) / 6)


def test_class_balanced_is_the_plain_mean_over_written_qualities():
    """maj, C/3 among it: 9 of 10 s; min7: 0; N: 1; X is left out."""
    a = song("C 8 | C/3 1 | D 1 | A:min7 1", "C 8 | C 1 | E 1 | A:min 1", "a")
    b = song("N 3 | X 9", "N 3 | C 9", "b")
    found = evaluate([a, b], n_draws=0)
    assert found["class_balanced_tetrads"] == pytest.approx((0.9 + 0 + 1) / 3)
    assert summed([a, b]).qualities == ["N", "maj", "min7"]


@pytest.mark.parametrize(
    ("truth", "estimate", "score"),
    [(0, 0, 1.0), (0, 7, 0.5), (0, 21, 0.3), (0, 12, 0.2), (0, 2, 0.0), (21, 0, 0.3), (0, 24, 0.0)],
)
def test_weighted_key_score(truth, estimate, score):
    assert scores.key_weighted(truth, estimate) == score


def test_keys_count_songs_whose_key_is_known():
    songs = [song("C 1", "C 1", name, keys) for name, keys in [("a", (0, 0)), ("b", (0, 7)), ("c", (24, 3))]]
    found = evaluate(songs, n_draws=0)
    assert (found["key_accuracy"], found["key_weighted"]) == (0.5, 0.75)
    assert "key_accuracy" not in evaluate(songs[2:], n_draws=20)


def test_transitions_match_within_a_quarter_second_once_each():
    """Truth changes at 2, 4 and 6 s; estimates at 2.2 and 2.24 (one match), 4.3 (too late) and 6: F1 = 4 / 7."""
    estimate = "C 2.2 | D 0.04 | G 2.06 | F 1.7 | C 2"
    assert evaluate([song("C 2 | G 2 | F 2 | C 2", estimate)], n_draws=0)["transition_f1"] == pytest.approx(4 / 7)


def test_transitions_are_changes_of_chord_or_bass_and_not_of_rows():
    assert evaluate([song("C 2 | C:maj 2 | C/3 2", "C 4 | C/3 2")], n_draws=0)["transition_f1"] == 1
    assert evaluate([song("C 2 | C/3 2", "C 4")], n_draws=0)["transition_f1"] == 0


def test_transitions_beside_the_unknown_do_not_count():
    found = evaluate([song("C 2 | X 3 | G 2 | C 2", "C 2.1 | D 1 | E 1.9 | G 2 | C 2")], n_draws=0)
    assert found["transition_f1"] == 1


def test_time_that_an_estimate_leaves_out_is_no_chord_and_what_it_has_beyond_is_cut():
    late = ScoredSong("a", segments("N 1 | C 2 | G 1"), [LabSegment(1.0, 3.0, "C")], "a")
    assert evaluate([late], n_draws=0)["root"] == pytest.approx(3 / 4)
    assert evaluate([song("C 2", "C 2 | G 5")], n_draws=0)["root"] == 1


def test_intervals_are_over_groups():
    """Two groups, one right and one wrong: Clopper and Pearson say .0126 to .9874. One group says next to nothing."""
    found = evaluate([song("C 1", "C 1", "a"), song("C 1", "G 1", "b")], n_draws=20_000)
    exact = binomtest(1, 2).proportion_ci()
    assert found["root_ci95"] == pytest.approx([exact.low, exact.high], abs=0.003)
    assert found["class_balanced_tetrads_ci95"] == pytest.approx([exact.low, exact.high], abs=0.003)
    assert set(found["ci95_methods"]) == {"gaffke"}
    together = [
        ScoredSong(n, segments("C 1"), segments(e), "same") for n, e in zip("abcd", ("C 1", "G 1") * 2, strict=True)
    ]
    low, high = evaluate(together, n_draws=2000)["root_ci95"]
    assert low < 0.05
    assert high > 0.95
    assert {f"{name}_ci95" for name in HEADLINES} - set(found) == {"key_accuracy_ci95", "key_weighted_ci95"} | {
        "transition_f1_ci95"  # neither song has one
    }


def test_of_the_mean_over_qualities_each_second_counts_by_its_qualitys():
    sums = summed([song("C 3 | A:min 1", "C 4", "a"), song("C 1", "G 1", "b")])
    right, count = sums.of("class_balanced_tetrads")
    np.testing.assert_allclose(right, [3 / 4, 0])  # of 4 seconds of major chords and 1 of a minor one
    np.testing.assert_allclose(count, [3 / 4 + 1, 1 / 4])
    assert sums.figure("class_balanced_tetrads") == pytest.approx(3 / 8)


def test_songs_without_a_quality_leave_it_out():
    sums = summed([song("C 1", "C 1", "a"), song("A:min 1", "C 1", "b")])
    assert sums.figure("class_balanced_tetrads") == 0.5
    assert sums.figure("class_balanced_tetrads", np.array([0, 0])) == 1


def test_pieces_know_the_length_of_the_true_chord():
    cut = scores.pieces([song("C 1 | C:maj 1 | G 2", "C 1.5 | G 2.5")])
    assert cut.seconds.tolist() == [1.0, 0.5, 0.5, 2.0]
    assert cut.chord_s.tolist() == [2.0, 2.0, 2.0, 2.0]
    assert [cut.pairs[i] for i in cut.pair] == [("C", "C"), ("C:maj", "C"), ("C:maj", "G"), ("G", "G")]
    assert len(merge_repeats(segments("C 1 | C:maj 1 | G 2"))) == 2
