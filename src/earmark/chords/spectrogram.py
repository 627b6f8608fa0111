"""A recording as a chord network reads it: a constant-Q spectrogram of one or two channels, normalised as a whole."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from earmark import audio
from earmark.features.cqt import CQT, TRANSPOSING, to_db
from earmark.settings.chord import ChordFeatureSettings

SILENT = 1e-6  # magnitude below which a recording has no chords in it
EXTRA = sum(TRANSPOSING)  # bins beside those that a network sees


def width(settings: ChordFeatureSettings) -> int:
    """Numbers in a stored frame: of every channel what a network sees, and the bins for transposition."""
    return settings.channels * (settings.n_bins + EXTRA)


def of(source: audio.Source, settings: ChordFeatureSettings, max_seconds: float | None = None) -> np.ndarray:
    """(frames, width) float16, channel by channel; see `of_samples`. Raises AudioError for what cannot be decoded."""
    if settings.channels == 1:
        samples = np.concatenate(list(audio.read_blocks(source, settings.sample_rate, max_seconds)))
    else:
        left, right = audio.read_stereo(source, settings.sample_rate)
        samples = np.stack([(left + right) / 2, left - right])
        samples = samples if max_seconds is None else samples[:, : round(max_seconds * settings.sample_rate)]
    return of_samples(torch.from_numpy(samples), settings).half().numpy()


@torch.no_grad()
def of_samples(samples: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """The same of samples (n,) or (channels, n) at the settings' rate, float32.

    Decibels from `floor_db` below the recording's maximum (of all channels) up to it: as 0 to 1, or centred and
    divided by their deviation. A silent recording is zero.
    """
    magnitude = _transform(settings)(samples[None, None] if samples.dim() == 1 else samples[None])[0]
    return _normalised(magnitude, settings).transpose(0, 1).flatten(1)


def _normalised(magnitude: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """(channels, frames, bins) -> the same shape."""
    top = magnitude.amax() if magnitude.numel() else torch.tensor(0.0)
    if top < SILENT:
        return torch.zeros_like(magnitude)
    if settings.normalize == "deviation":
        return to_db(magnitude, settings.floor_db)
    return (1 + 20 / settings.floor_db * torch.log10((magnitude / top).clamp_min(1e-10))).clamp_min(0)


@cache
def _transform(settings: ChordFeatureSettings) -> CQT:
    s = settings
    return CQT(s.sample_rate, s.hop_length, s.f_min, 36, s.n_bins, s.filter_scale, s.gamma, extra=TRANSPOSING)
