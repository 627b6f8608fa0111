"""What a trained network is given besides, learnt in closed form from the training speakers' utterances."""

import numpy as np
import torch
from torch import nn

from earmark.tasks.speaker import embedding, features, log_mel, voices
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.embedding import LONGEST
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.networks.statistics import SpeakerStatistics
from earmark.tasks.speaker.settings import SpeakerModelSettings
from earmark.tasks.speaker.trials import baseline, utterances

SHRINKAGE = 0.05  # of the spread within speakers, for the statistics
WHITE_SHRINKAGE = 0.3  # of the spread of a network's embeddings


def add_closed_form(network: nn.Module, dataset: SpeakerDataset, model: SpeakerModelSettings) -> nn.Module:
    """The tower that `model` describes, from its trained network."""
    if model.whiten:
        many = isinstance(network, build.Views)
        views = zip(network.towers if many else [network], log_mel.views(dataset.features.normalize), strict=True)
        found = [whiten(tower, dataset, view) for tower, view in views]
        network = build.Views(found) if many else found[0]
    return build.NetworkWithStatistics(network, statistics(dataset), model.statistics) if model.statistics else network


def whiten(tower: nn.Module, dataset: SpeakerDataset, view: str) -> build.Whitened:
    """A tower whose embeddings of the training utterances have mean 0 and, shrunk to what is even, equal spread.

    view: what normalises its segments.
    """
    tower.eval()
    device = next(tower.parameters()).device
    segments, _ = _heard(dataset, (1.0,), device)
    found = embedding.of_runs(tower, segments, view).double().cpu()
    spread = torch.cov(found.T)
    even = torch.eye(len(spread), dtype=torch.float64) * spread.trace() / len(spread)
    values, vectors = torch.linalg.eigh((1 - WHITE_SHRINKAGE) * spread + WHITE_SHRINKAGE * even)
    made, weight = build.Whitened(tower, len(spread)), (vectors / values.sqrt()).T
    with torch.no_grad():
        made.whiten.weight.copy_(weight)
        made.whiten.bias.copy_(-weight @ found.mean(0))
    return made.to(device).eval()


def statistics(dataset: SpeakerDataset) -> SpeakerStatistics:
    """Standardisation and linear discriminant analysis; a speaker at another speed is another speaker."""
    tower = SpeakerStatistics(dataset.features.n_mels)
    lda = baseline.Lda(*examples(tower, dataset), SHRINKAGE)
    n = lda.lda.n_components
    with torch.no_grad():
        tower.mean.copy_(torch.from_numpy(lda.scaler.mean_))
        tower.deviation.copy_(torch.from_numpy(lda.scaler.scale_))
        tower.project.weight[:n].copy_(torch.from_numpy(lda.lda.scalings_[:, :n].T))
    return tower.eval()


@torch.no_grad()
def examples(tower: SpeakerStatistics, dataset: SpeakerDataset) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (n, d) of the training utterances' stretches at every speed, and their speakers (n,)."""
    segments, numbers = _heard(dataset, (1.0, *dataset.features.speeds), torch.device("cpu"))
    rows, speakers = [], []
    for run, number in enumerate(numbers):
        frames = segments.whole(run)
        for first, stop in voices.stretches(frames.shape[1], LONGEST):
            rows.append(tower.statistics(log_mel.normalized(frames[:, first:stop], "level")))
            speakers.append(number)
    return torch.cat(rows).numpy().astype(np.float64), np.array(speakers)


def _heard(
    dataset: SpeakerDataset, speeds: tuple[float, ...], device: torch.device
) -> tuple[voices.Segments, np.ndarray]:
    """The training utterances at these speeds as runs, and the numbers of their speakers (runs,)."""
    of = utterances.to_learn(dataset.table)
    runs = [[features.name(path, speed) for path in paths] for speed in speeds for paths in of.paths]
    names = np.array([features.name(label, speed) for speed in speeds for label in of.label])
    numbers = np.unique(names, return_inverse=True)[1]
    gathered = voices.gather(dataset.store, runs, numbers, dataset.features.voice_db)
    return voices.Segments(gathered, device), numbers
