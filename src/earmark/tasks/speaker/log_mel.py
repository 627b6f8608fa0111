"""Log-mel frames of speech: decibels below the recording's loudest band, (frames, bands), time first.

Reshaping (bands, frames) into (frames, bands) instead of transposing it is a known bug of public code of
siamese_blstm's design: the arrays have the right shape and no meaning.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from earmark.features.settings import LEVEL_UNIT_DB, FeatureSettings
from earmark.tasks.speaker.settings import SpeakerFeatureSettings

if TYPE_CHECKING:
    from earmark import audio
    from earmark.features import frames

SMOOTHED = 5  # frames over which the level that tells voice from pauses is averaged


def log_mel_of(
    source: "audio.Source | audio.CheckedRecording", settings: SpeakerFeatureSettings, speed: float = 1.0
) -> np.ndarray:
    """A recording as float32 (frames, n_mels), at most 0 dB, floored `top_db` below its loudest band.

    speed: as if played so much faster, pitch and all. Raises AudioError for what cannot be decoded.
    """
    with spooled(source, settings, speed) as speech:
        return np.concatenate(list(speech))


@contextmanager
def spooled(
    source: "audio.Source | audio.CheckedRecording", settings: SpeakerFeatureSettings, speed: float = 1.0
) -> "Iterator[Speech]":
    """The same in blocks, as often as wanted until it is left, in memory that hardly grows."""
    from earmark import audio  # what reads recordings is not there on a bare machine, which trains on segments
    from earmark.features import frames

    blocks = audio.read_blocks(source, round(settings.sample_rate / speed))
    with frames.spooled(blocks, _plain(settings)) as found:
        yield Speech(found, settings.voice_db)


class Speech:
    """The log-mel frames of one recording, as `log_mel_of` gives them, in blocks (n, n_mels)."""

    def __init__(self, found: "frames.Frames", voice_db: float):
        self.frames, self.voice_db = found, voice_db
        self.loudest = max((block * LEVEL_UNIT_DB).max() for block in found)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (block * LEVEL_UNIT_DB - self.loudest for block in self.frames)

    def voiced(self) -> np.ndarray:
        """Which frames are no pauses, as the function of that name says."""
        kept = bytearray()  # one block that grows; many small ones would keep the heap from shrinking
        for block in self:
            kept += power(block).tobytes()
        return speaking(np.frombuffer(kept, np.float32), self.voice_db)

    def without_pauses(self, voiced: np.ndarray) -> Iterator[np.ndarray]:
        """Blocks (n, n_mels) of the frames of a mask (frames,), less the others."""
        start = 0
        for block in self:
            yield block[voiced[start : start + len(block)]]
            start += len(block)


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
    return speaking(power(decibels), voice_db)


def power(decibels: np.ndarray) -> np.ndarray:
    """Power of frames (frames, bands), 1 where every band is at 0 dB: (frames,) float32."""
    return np.power(10.0, decibels.astype(np.float32) / 10).mean(1)


def speaking(power: np.ndarray, voice_db: float) -> np.ndarray:
    """`voiced` from the power (frames,) of a whole recording."""
    if voice_db == 0:
        return np.ones(len(power), bool)
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
