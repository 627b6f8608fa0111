"""A recording as the chord network reads it: a constant-Q spectrogram in shares of its dynamic range."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from earmark import audio
from earmark.features.cqt import CQT, TRANSPOSING
from earmark.settings.chord import ChordFeatureSettings

SILENT = 1e-6  # magnitude below which a recording has no chords in it


def of(source: audio.Source, settings: ChordFeatureSettings, max_seconds: float | None = None) -> np.ndarray:
    """(frames, bins and those for transposition) float16 in 0..1: decibels from `floor_db` below the maximum up to it.

    Raises AudioError for what cannot be decoded. A silent recording is zero.
    """
    blocks = list(audio.read_blocks(source, settings.sample_rate, max_seconds))
    return of_samples(torch.from_numpy(np.concatenate(blocks)), settings).half().numpy()


@torch.no_grad()
def of_samples(samples: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """The same of samples (n,) at the settings' rate, float32."""
    magnitude = _transform(settings)(samples[None, None])[0, 0]
    top = magnitude.amax() if magnitude.numel() else torch.tensor(0.0)
    if top < SILENT:
        return torch.zeros_like(magnitude)
    return (1 + 20 / settings.floor_db * torch.log10((magnitude / top).clamp_min(1e-10))).clamp_min(0)


@cache
def _transform(settings: ChordFeatureSettings) -> CQT:
    s = settings
    return CQT(s.sample_rate, s.hop_length, s.f_min, 36, s.n_bins, s.filter_scale, s.gamma, extra=TRANSPOSING)
