"""Statistics of cepstra and a linear discriminant projection of them: a tower that is learnt in closed form."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad

from earmark.features.torchaudio_lite import torchaudio

CEPSTRA = 60  # of which the first, the level, is left out
REACH = 4  # frames on either side of one that its slope is fitted to
EMBEDDING = 60


class SpeakerStatistics(nn.Module):
    """(batch, frames, bands) -> (batch, 60): cepstra's means and deviations over time, standardised and projected.

    What the baseline MFCC + LDA does, on the frames that the networks hear: no pauses, more bands, and cepstra fine
    enough to hold the low bands' harmonics. `speakers.closed_form` learns it. The weights start at zero; where
    training speakers are few, the projection's last rows stay so.
    """

    def __init__(self, n_bands: int):
        super().__init__()
        n = min(CEPSTRA, n_bands)
        basis = torchaudio.functional.create_dct(n, n_bands, norm="ortho")[:, 1:]
        self.register_buffer("basis", basis, persistent=False)
        self.n_statistics, self.n_out = 4 * (n - 1), EMBEDDING
        self.register_buffer("mean", torch.zeros(self.n_statistics))
        self.register_buffer("deviation", torch.ones(self.n_statistics))
        self.project = nn.Linear(self.n_statistics, EMBEDDING, bias=False)
        nn.init.zeros_(self.project.weight)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """lengths: (batch,) int64 valid frames, None where all are."""
        return self.project((self.statistics(x, lengths) - self.mean) / self.deviation)

    def statistics(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(batch, 4 * cepstra): means of cepstra and of their slopes, then deviations, in the units of x."""
        if lengths is not None:
            return torch.cat([self.statistics(one[None, :n]) for one, n in zip(x, lengths.tolist(), strict=True)])
        cepstra = (x.float() @ self.basis).mT
        values = torch.cat([cepstra, slopes(cepstra)], 1)
        return torch.cat([values.mean(2), values.std(2, correction=0)], 1)


def slopes(values: Tensor) -> Tensor:
    """Slope a frame of values (batch, rows, frames) over 9 frames, least squares; the same shape.

    As librosa's delta: at the edges the slope of the first and last 9 frames; fewer are continued by their edges.
    """
    batch, rows, frames = values.shape
    short = frames <= 2 * REACH
    at = torch.arange(-REACH, REACH + 1, dtype=values.dtype, device=values.device)
    flat = values.reshape(batch * rows, 1, frames)
    found = conv1d(_continued(flat) if short else flat, (at / at.square().sum())[None, None])
    return (found if short else _continued(found)).reshape(values.shape)


def _continued(x: Tensor) -> Tensor:
    return pad(x, (REACH, REACH), mode="replicate")
