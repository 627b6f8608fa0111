"""One path over chords with their basses: the pairs that it may go through, what each scores, and what each costs.

A pair is a chord class and a bass 0..11, or N with the bass 12, none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from earmark.features.rows import Rows
from earmark.tasks.chord.decoding.viterbi import Scores, blocks
from earmark.tasks.chord.notation.harte import NO_BASS
from earmark.tasks.chord.notation.vocabulary import Vocabulary

# Nats below a frame's likeliest chord, and below its likeliest bass, within which a pair is looked at throughout the
# recording. A pair outside in every frame could only win by coming second everywhere.
BEAM = {"chord": 3.0, "bass": 3.0}
ROOT, INVERSION, FOREIGN = range(3)  # what a bass is to its chord


@dataclass(frozen=True)
class Pairs:
    """Pairs in the order of their classes, the root before other basses.

    chord, bass: (n,). kind: (n,) ROOT, INVERSION or FOREIGN; N's is ROOT.
    """

    chord: np.ndarray
    bass: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.chord)


@lru_cache(maxsize=4)
def tones(words: Vocabulary) -> np.ndarray:
    """Which pitch classes belong to each class: (classes, 12) float32, 0 or 1; none to N."""
    found = np.zeros((words.n_classes, 12), np.float32)
    for index in range(words.none):
        quality, root = divmod(index, 12)
        found[index, [(root + i) % 12 for i in words.qualities[quality].intervals]] = 1
    return found


def all_pairs(words: Vocabulary) -> Pairs:
    """Every chord over every bass, and N."""
    return _pairs(np.ones((words.none, 12), bool), True, words)


def near(chord: Scores, bass: Scores, words: Vocabulary, beam: dict[str, float]) -> Pairs:
    """The pairs that lie within the beam in some frame; a chord within it has its root as bass in any case.

    chord: (frames, classes), bass: (frames, 13) log-probabilities.
    """
    together, alone = np.zeros((words.none, 12), bool), np.zeros(words.n_classes, bool)
    for heard, below in _both(chord, bass):
        chords = heard >= heard.max(1, keepdims=True) - np.float32(beam["chord"])
        basses = below[:, :12] >= below[:, :12].max(1, keepdims=True) - np.float32(beam["bass"])
        among = chords.any(0)
        alone |= among
        among = np.flatnonzero(among[:-1])
        together[among] |= (chords[:, among].T.astype(np.float32) @ basses.astype(np.float32)) > 0
    index = np.arange(words.none)
    together[index, index % 12] |= alone[:-1]
    return _pairs(together, bool(alone[-1]), words)


def _pairs(which: np.ndarray, none: bool, words: Vocabulary) -> Pairs:
    """which: (classes without N, 12), true where a chord is looked at over a bass; none: whether N is."""
    own = tones(words)[:-1]
    root = np.arange(words.none) % 12
    above = (root[:, None] + np.arange(12)) % 12  # (class, interval), the root first
    chord, interval = np.nonzero(np.take_along_axis(which, above, 1))
    bass = (chord + interval) % 12
    kind = np.where(interval == 0, ROOT, np.where(own[chord, bass] > 0, INVERSION, FOREIGN))
    if none:
        chord, bass, kind = np.append(chord, words.none), np.append(bass, NO_BASS), np.append(kind, ROOT)
    return Pairs(chord, bass, kind)


@dataclass(frozen=True)
class PairScores:
    """Scores (frames, pairs), worked out block by block: the chord's log-probability and `weight` times the bass's.

    foreign: (frames, 12), what a bass scores beside where it is no tone of its chord.
    """

    chord: Scores
    bass: Scores
    foreign: Scores
    pairs: Pairs
    weight: float

    def __len__(self) -> int:
        return len(self.chord)

    def __iter__(self) -> Iterator[np.ndarray]:
        p, n = self.pairs, 0
        column = np.where(p.kind == FOREIGN, 13 + p.bass, p.bass)
        for heard, below in _both(self.chord, self.bass):
            more = np.asarray(_rows(self.foreign, n, len(heard)))
            low = np.float32(self.weight) * below
            yield heard.take(p.chord, 1) + np.concatenate([low, low[:, :12] + more], 1).take(column, 1)
            n += len(heard)


def _both(chord: Scores, bass: Scores) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of the chords, and the basses of the same frames."""
    n = 0
    for block in blocks(chord):
        yield block, _rows(bass, n, len(block))
        n += len(block)


def _rows(scores: Scores, start: int, n: int) -> np.ndarray:
    return scores.read(start, start + n) if isinstance(scores, Rows) else scores[start : start + n]
