"""How right chords are: mir_eval's measures pooled over songs by duration, and some that it lacks.

Every figure is a quotient of sums over songs, so that intervals over groups cost nothing: seconds that are right by
seconds that count, songs by songs, boundaries by boundaries.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import mir_eval
import numpy as np

from earmark.evaluation import intervals
from earmark.evaluation.paired import share_interval
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import NO_KEY, key_label

WCSR = ("root", "thirds", "majmin", "mirex", "triads", "sevenths", "tetrads")
INVERSIONS = ("thirds_inv", "majmin_inv", "triads_inv", "sevenths_inv", "tetrads_inv")
OUTSIDE = -1.0  # mir_eval's score of what a measure does not count
BALANCED = "class_balanced_tetrads"  # a mean over qualities
TOLERANCE_S = 0.25  # of a transition
TINY_S = 1e-9  # no quality that occurs is so short
HEADLINES = (
    *("root", "majmin", "mirex", "sevenths", "tetrads", "bass", "seg", BALANCED),
    *("key_accuracy", "key_weighted", "transition_f1", "chord529_accuracy"),
)


@dataclass(frozen=True)
class ScoredSong:
    """Truth and estimate of a recording, without gaps (lab.read closes them); keys 0..23, NO_KEY where unknown."""

    name: str
    truth: list[LabSegment]
    estimate: list[LabSegment]
    group: str
    key_truth: int = NO_KEY
    key_estimate: int = NO_KEY


@dataclass(frozen=True)
class ScoredPieces:
    """All songs' time, cut where truth or estimate changes: n pieces, and the distinct pairs of labels in them.

    song: (n,) which song. seconds: (n,) length. chord_s: (n,) length of the whole true chord that a piece is part of.
    pair: (n,) place in `pairs`, (truth, estimate).
    """

    song: np.ndarray
    seconds: np.ndarray
    chord_s: np.ndarray
    pair: np.ndarray
    pairs: list[tuple[str, str]]


@dataclass(frozen=True)
class Sums:
    """Numerators and denominators by figure, (songs,) each, and those of tetrads by quality, (songs, qualities)."""

    parts: dict[str, tuple[np.ndarray, np.ndarray]]
    qualities: list[str]
    by_quality: tuple[np.ndarray, np.ndarray]

    def figure(self, name: str, rows: np.ndarray | slice = slice(None)) -> float:
        """A figure over some songs (all by default; a song may come twice); NaN where nothing counts."""
        right, count = (part.sum() for part in self.of(name, rows))
        return float(right / count) if count > 0 else np.nan

    def of(self, name: str, rows: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """What is right and what counts in some songs, (songs,) each; seconds by their quality's for BALANCED."""
        if name != BALANCED:
            right, count = self.parts[name]
            return right[rows], count[rows]
        seconds = self.by_quality[1][rows].sum(0)
        share = np.where(seconds > 0, 1 / np.maximum(seconds, TINY_S), 0)
        right, count = (part[rows] @ share for part in self.by_quality)
        return right, count


def evaluate(songs: list[ScoredSong], n_draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Every figure of the songs, those of HEADLINES with `<name>_ci95` over groups, unless n_draws is 0.

    A figure that nothing in the truth bears on is left out: the keys of songs whose key nobody wrote down.
    """
    sums = summed(songs)
    names = [*sums.parts, BALANCED]
    found = {name: sums.figure(name) for name in names}
    found = {name: value for name, value in found.items() if np.isfinite(value)}
    group = np.array([s.group for s in songs])
    for name in HEADLINES if n_draws else ():
        if name in found:
            right, count = sums.of(name)
            found[f"{name}_ci95"] = share_interval(right, count, group, draws=n_draws, seed=seed)
    return found | intervals.methods(found)


def summed(songs: list[ScoredSong]) -> Sums:
    """Sums of every figure, song by song."""
    cut = pieces(songs)
    compared = comparisons(cut.pairs)
    n = len(songs)
    parts = {name: _seconds_right(cut, score[cut.pair], n) for name, score in compared.items()}
    rows = [_song_parts(song) for song in songs]
    parts |= {name: tuple(np.array([row[name] for row in rows]).T) for name in rows[0]}
    return Sums(parts, *_by_quality(cut, compared["tetrads"][cut.pair], n))


def pieces(songs: Iterable[ScoredSong]) -> ScoredPieces:
    """Cut the truth's time at every boundary; an estimate counts as N where it has begun late or ended early."""
    song = []
    seconds = []
    chord_s = []
    pair = []
    places = {}
    for i, s in enumerate(songs):
        start, end = s.truth[0].start_s, s.truth[-1].end_s
        estimate = lab.cut_to_span(s.estimate, start, end, "N")
        bounds = np.unique([x.start_s for x in (*s.truth, *estimate)] + [end])
        labels = zip(_at(s.truth, bounds), _at(estimate, bounds), strict=True)
        pair += [places.setdefault((t.label, e.label), len(places)) for t, e in labels]
        chord_s += [c.end_s - c.start_s for c in _at(lab.merge_repeats(s.truth), bounds)]
        seconds += list(np.diff(bounds))
        song += [i] * (len(bounds) - 1)
    return ScoredPieces(np.array(song), np.array(seconds), np.array(chord_s), np.array(pair), list(places))


def _at(segments: list[LabSegment], bounds: np.ndarray) -> list[LabSegment]:
    """The segment that each of the pieces between `bounds` lies in."""
    place = np.searchsorted([s.start_s for s in segments], bounds[:-1], side="right") - 1
    return [segments[i] for i in place]


def comparisons(pairs: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Score 0..1 of (truth, estimate) by measure, (pairs,) each, OUTSIDE where the measure does not count it.

    bass: the same pitch class, or N twice. chord529_accuracy: the same class, extensions counted; what ChordNet's
    table lacks stands for its nearest class on both sides.
    """
    truth, estimate = ([pair[side] for pair in pairs] for side in (0, 1))
    found = {name: getattr(mir_eval.chord, name)(truth, estimate) for name in (*WCSR, *INVERSIONS)}
    chords = [(harte.parse(t), harte.parse(e)) for t, e in pairs]
    found["bass"] = np.array([float(t.bass == e.bass) for t, e in chords])
    found["chord529_accuracy"] = np.array([float(harte.class_of(t) == harte.class_of(e)) for t, e in chords])
    unknown = np.array([t == harte.UNKNOWN for t, _ in chords])
    for name in ("bass", "chord529_accuracy"):
        found[name][unknown] = OUTSIDE
    return found


def _seconds_right(cut: ScoredPieces, score: np.ndarray, n_songs: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds that are right and seconds that count, (songs,) each."""
    counts = np.where(score >= 0, cut.seconds, 0.0)
    return np.bincount(cut.song, counts * score.clip(0), n_songs), np.bincount(cut.song, counts, n_songs)


def _by_quality(cut: ScoredPieces, score: np.ndarray, n_songs: int) -> tuple[list[str], tuple[np.ndarray, np.ndarray]]:
    """The truth's qualities as written (without bass), and seconds right and counted, (songs, qualities) each."""
    written = np.array([harte.quality_of(t) for t, _ in cut.pairs])[cut.pair]
    names = sorted(set(written) - {"X"})
    parts = [_seconds_right(cut, np.where(written == q, score, OUTSIDE), n_songs) for q in names]
    right, counts = (np.stack([part[side] for part in parts], 1) for side in (0, 1))
    return names, (right, counts)


def _song_parts(song: ScoredSong) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of a song's own figures: segmentation by its length, key by 1, transitions."""
    start, end = song.truth[0].start_s, song.truth[-1].end_s
    estimate = lab.cut_to_span(song.estimate, start, end, "N")
    over, under = _segmentation(song.truth, estimate)
    parts = {"overseg": over, "underseg": under, "seg": min(over, under)}
    parts = {name: ((end - start) * value, end - start) for name, value in parts.items()}
    known = song.key_truth != NO_KEY
    parts["key_accuracy"] = (float(known and song.key_truth == song.key_estimate), float(known))
    parts["key_weighted"] = (key_weighted(song.key_truth, song.key_estimate) if known else 0.0, float(known))
    parts["transition_f1"] = _transition_parts(song.truth, estimate)
    return parts


def _segmentation(truth: list[LabSegment], estimate: list[LabSegment]) -> tuple[float, float]:
    """mir_eval's over- and under-segmentation, neighbours of the same chord merged as it does."""
    merged = [
        mir_eval.chord.merge_chord_intervals(np.array([s[:2] for s in segments]), [s.label for s in segments])
        for segments in (truth, estimate)
    ]
    return mir_eval.chord.overseg(*merged), mir_eval.chord.underseg(*merged)


def key_weighted(truth: int, estimate: int) -> float:
    """mir_eval's weighted key score: 1 right, .5 a fifth above, .3 relative, .2 parallel; 0 without an estimate."""
    if estimate == NO_KEY:
        return 0.0
    names = (key_label(key).replace(":maj", " major").replace(":min", " minor") for key in (truth, estimate))
    return float(mir_eval.key.weighted_score(*names))


def _transition_parts(truth: list[LabSegment], estimate: list[LabSegment]) -> tuple[float, float]:
    """Twice the matched transitions, and all of both sides: their quotient is F1, for one song or pooled.

    A transition is the change of chord or bass inside the song. Beside or within X nobody knows, and nothing counts.
    """
    true, estimated = lab.merge_repeats(truth), lab.merge_repeats(estimate)
    unknown = [s for s in true if s.label == "X"]
    edges = {t for s in unknown for t in s[:2]}
    wanted = np.array([s.start_s for s in true[1:] if s.start_s not in edges])
    there = np.array([s.start_s for s in estimated[1:]])
    for s in unknown:
        there = there[(there <= s.start_s - TOLERANCE_S) | (there >= s.end_s + TOLERANCE_S)]
    matched = len(mir_eval.util.match_events(wanted, there, TOLERANCE_S)) if len(wanted) and len(there) else 0
    return 2.0 * matched, float(len(wanted) + len(there))
