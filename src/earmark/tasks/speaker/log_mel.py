"""Log-mel frames of speech: decibels below the recording's loudest band, (frames, bands), time first.

Reshaping (bands, frames) into (frames, bands) instead of transposing it is a known bug of public code of seed 004's
design: the arrays have the right shape and no meaning.
"""

import numpy as np
import torch
from torch import Tensor

from earmark import audio
from earmark.features.frames import samples_frames
from earmark.features.settings import LEVEL_UNIT_DB, FeatureSettings
from earmark.tasks.speaker.settings import SpeakerFeatureSettings

SMOOTHED = 5  # frames over which the level that tells voice from pauses is averaged


def of(source: audio.Source | audio.Checked, settings: SpeakerFeatureSettings, speed: float = 1.0) -> np.ndarray:
    """A recording as float32 (frames, n_mels), at most 0 dB, floored `top_db` below its loudest band.

    speed: as if played so much faster, pitch and all. Raises AudioError for what cannot be decoded.
    """
    blocks = audio.read_blocks(source, round(settings.sample_rate / speed))
    decibels = np.concatenate(list(samples_frames(blocks, _plain(settings)))) * LEVEL_UNIT_DB
    return decibels - decibels.max()


def _plain(s: SpeakerFeatureSettings) -> FeatureSettings:
    """The same frames as the other tasks' extraction describes them."""
    least = (s.n_fft + 1) / s.sample_rate
    return FeatureSettings(
        kind="log_mel",
        sample_rate=s.sample_rate,
        n_fft=s.n_fft,
        hop_length=s.hop_length,
        n_mels=s.n_mels,
        n_mfcc=1,
        f_min=s.f_min,
        f_max=s.f_max,
        top_db=s.top_db,
        log_floor="top_db",
        normalize="level",
        trim_db=None,
        framing="recording",
        fill="pad",
        window_s=least,
        window_hop_s=least,
        max_seconds=None,
        dtype="float32",
    )


def voiced(decibels: np.ndarray, voice_db: float) -> np.ndarray:
    """Which frames of (frames, bands) are no pauses, (frames,) booleans; at least one is none; 0 keeps all."""
    if voice_db == 0:
        return np.ones(len(decibels), bool)
    power = np.power(10.0, decibels.astype(np.float32) / 10).mean(1)
    smooth = np.convolve(power, np.full(SMOOTHED, 1 / SMOOTHED), "same") if len(power) >= SMOOTHED else power
    return smooth >= smooth.max() * 10 ** (-voice_db / 10)


def views(normalize: str) -> tuple[str, ...]:
    """The ways in which a segment is seen, in their order."""
    return ("level", "bands") if normalize == "both" else (normalize,)


def normalized(decibels: Tensor, normalize: str, lengths: Tensor | None = None) -> Tensor:
    """Segments (batch, frames, bands) in units of 15 dB, less the mean that `normalize` names; 0 past lengths.

    `bands`: each band's mean over the segment; `level`: the mean over all of it; `both`: (batch, frames, 2 bands), the
    segment without its level, then without its bands' means.
    """
    if normalize == "both":
        return torch.cat([normalized(decibels, one, lengths) for one in views(normalize)], 2)
    n = decibels.shape[1] if lengths is None else lengths[:, None, None]
    inside = torch.ones(1, 1, 1, dtype=torch.bool, device=decibels.device)
    if lengths is not None:
        inside = (torch.arange(decibels.shape[1], device=decibels.device) < lengths[:, None])[..., None]
    mean = (decibels * inside).sum(1, keepdim=True) / n
    if normalize == "level":
        mean = mean.mean(2, keepdim=True)
    return (decibels - mean) * inside / LEVEL_UNIT_DB
