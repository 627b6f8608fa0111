"""How the statistics beside a network learn: in closed form, from the training speakers' utterances."""

import numpy as np
import torch

from earmark.models.speaker_statistics import SpeakerStatistics
from earmark.speakers import baseline, exams, extract, log_mel, voices
from earmark.speakers.embedding import LONGEST
from earmark.speakers.material import Material

SHRINKAGE = 0.05  # of the spread within speakers


def learnt(material: Material) -> SpeakerStatistics:
    """Standardisation and linear discriminant analysis; a speaker at another speed is another speaker."""
    tower = SpeakerStatistics(material.features.n_mels)
    lda = baseline.Lda(*examples(tower, material), SHRINKAGE)
    n = lda.lda.n_components
    with torch.no_grad():
        tower.mean.copy_(torch.from_numpy(lda.scaler.mean_))
        tower.deviation.copy_(torch.from_numpy(lda.scaler.scale_))
        tower.project.weight[:n].copy_(torch.from_numpy(lda.lda.scalings_[:, :n].T))
    return tower.eval()


@torch.no_grad()
def examples(tower: SpeakerStatistics, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (n, d) of the training utterances' stretches at every speed, and their speakers (n,)."""
    of = exams.learnt(material.table, material.judged, material.given)
    speeds = (1.0, *material.features.speeds)
    runs = [[extract.name(path, speed) for path in paths] for speed in speeds for paths in of.paths]
    names = np.array([extract.name(label, speed) for speed in speeds for label in of.label])
    numbers = np.unique(names, return_inverse=True)[1]
    heard = voices.gather(material.store, runs, numbers, material.features.voice_db)
    segments, rows, speakers = voices.Segments(heard, torch.device("cpu")), [], []
    for run, number in enumerate(numbers):
        frames = segments.whole(run)
        for first, stop in voices.stretches(frames.shape[1], LONGEST):
            rows.append(tower.statistics(log_mel.normalized(frames[:, first:stop], "level")))
            speakers.append(number)
    return torch.cat(rows).numpy().astype(np.float64), np.array(speakers)
