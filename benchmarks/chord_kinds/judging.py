"""What tools said of kinds of recordings: figures, how far they lie from the clean songs', and from each other's."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from chord_kinds.recording import Kind
from earmark.evaluation.intervals import LEVEL
from earmark.evaluation.paired import share_difference
from earmark.tasks.chord import bench, scores
from earmark.tasks.chord.scores import ScoredSong

DRAWS = 2000
# Of a figure, the quality whose tetrads alone count; 'exact' is tetrads, since a triad with a seventh is another chord.
EXACT = {"exact_maj": "maj", "exact_min": "min"}


class Parts(NamedTuple):
    """What is right and what counts, (songs,) each, and the songs' names and groups."""

    right: np.ndarray
    count: np.ndarray
    names: list[str]
    groups: list[str]

    @property
    def share(self) -> float:
        """The figure; NaN where nothing counts."""
        return float(self.right.sum() / self.count.sum()) if self.count.sum() > 0 else np.nan


class Difference(NamedTuple):
    """A paired difference with a percentile interval of the bootstrap over songs, and the one of evaluation.paired.

    ci95 knows these songs alone; holds95 allows for one that nobody has seen, and of a dozen songs is wide.
    """

    difference: float
    ci95: list[float]
    holds95: list[float]


def answered(kind: Kind, answers: Path, truth: Path) -> dict[str, Parts]:
    """A tool's figures of a kind, from its .lab files and the kind's folder."""
    songs = bench.songs(answers, truth, lambda text: None)
    names = [song.name.partition("-")[2] for song in songs]
    groups = [song.group for song in songs]
    sums = scores.summed(songs)
    return {figure: Parts(*_parts(figure, songs, sums), names, groups) for figure in kind.figures}


def _parts(figure: str, songs: list[ScoredSong], sums: scores.Sums) -> tuple[np.ndarray, np.ndarray]:
    if figure in ("n_share", "n_in_music"):
        return none_said(songs, where=figure == "n_share")
    if figure in EXACT:
        at = [i for i, quality in enumerate(sums.qualities) if quality == EXACT[figure]]
        return sums.by_quality[0][:, at].sum(1), sums.by_quality[1][:, at].sum(1)
    return sums.parts["tetrads" if figure == "exact" else figure]


def none_said(songs: list[ScoredSong], where: bool) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of N in the estimate and seconds in all, (songs,) each, where the truth is N (`where`), or a chord."""
    cut = scores.pieces(songs)
    true, said = (np.array([pair[side] == "N" for pair in cut.pairs])[cut.pair] for side in (0, 1))
    known = np.array([pair[0] != "X" for pair in cut.pairs])[cut.pair]
    counts = np.where(known & (true == where), cut.seconds, 0.0)
    return np.bincount(cut.song, counts * said, len(songs)), np.bincount(cut.song, counts, len(songs))


def difference(ours: Parts, theirs: Parts, seed: int = 0) -> Difference | None:
    """By how much ours is larger on the songs that both have; of a song played faster the share is what counts."""
    both = sorted(set(ours.names) & set(theirs.names))
    if not both:
        return None
    mine, other = ([p.names.index(name) for name in both] for p in (ours, theirs))
    weight = theirs.count[other]
    scaled = ours.right[mine] * weight / np.maximum(ours.count[mine], 1e-9)
    apart = scaled - theirs.right[other]
    if len(both) < 2 or not weight.sum():
        return None
    group = np.array([theirs.groups[i] for i in other])
    held = share_difference(scaled, theirs.right[other], weight, group, LEVEL, seed=seed)
    drawn = [held.difference] * 2
    if np.ptp(apart):
        found = bootstrap(
            (apart, weight),
            lambda a, w, axis: a.sum(axis) / w.sum(axis),
            paired=True,
            method="percentile",
            n_resamples=DRAWS,
            rng=np.random.default_rng(seed),
        )
        drawn = [float(end) for end in found.confidence_interval]
    return Difference(held.difference, drawn, [held.low, held.high])


def by_group(parts: Parts) -> dict[str, float]:
    """The figure of every sub-kind of which something counts."""
    groups = np.array(parts.groups)
    sums = {g: [float(part[groups == g].sum()) for part in parts[:2]] for g in sorted(set(groups))}
    return {g: right / count for g, (right, count) in sums.items() if count}


def pooled(found: list[Parts]) -> Parts:
    """Several kinds as one."""
    right, count = (np.concatenate([p[side] for p in found]) for side in (0, 1))
    return Parts(right, count, [n for p in found for n in p.names], [g for p in found for g in p.groups])
