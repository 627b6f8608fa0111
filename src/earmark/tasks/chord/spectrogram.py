"""A recording as a chord network reads it: a constant-Q spectrogram of one or two channels, normalised.

Decibels stand against the recording's maximum or, with `local_s`, against the maximum around each frame, which follows
the music into quiet passages, but no further below the recording's own than `local_db`.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from earmark import audio
from earmark.features.cqt import CQT, LEAST_SPREAD, decibels, to_db
from earmark.features.rows import Rows
from earmark.tasks.chord.settings import ChordFeatureSettings

SILENT = 1e-6  # magnitude below which a recording has no chords in it
PIECE_S = 40.0  # seconds transformed at once, which bounds the memory of a long recording


def width(settings: ChordFeatureSettings) -> int:
    """Numbers in a stored frame: of every channel what a network sees, and the bins for transposition."""
    return settings.channels * (settings.n_bins + sum(settings.transposing))


def spectrogram_of(
    source: audio.Source | audio.CheckedRecording, settings: ChordFeatureSettings, max_seconds: float | None = None
) -> np.ndarray:
    """(frames, width) float16, channel by channel. Raises AudioError for what cannot be decoded.

    Decibels from `floor_db` below the maximum (of all channels) up to it: as 0 to 1, or centred and divided by their
    deviation. A silent recording is zero.
    """
    return spectrogram_of_blocks(samples(source, settings, max_seconds), settings)


def samples(
    source: audio.Source | audio.CheckedRecording, settings: ChordFeatureSettings, max_seconds: float | None = None
) -> Iterator[np.ndarray]:
    """Blocks (channels, n) at the settings' rate: the mean, or middle and side."""
    if settings.channels == 1:
        return (block[None] for block in audio.read_blocks(source, settings.sample_rate, max_seconds))
    pairs = audio.read_stereo(source, settings.sample_rate, max_seconds)
    return (np.stack([(left + right) / 2, left - right]) for left, right in pairs)


def spectrogram_of_blocks(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> np.ndarray:
    """The same as `spectrogram_of` from samples."""
    values = normalised(magnitude(blocks, settings), settings).half()
    return values.transpose(0, 1).flatten(1).numpy()


@torch.no_grad()
def magnitude(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> Tensor:
    """Samples at the settings' rate, in blocks (channels, n) -> (channels, frames, bins)."""
    return torch.cat(list(_magnitudes(blocks, settings)), 1)


@torch.no_grad()
def _magnitudes(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> Iterator[Tensor]:
    """The same piece by piece.

    A long recording is transformed in pieces, each with what its outer frames hear of its neighbours. They begin where
    all the transform's rates have a sample, so that it computes what it would compute of the whole.
    """
    transform, hop = _transform(settings), settings.hop_length
    step = math.lcm(hop, 2 ** int(transform.halvings.max()))
    size, around = (step * math.ceil(n / step) for n in (PIECE_S * settings.sample_rate, transform.margin))
    for piece, before, wanted in _pieces(blocks, size, around):
        frames = transform(torch.from_numpy(piece)[None])[0, :, before // hop :]
        yield frames[:, : wanted and wanted // hop]


def _pieces(blocks: Iterable[np.ndarray], size: int, around: int) -> Iterator[tuple[np.ndarray, int, int | None]]:
    """Blocks (channels, n) as pieces of `size` samples with `around` more on either side, as far as there are any.

    Yields samples, how many stand before the piece, and its size, None for the last one, which goes to the end.
    """
    waiting = []
    n = 0
    before = 0
    for block in blocks:
        waiting.append(block)
        n += block.shape[1]
        while n >= before + size + around:
            whole = np.concatenate(waiting, axis=1)
            yield whole[:, : before + size + around], before, size
            start = before + size - around
            waiting, n, before = [whole[:, start:]], n - start, around
    yield np.concatenate(waiting, axis=1), before, None


@contextmanager
def spooled(blocks: Iterable[np.ndarray], settings: ChordFeatureSettings) -> "Iterator[Spectrogram]":
    """`spectrogram_of_blocks`, a stretch at a time, in memory that does not grow; the samples are read at once."""
    with Rows() as rows:
        tops = []
        for piece in _magnitudes(blocks, settings):
            tops.append(piece.amax((0, 2)))
            rows.append(piece.transpose(0, 1).flatten(1).numpy())
        yield Spectrogram(rows, torch.cat(tops), settings)


class Spectrogram:
    """A spectrogram whose magnitudes wait on disk: `values[a:b]` are frames of it as `spectrogram_of` stores them.

    rows: (frames, width) magnitudes. tops: (frames,) their maxima.
    """

    def __init__(self, rows: Rows, tops: Tensor, settings: ChordFeatureSettings):
        self.rows, self.settings = rows, settings
        self.top = tops.amax() if len(tops) else torch.tensor(0.0)
        self.audible = bool(self.top >= SILENT)
        self.levels = levels(tops, settings) if self.audible else tops
        self.mean, self.spread = torch.tensor(0.0), torch.tensor(1.0)
        if self.audible and settings.normalize == "deviation":
            self.mean, self.spread = self._moments()
            self.audible = bool(self.spread > LEAST_SPREAD)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, frames: slice) -> Tensor:
        """(frames, width) float16."""
        start, stop, _ = frames.indices(len(self))
        magnitude = torch.from_numpy(self.rows.read(start, stop))
        if not self.audible:
            return torch.zeros_like(magnitude).half()
        if self.settings.normalize == "share":
            return _shares(magnitude, self.levels[start:stop, None], self.settings.floor_db).half()
        centred = self._decibels(magnitude) - self.mean
        return (centred / self.spread).flatten(1).half()

    def _decibels(self, magnitude: Tensor) -> Tensor:
        """(frames, channels, bins), floored."""
        return decibels(magnitude, self.top, self.settings.floor_db).unflatten(1, (self.settings.channels, -1))

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Each channel's mean (channels, 1), and the largest deviation of one."""
        total = sum(self._decibels(torch.from_numpy(block)).double().sum((0, 2)) for block in self.rows)
        n = len(self) * self.rows.width / self.settings.channels
        mean = (total / n)[:, None]
        centred = ((self._decibels(torch.from_numpy(block)) - mean).square().sum((0, 2)) for block in self.rows)
        return mean.float(), (sum(centred) / n).sqrt().amax().float()


def normalised(magnitude: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """(channels, frames, bins) -> the same shape, in place where the settings allow it."""
    top = magnitude.amax() if magnitude.numel() else torch.tensor(0.0)
    if top < SILENT:
        return torch.zeros_like(magnitude)
    if settings.normalize == "deviation":
        return to_db(magnitude, settings.floor_db)
    return _shares(magnitude, levels(magnitude.amax((0, 2)), settings)[:, None], settings.floor_db)


def levels(tops: Tensor, settings: ChordFeatureSettings) -> Tensor:
    """What each frame is compared with, by the frames' maxima (frames,), which it never lies below: (frames,).

    The maximum within `local_s` either way, its decibels averaged over as long, so that it moves smoothly.
    """
    top, reach = tops.amax(), round(settings.local_s / settings.hop_s)
    if not reach:
        return top.expand(len(tops))
    around = {"kernel_size": 2 * reach + 1, "stride": 1, "padding": reach}
    decibels = 20 * tops.div(top).clamp_min(10 ** (-settings.local_db / 20)).log10()
    loudest = F.max_pool1d(decibels[None], **around)
    return top * 10 ** (F.avg_pool1d(loudest, **around, count_include_pad=False)[0] / 20)


def _shares(magnitude: Tensor, top: Tensor, floor_db: float) -> Tensor:
    """Decibels from the floor to the maximum as 0 to 1, in place."""
    relative = magnitude.div_(top).clamp_min_(1e-10).log10_()
    return relative.mul_(20 / floor_db).add_(1).clamp_min_(0)


@cache
def _transform(settings: ChordFeatureSettings) -> CQT:
    s = settings
    bins = s.bins_per_octave, s.n_bins
    return CQT(s.sample_rate, s.hop_length, s.f_min, *bins, s.filter_scale, s.gamma, extra=s.transposing)
