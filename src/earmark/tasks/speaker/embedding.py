"""From voices to vectors: an utterance's embedding is the mean of its stretches', of length 1."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.voices import Segments, stretches

LONGEST = 1000  # frames heard at once, 10 s


@torch.no_grad()
def of_frames(tower: nn.Module, decibels: Tensor, normalize: str) -> Tensor:
    """The embedding (d,) of voiced frames (n, bands), L2-normalised; normalize: as the features' settings say."""
    parts = [log_mel.normalized(decibels[a:b][None], normalize) for a, b in stretches(len(decibels), LONGEST)]
    said = torch.cat([build.embed(tower, part) for part in parts])
    return F.normalize(said.mean(0), dim=0)


@torch.no_grad()
def of_runs(tower: nn.Module, segments: Segments, normalize: str) -> Tensor:
    """The embeddings (runs, d) of whole runs."""
    return torch.stack([of_frames(tower, segments.whole(run)[0], normalize) for run in range(len(segments.lengths))])
