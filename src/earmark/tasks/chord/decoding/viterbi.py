"""From classes' log-probabilities in frames to segments in seconds; numpy alone.

Frames are centred: frame t is heard around t * hop / sample_rate, and reaches half a hop either way.
"""

from typing import NamedTuple

import numpy as np

LARGEST_COST = 30.0  # nats; a change that costs more is out of the question anyway


def viterbi(log_probs: np.ndarray, cost: np.ndarray | float) -> np.ndarray:
    """The path that maximises the sum of log-probabilities less `cost` for every change: (frames,) int64.

    log_probs: (frames, classes); cost: nats, at least 0, one number or (frames,) for a change into that frame (the
    first is not used). score(t, c) = log_probs(t, c) + max(score(t-1, c), best(t-1) - cost(t)): every class is left
    for the best one, so a frame takes one pass over the classes and not one over their pairs. Ties stay.
    """
    n, n_classes = log_probs.shape
    if n == 0:
        return np.zeros(0, np.int64)
    costs = np.broadcast_to(np.asarray(cost, np.float32), n).tolist()
    rows = np.ascontiguousarray(log_probs, np.float32)
    entered, best = np.empty((n, n_classes), bool), np.zeros(n, np.int64)  # best[t]: leads before frame t
    score = rows[0].copy()
    for t in range(1, n):
        top = int(score.argmax())
        best[t] = top
        score -= score[top] - costs[t]  # a change is worth 0 now, and staying what is above it
        np.less(score, 0, out=entered[t])
        np.maximum(score, 0, out=score)
        score += rows[t]
    return _traced(entered, best, int(score.argmax()))


def _traced(entered: np.ndarray, best: np.ndarray, last: int) -> np.ndarray:
    """Backwards: where a class was entered it came from the class that led before that frame."""
    path = np.empty(len(best), np.int64)
    for t in range(len(best) - 1, -1, -1):
        path[t] = last
        if t and entered[t, last]:
            last = best[t]
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


class Segment(NamedTuple):
    """A class from start to end in seconds, and the mean of its probability there."""

    start_s: float
    end_s: float
    index: int
    probability: float


def segments(path: np.ndarray, log_probs: np.ndarray, seconds_per_frame: float, duration_s: float) -> list[Segment]:
    """Runs of equal classes as segments that cover 0 to `duration_s` without gap or overlap.

    path: (frames,) classes; log_probs: (frames, classes). A boundary lies half-way between two frames' centres.
    Frames centred at or after the recording's end have no part in it. No frames give no segments.
    """
    n = min(len(path), max(1, int(np.ceil(duration_s / seconds_per_frame - 1e-9))))
    path = path[:n]
    if n == 0 or duration_s <= 0:
        return []
    first = np.flatnonzero(np.diff(path, prepend=path[0] - 1))
    own = np.exp(log_probs[np.arange(n), path].astype(np.float64))
    probability = np.add.reduceat(own, first) / np.diff(first, append=n)
    edges = np.concatenate([[0.0], (first[1:] - 0.5) * seconds_per_frame, [duration_s]])
    return [Segment(*row) for row in zip(edges[:-1], edges[1:], path[first], probability, strict=True)]
