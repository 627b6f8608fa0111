"""Seconds that are right, song by song and quality by quality, sum up to the figures."""

import pytest

from chord_songs import random_song, song
from earmark.tasks.chord import outcomes, scores


def test_the_figures_are_quotients_of_what_is_kept():
    songs = [random_song(seed) for seed in range(5)]
    found, figures = outcomes.outcomes_of(songs), scores.evaluate(songs, n_draws=0)
    whole = found[found.figure == "majmin"]
    assert list(whole.recording) == [s.name for s in songs]
    assert set(whole.part) == {""}
    assert whole.right.sum() / whole.weight.sum() == pytest.approx(figures["majmin"])
    parts = found[found.figure == "tetrads"].groupby("part")[["right", "weight"]].sum()
    assert (parts.right / parts.weight).mean() == pytest.approx(figures["class_balanced_tetrads"])


def test_a_song_without_a_quality_has_no_row_of_it():
    found = outcomes.outcomes_of([song("C 2 | A:min7 1", "C 3", "a"), song("C 4", "C 1 | D 3", "b")])
    kept = found[found.figure == "tetrads"][["part", "group", "right", "weight"]].to_numpy().tolist()
    assert kept == [["maj", "a", 2.0, 2.0], ["maj", "b", 1.0, 4.0], ["min7", "a", 0.0, 1.0]]
