"""Speech end to end and random segments of it; numpy and torch alone, so that a bare GPU machine trains.

A session (a recording round, a chapter, a video) is one run of frames without its pauses, its recordings one after the
other: a segment is a stretch of a run, and may span short recordings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from earmark.features.store import Store
from earmark.tasks.speaker import log_mel


@dataclass(frozen=True)
class Voices:
    """values: (frames, bands) decibels. frames: rows of it, run after run. offsets, lengths: (runs,), in `frames`.

    speakers: (runs,) numbers 0 .. n - 1. Runs of one speaker stand together.
    """

    values: np.ndarray
    frames: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    speakers: np.ndarray


def gather(store: Store, runs: list[list[str]], speakers: np.ndarray, voice_db: float) -> Voices:
    """The voiced frames of runs, each the ids of recordings in a store; speakers: (runs,)."""
    known, rows = store.index(), []
    for ids in runs:
        parts = []
        for place in (known[i] for i in ids):
            first, n = store.offsets[place], store.lengths[place]
            parts.append(first + np.flatnonzero(log_mel.voiced(store.values[first : first + n], voice_db)))
        rows.append(np.concatenate(parts))
    lengths = np.array([len(r) for r in rows], np.int64)
    return Voices(store.values, np.concatenate(rows), np.cumsum(lengths) - lengths, lengths, speakers)


class Segments:
    """Stretches of runs as tensors on a device."""

    def __init__(self, voices: Voices, device: torch.device):
        self.device = device
        self.values = torch.from_numpy(np.ascontiguousarray(voices.values[voices.frames])).to(device)
        self.offsets, self.lengths = torch.from_numpy(voices.offsets), torch.from_numpy(voices.lengths)
        self.speakers = torch.from_numpy(voices.speakers)
        order = [np.flatnonzero(voices.speakers == s) for s in range(int(voices.speakers.max()) + 1)]
        self.runs_of = [torch.from_numpy(runs) for runs in order]
        self.n_runs = torch.tensor([float(len(runs)) for runs in order])

    def __call__(self, runs: Tensor, starts: Tensor, n: int) -> Tensor:
        """(batch, n, bands) decibels of runs (batch,) from frames starts (batch,); a run that ends begins again."""
        inside = (starts[:, None] + torch.arange(n)) % self.lengths[runs, None]
        return self.values[(self.offsets[runs, None] + inside).to(self.device)].float()

    def drawn(self, runs: Tensor, n: int) -> Tensor:
        """A random stretch (batch, n, bands) of every run."""
        room = (self.lengths[runs] - n).clamp_min(0)
        return self(runs, (torch.rand(len(runs)) * (room + 1)).long(), n)

    def batch(self, n_speakers: int, n_segments: int) -> Tensor:
        """Runs (n_speakers * n_segments,), speaker by speaker: different speakers, as many of a speaker's runs as there
        are before one comes twice.

        A speaker is drawn in proportion to the runs: who is known from several sessions shows what a session is.
        """
        chosen = torch.multinomial(self.n_runs, min(n_speakers, len(self.runs_of)))
        return torch.cat([_taken(self.runs_of[s], n_segments) for s in chosen.tolist()])

    def whole(self, run: int) -> Tensor:
        """All frames (1, n, bands) of a run."""
        first = int(self.offsets[run])
        return self.values[first : first + int(self.lengths[run])].float()[None]


def _taken(runs: Tensor, n: int) -> Tensor:
    rounds = -(-n // len(runs))
    return torch.cat([runs[torch.randperm(len(runs))] for _ in range(rounds)])[:n]


def stretches(n_frames: int, longest: int) -> Iterator[tuple[int, int]]:
    """A recording of n_frames as (first, stop) of equal parts of at most `longest` frames."""
    parts = max(1, -(-n_frames // longest))
    edges = [round(i * n_frames / parts) for i in range(parts + 1)]
    yield from pairwise(edges)
