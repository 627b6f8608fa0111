"""Songs of chords for the tests of scores: one worked out by hand, and random ones."""

from itertools import pairwise

import numpy as np

from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import NO_KEY
from earmark.tasks.chord.scores import ScoredSong

LABELS = (
    *("N", "X", "C", "C:maj/3", "F:maj/2", "A:min", "A:min7/b3", "C:maj6", "G:7", "G:9", "G:7(b9)/b7", "D:sus2"),
    *("G:sus4", "G:sus4(b7,9)", "B:hdim7", "B:dim7/b3", "E:aug", "E:aug(b7)", "Eb:maj7", "Eb:maj9/5", "F#:minmaj7"),
    *("C:5", "C:1", "Bb:13", "D:min11", "D:min(*5)"),
)


def segments(text: str) -> list[LabSegment]:
    """Segments of a text 'C 2 | G/3 1.5', each a label and its seconds, from 0 on."""
    done, now = [], 0.0
    for part in text.split("|"):
        label, seconds = part.split()
        done.append(LabSegment(now, now + float(seconds), label))
        now += float(seconds)
    return done


def song(truth: str, estimate: str, name: str = "a", keys: tuple[int, int] = (NO_KEY, NO_KEY)) -> ScoredSong:
    return ScoredSong(name, segments(truth), segments(estimate), name, *keys)


def random_song(seed: int) -> ScoredSong:
    """Truth and estimate of about 40 chords; half of the estimate's labels are the truth's."""
    rng = np.random.default_rng(seed)
    truth = segments(" | ".join(f"{rng.choice(LABELS)} {rng.uniform(0.1, 4):.6f}" for _ in range(40)))
    bounds = np.unique(np.round(np.concatenate([[0.3], rng.uniform(0.3, truth[-1].end_s + 2, 45)]), 6))
    estimate = []
    for start, end in pairwise(bounds):
        there = next((s.label for s in truth if s.start_s <= start < s.end_s), "N")
        label = there if rng.random() < 0.5 else str(rng.choice(LABELS))
        estimate.append(LabSegment(start, end, label))
    return ScoredSong(f"song{seed}", truth, estimate, f"song{seed}")
