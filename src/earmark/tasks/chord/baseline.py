"""The baseline that a chord network has to beat: librosa's chroma, a template for every triad, Viterbi decoding.

Nothing is learnt. The two numbers that it has were chosen on training and validation songs, the demo's and 40 generated
ones. Sevenths were tried as further templates, and cost more major and minor chords than they were worth.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from earmark.errors import EarmarkError
from earmark.evaluation import intervals
from earmark.evaluation.settings import EvaluateSettings
from earmark.features.compiled import alone_at_first
from earmark.tasks.chord import chroma, scores
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import NO_KEY

TRIADS = {"maj": (0, 4, 7), "min": (0, 3, 7)}
LABELS = (*(f"{root}:{triad}" for triad in TRIADS for root in harte.ROOTS), "N")
SHARPNESS = 8.0  # of the softmax over similarities
STAY = 0.99  # probability to stay with a chord from one frame to the next, 93 ms
FLAT = 0.5  # similarity of N: what all twelve pitch classes at once have with every triad
QUIET = 10 ** (-50 / 20)  # of the loudest frame; what is less is N
HEADLINES = tuple(name for name in scores.HEADLINES if not name.startswith("key"))


def templates() -> np.ndarray:
    """(24, 12) of length 1: the triads of LABELS."""
    found = np.zeros((len(LABELS) - 1, 12))
    for i, intervals_ in enumerate(TRIADS.values()):
        for root in range(12):
            found[12 * i + root, [(root + semitones) % 12 for semitones in intervals_]] = 1 / np.sqrt(len(intervals_))
    return found


def probabilities(found: np.ndarray) -> np.ndarray:
    """(frames, 25) of LABELS in each frame of chroma (frames, 12): the softmax of cosines to the templates."""
    level = np.linalg.norm(found, axis=1, keepdims=True)
    heard = level[:, 0] > QUIET * level.max()
    similar = np.concatenate([found @ templates().T / np.maximum(level, 1e-12), np.full((len(found), 1), FLAT)], axis=1)
    similar[~heard] = np.eye(len(LABELS))[-1]
    weights = np.exp(SHARPNESS * similar)
    return weights / weights.sum(1, keepdims=True)


@alone_at_first
def decode(found: np.ndarray) -> list[LabSegment]:
    """Chords of a recording from its chroma (frames, 12), from its beginning to its last frame's end."""
    from librosa import sequence  # takes a second

    path = sequence.viterbi(probabilities(found).T, sequence.transition_loop(len(LABELS), STAY))
    firsts = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    bounds = [0.0, *((first - 0.5) * chroma.HOP_S for first in firsts[1:])]
    times = zip(pairwise(bounds), firsts, strict=False)
    return [LabSegment(start, end, LABELS[path[first]]) for (start, end), first in times]


def songs(judged: list[scores.ScoredSong], features: Path) -> list[scores.ScoredSong]:
    """The same songs with what the baseline hears in them, which names no key. features: the folder with chroma."""
    found, unknown = chroma.load(features), {"key_truth": NO_KEY, "key_estimate": NO_KEY}
    if missing := sorted({song.name for song in judged} - set(found)):
        raise EarmarkError(
            f"{features / chroma.FILE} lacks '{missing[0]}'; run `dvc repro` to extract the features again."
        )
    return [replace(song, estimate=decode(found[song.name]), **unknown) for song in judged]


def figures(model: list[scores.ScoredSong], ours: list[scores.ScoredSong], settings: EvaluateSettings) -> dict:
    """The baseline's figures as `baseline_<name>`, with intervals, and by how much the model's majmin is larger.

    ours: what the baseline hears in the same songs.
    """
    every = scores.evaluate(ours, settings.bootstrap, settings.seed)
    found = {f"baseline_{key}": every[key] for name in HEADLINES for key in (name, f"{name}_ci95") if key in every}
    (right, seconds), (theirs, _) = (scores.summed(part).of("majmin") for part in (model, ours))
    if not seconds.any():
        return found
    group = np.array([song.group for song in model])
    return found | intervals.difference("majmin_minus_baseline", right, theirs, seconds, group, settings)
