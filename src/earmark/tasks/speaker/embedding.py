"""From voices to vectors: an utterance's embedding is the mean of its stretches', of length 1."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.voices import Segments, stretches

LONGEST = 1000  # frames heard at once, 10 s


def of_frames(tower: nn.Module, decibels: Tensor, normalize: str) -> Tensor:
    """The embedding (d,) of voiced frames (n, bands), L2-normalised; normalize: as the features' settings say."""
    return of_blocks(tower, [decibels], len(decibels), normalize)


@torch.no_grad()
def of_blocks(tower: nn.Module, blocks: Iterable[Tensor], n: int, normalize: str) -> Tensor:
    """The same of n frames in blocks (k, bands)."""
    parts = _regrouped(blocks, [stop for _, stop in stretches(n, LONGEST)])
    said = None
    for i, part in enumerate(parts):
        one = build.embed(tower, log_mel.normalized(part[None], normalize))
        if said is None:  # one block for all: many small ones would keep the heap from shrinking
            said = one.new_empty(max(1, -(-n // LONGEST)), one.shape[1])
        said[i] = one[0]
    return F.normalize(said.mean(0), dim=0)


def _regrouped(blocks: Iterable[Tensor], stops: list[int]) -> Iterator[Tensor]:
    """The frames of blocks (k, bands) anew, each part up to the next of `stops`."""
    held = None
    start = 0
    places = iter(stops)
    stop = next(places)
    for block in blocks:
        held = block if held is None else torch.cat([held, block])
        while stop is not None and start + len(held) >= stop:
            yield held[: stop - start]
            held, start, stop = held[stop - start :], stop, next(places, None)


@torch.no_grad()
def of_runs(tower: nn.Module, segments: Segments, normalize: str) -> Tensor:
    """The embeddings (runs, d) of whole runs."""
    return torch.stack([of_frames(tower, segments.whole(run)[0], normalize) for run in range(len(segments.lengths))])
