"""One path over chords with their basses: against every path, and pairs by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.features import rows
from earmark.tasks.chord.decoding import joint
from earmark.tasks.chord.decoding.viterbi import viterbi
from earmark.tasks.chord.notation.vocabulary import QUALITIES, WIDE, Vocabulary

SMALL = Vocabulary(QUALITIES[1:3])  # maj, min
WEIGHT = 0.7
PRICE = {joint.ROOT: 0.0, joint.INVERSION: 1.5, joint.FOREIGN: 4.0}
EVERYTHING = {"chord": np.inf, "bass": np.inf}


def word(seed: int, frames: int, spread: float, words: Vocabulary = SMALL) -> tuple[np.ndarray, ...]:
    """Chords (frames, classes), basses (frames, 13), what foreign basses gain (frames, 12), costs (frames,)."""
    rng = np.random.default_rng(seed)
    sizes = (words.n_classes, 13, 12)
    heard = [(spread * rng.normal(size=(frames, n))).astype(np.float32) for n in sizes]
    return (*heard, rng.uniform(0, 3, frames))


def found(chord, bass, foreign, cost, pairs, words=SMALL) -> list[tuple[int, int]]:
    scores = joint.PairScores(chord, bass, foreign, pairs, WEIGHT)
    path = viterbi(scores, cost, np.array([PRICE[k] for k in pairs.kind]))
    return [(int(pairs.chord[s]), int(pairs.bass[s])) for s in path]


def worth(path, chord, bass, foreign, cost, words=SMALL) -> float:
    """A path's score, worked out from what the words mean."""
    total, before = 0.0, None
    for t, (c, b) in enumerate(path):
        total += chord[t, c] + WEIGHT * bass[t, b]
        kind = joint.ROOT
        if c != words.none and b != c % 12:
            own = (b - c) % 12 in words.qualities[c // 12].intervals
            kind = joint.INVERSION if own else joint.FOREIGN
        total += foreign[t, b] if kind == joint.FOREIGN else 0
        if (c, b) != before:
            total -= PRICE[kind] + (cost[t] if t else 0)
        before = (c, b)
    return total


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 3), spread=st.sampled_from([0.5, 2.0, 5.0]))
def test_the_path_is_brute_forces(seed, frames, spread):
    chord, bass, foreign, cost = word(seed, frames, spread)
    chords, basses = (0, 4, 7, 12, 24), (0, 3, 4)  # of all: C:maj, E:maj, G:maj, C:min and N, over C, Eb and E
    states = [*product(chords[:-1], basses), (24, 12)]
    chord[:, [c for c in range(25) if c not in chords]] = -99
    bass[:, [b for b in range(12) if b not in basses]] = -299  # no price makes up for it
    best = max(product(states, repeat=frames), key=lambda p: worth(p, chord, bass, foreign, cost))
    path = found(chord, bass, foreign, cost, joint.all_pairs(SMALL))
    assert worth(path, chord, bass, foreign, cost) == pytest.approx(worth(best, chord, bass, foreign, cost), abs=1e-3)
    assert path == list(best)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 40), spread=st.sampled_from([0.3, 1.0, 4.0]))
def test_a_beam_that_covers_what_wins_changes_nothing(seed, frames, spread):
    """Of all pairs, those that the best path goes through; the beam is as wide as it takes to hold them."""
    chord, bass, foreign, cost = word(seed, frames, spread)
    whole = found(chord, bass, foreign, cost, joint.all_pairs(SMALL))
    t = np.arange(frames)
    chords, basses = np.array(whole).T
    beam = {
        "chord": (chord.max(1) - chord[t, chords]).max() + 1e-3,
        "bass": max((bass[:, :12].max(1) - bass[t, basses % 12])[chords < 24].max(initial=0), 0) + 1e-3,
    }
    few = joint.near(chord, bass, SMALL, beam)
    assert found(chord, bass, foreign, cost, few) == whole


def test_pairs_by_hand():
    """Two frames: C:maj and, within the beam, A:min over C, E or G; then N, and G:maj too far behind."""
    chord, bass = np.full((2, 25), -9.0, np.float32), np.full((2, 13), -9.0, np.float32)
    chord[0, [0, 12 + 9]], chord[1, [24, 7]] = (0, -1.5), (0, -2.5)
    bass[0, [0, 4, 7, 2]], bass[1, [5, 12]] = (-1.9, 0, -1.0, -2.1), (-3, 0)
    pairs = joint.near(chord, bass, SMALL, {"chord": 2.0, "bass": 2.0})
    rows = list(zip(pairs.chord.tolist(), pairs.bass.tolist(), pairs.kind.tolist(), strict=True))
    root = joint.ROOT
    inversion = joint.INVERSION
    foreign = joint.FOREIGN
    assert rows == [
        (0, 0, root),
        (0, 4, inversion),
        (0, 7, inversion),
        (21, 9, root),
        (21, 0, inversion),
        (21, 4, inversion),
        (21, 7, foreign),
        (24, 12, root),
    ]


def test_all_pairs_and_their_kinds():
    pairs = joint.all_pairs(WIDE)
    assert len(pairs) == 56 * 12 * 12 + 1
    counts = np.bincount(pairs.kind)
    tones = sum(len(q.intervals) for q in WIDE.qualities)
    assert counts.tolist() == [56 * 12 + 1, 12 * (tones - 56), 12 * (56 * 12 - tones)]
    assert len(joint.near(np.zeros((1, 673)), np.zeros((1, 13)), WIDE, EVERYTHING)) == len(pairs)


def test_tones_are_a_chords_own():
    tones = joint.tones(WIDE)
    assert np.flatnonzero(tones[WIDE.index(13, 2)]).tolist() == [2, 6, 9, 11]  # D:maj6
    assert tones[WIDE.none].sum() == 0
    assert tones.sum(1)[:-1].tolist() == [len(q.intervals) for q in WIDE.qualities for _ in range(12)]


def test_no_frames():
    none = np.zeros((0, 25), np.float32), np.zeros((0, 13), np.float32), np.zeros((0, 12), np.float32)
    pairs = joint.near(*none[:2], SMALL, joint.BEAM)
    assert len(pairs) == 0
    assert found(*none, np.zeros(0), pairs) == []


def test_scores_on_disk_are_those_in_memory(monkeypatch):
    monkeypatch.setattr(rows, "MEMORY", 500)
    monkeypatch.setattr(rows, "BLOCK", 7 * 25 * 4)
    *heard, cost = word(3, 120, 2.0)
    with rows.Rows() as chord, rows.Rows() as bass, rows.Rows() as foreign:
        for kept, values in zip((chord, bass, foreign), heard, strict=True):
            kept.append(values)
        pairs, same = (joint.near(*of, SMALL, joint.BEAM) for of in ((chord, bass), heard[:2]))
        np.testing.assert_array_equal(pairs.chord, same.chord)
        np.testing.assert_array_equal(pairs.bass, same.bass)
        assert found(chord, bass, foreign, cost, pairs) == found(*heard, cost, same)
