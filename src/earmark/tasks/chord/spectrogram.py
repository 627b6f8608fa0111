"""A recording as a chord network reads it: a constant-Q spectrogram of one or two channels, normalised as a whole."""

import math
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from earmark import audio
from earmark.features.cqt import CQT, to_db
from earmark.tasks.chord.settings import ChordFeatureSettings

SILENT = 1e-6  # magnitude below which a recording has no chords in it
PIECE_S = 600.0  # seconds transformed at once, which bounds the memory of a long recording


def width(settings: ChordFeatureSettings) -> int:
    """Numbers in a stored frame: of every channel what a network sees, and the bins for transposition."""
    return settings.channels * (settings.n_bins + sum(settings.transposing))


def of(
    source: audio.Source | audio.Checked, settings: ChordFeatureSettings, max_seconds: float | None = None
) -> np.ndarray:
    """(frames, width) float16, channel by channel. Raises AudioError for what cannot be decoded.

    Decibels from `floor_db` below the recording's maximum (of all channels) up to it: as 0 to 1, or centred and
    divided by their deviation. A silent recording is zero.
    """
    return of_blocks(samples(source, settings, max_seconds), settings)


def samples(
    source: audio.Source | audio.Checked, settings: ChordFeatureSettings, max_seconds: float | None = None
) -> Iterator[np.ndarray]:
    """Blocks (channels, n) at the settings' rate: the mean, or middle and side."""
    if settings.channels == 1:
        return (block[None] for block in audio.read_blocks(source, settings.sample_rate, max_seconds))
    pairs = audio.read_stereo(source, settings.sample_rate, max_seconds)
    return (np.stack([(left + right) / 2, left - right]) for left, right in pairs)


def of_blocks(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> np.ndarray:
    """The same as `of` from samples."""
    values = normalised(magnitude(blocks, settings), settings).half()
    return values.transpose(0, 1).flatten(1).numpy()


@torch.no_grad()
def magnitude(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> Tensor:
    """Samples at the settings' rate, in blocks (channels, n) -> (channels, frames, bins).

    A long recording is transformed in pieces, each with what its outer frames hear of its neighbours. They begin where
    all the transform's rates have a sample, so that it computes what it would compute of the whole.
    """
    transform, hop, parts = _transform(settings), settings.hop_length, []
    step = math.lcm(hop, 2 ** int(transform.halvings.max()))
    size, around = (step * math.ceil(n / step) for n in (PIECE_S * settings.sample_rate, transform.margin))
    for piece, before, wanted in _pieces(blocks, size, around):
        frames = transform(torch.from_numpy(piece)[None])[0, :, before // hop :]
        parts.append(frames[:, : wanted and wanted // hop])
    return torch.cat(parts, 1)


def _pieces(blocks: Iterable[np.ndarray], size: int, around: int) -> Iterator[tuple[np.ndarray, int, int | None]]:
    """Blocks (channels, n) as pieces of `size` samples with `around` more on either side, as far as there are any.

    Yields samples, how many stand before the piece, and its size, None for the last one, which goes to the end.
    """
    waiting, n, before = [], 0, 0
    for block in blocks:
        waiting.append(block)
        n += block.shape[1]
        while n >= before + size + around:
            whole = np.concatenate(waiting, axis=1)
            yield whole[:, : before + size + around], before, size
            start = before + size - around
            waiting, n, before = [whole[:, start:]], n - start, around
    yield np.concatenate(waiting, axis=1), before, None


def normalised(magnitude: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """(channels, frames, bins) -> the same shape, in place where the settings allow it."""
    top = magnitude.amax() if magnitude.numel() else torch.tensor(0.0)
    if top < SILENT:
        return torch.zeros_like(magnitude)
    if settings.normalize == "deviation":
        return to_db(magnitude, settings.floor_db)
    decibels = magnitude.div_(top).clamp_min_(1e-10).log10_()
    return decibels.mul_(20 / settings.floor_db).add_(1).clamp_min_(0)


@cache
def _transform(settings: ChordFeatureSettings) -> CQT:
    s = settings
    bins = s.bins_per_octave, s.n_bins
    return CQT(s.sample_rate, s.hop_length, s.f_min, *bins, s.filter_scale, s.gamma, extra=s.transposing)
