"""From classes' log-probabilities in frames to segments in seconds; numpy alone, and memory that hardly grows.

Frames are centred: frame t is heard around t * hop / sample_rate, and reaches half a hop either way.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from earmark.features.rows import Rows

AT_ONCE = 1024  # frames
LARGEST_COST = 30.0  # nats; a change that costs more is out of the question anyway


Scores = np.ndarray | Rows  # (frames, classes), in memory or on disk


class Blocks(Protocol):
    """Scores (frames, classes) that come in blocks (n, classes), as often as they are wanted."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[np.ndarray]: ...


def viterbi(log_probs: np.ndarray | Blocks, cost: np.ndarray | float, price: np.ndarray | float = 0.0) -> np.ndarray:
    """The path that maximises the sum of log-probabilities less `cost` for every change: (frames,) int64.

    log_probs: (frames, classes); cost: nats, at least 0, one number or (frames,) for a change into that frame (the
    first is not used). price: nats, at least 0, one number or (classes,): what a class costs besides when it is
    entered, in the first frame, too.
    score(t, c) = log_probs(t, c) + max(score(t-1, c), best(t-1) - cost(t) - price(c)): every class is left
    for the best one, so a frame takes one pass over the classes and not one over their pairs. Ties stay.
    """
    n = len(log_probs)
    if n == 0:
        return np.zeros(0, np.int64)
    worth = -np.asarray(price, np.float32)
    costs = np.broadcast_to(np.asarray(cost, np.float32), n)
    best = np.zeros(n, np.int32)
    score = None
    t = 0
    with Rows() as kept:
        for block in blocks(log_probs):
            entered = np.zeros(block.shape, bool)
            for row, into in zip(np.ascontiguousarray(block, np.float32), entered, strict=True):
                if score is None:
                    score = row + worth
                else:
                    best[t] = top = int(score.argmax())  # who leads before frame t
                    score -= score[top] - costs[t]  # entering is worth less than 0 by its price now
                    np.less(score, worth, out=into)
                    np.maximum(score, worth, out=score)
                    score += row
                t += 1
            kept.append(np.packbits(entered, axis=1))  # 3 hours at hop 544 would be 300 MB otherwise
        return _traced(kept, best, int(score.argmax()))


def blocks(scores: np.ndarray | Blocks) -> Iterator[np.ndarray]:
    """Blocks (n, classes) of scores, wherever they are."""
    if isinstance(scores, np.ndarray):
        return (scores[i : i + AT_ONCE] for i in range(0, len(scores), AT_ONCE))
    return iter(scores)


def _traced(kept: Rows, best: np.ndarray, last: int) -> np.ndarray:
    """Backwards: where a class was entered it came from the class that led before that frame."""
    path = np.empty(len(best), np.int64)
    for start, packed in kept.backwards():
        for t in range(start + len(packed) - 1, start - 1, -1):
            path[t] = last
            if t and packed[t - start, last >> 3] >> (7 - (last & 7)) & 1:
                last = int(best[t])
    return path


def switch_costs(change: np.ndarray, base: float, weight: float, reach: int = 0) -> np.ndarray:
    """What a change of chord costs in every frame, from the transition head's probability: (frames,) nats.

    base + weight * log((1 - p) / p), from 0 to 30: `base` where the head is undecided, less where it hears a
    change. change: (frames,) p; weight: how far the head is believed, 0: not at all.
    reach: frames either way in which the head may be early or late; the largest p within them counts.
    """
    n = len(change)
    padded = np.pad(change.astype(np.float64), reach)
    near = np.max([padded[i : i + n] for i in range(2 * reach + 1)], axis=0).clip(1e-6, 1 - 1e-6)
    return (base + weight * np.log((1 - near) / near)).clip(0, LARGEST_COST)


class ClassSegment(NamedTuple):
    """A class from start to end in seconds, and the mean of its probability there."""

    start_s: float
    end_s: float
    index: int
    probability: float


def segments(
    path: np.ndarray,
    log_probs: Scores,
    seconds_per_frame: float,
    duration_s: float,
    column: np.ndarray | None = None,
) -> list[ClassSegment]:
    """Runs of equal classes as segments that cover 0 to `duration_s` without gap or overlap.

    path: (frames,) classes; log_probs: (frames, columns); column: (classes,), each class's, None: they are the same.
    A boundary lies half-way between two frames' centres.
    Frames centred at or after the recording's end have no part in it. No frames give no segments.
    """
    n = min(len(path), max(1, int(np.ceil(duration_s / seconds_per_frame - 1e-9))))
    path = path[:n]
    if n == 0 or duration_s <= 0:
        return []
    first = np.flatnonzero(np.diff(path, prepend=path[0] - 1))
    own = np.exp(_along(path if column is None else column[path], log_probs)[:n])
    probability = np.add.reduceat(own, first) / np.diff(first, append=n)
    edges = np.concatenate([[0.0], (first[1:] - 0.5) * seconds_per_frame, [duration_s]])
    return [ClassSegment(*row) for row in zip(edges[:-1], edges[1:], path[first], probability, strict=True)]


def _along(path: np.ndarray, log_probs: Scores) -> np.ndarray:
    """The log-probability of each frame's class on a path, (frames,) float64; of as many frames as the path has."""
    own, t = np.empty(len(path)), 0
    for block in blocks(log_probs):
        classes = path[t : t + len(block)]
        own[t : t + len(classes)] = block[np.arange(len(classes)), classes]
        t += len(classes)
    return own
