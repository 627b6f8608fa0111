"""Decoding in blocks, never whole: a file is checked, then read at one sample rate, or both in the same pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import tee, zip_longest

import numpy as np
import soxr

from earmark.audio import detection, ffmpeg
from earmark.audio.ffmpeg import Ffmpeg
from earmark.audio.layout import Layout
from earmark.audio.sndfile import Sndfile
from earmark.audio.source import AudioError, Channel, Data, File, Source, file_of, opened

SHORTEST_S = 0.05
HUGE = 1e10  # times full scale; squares of more than that do not fit into float32 once they are added up
LOST = 0.01  # of the channels' power; the mean of channels that agree at all keeps more

CANCELLED = "its channels cancel out when averaged; read one of them, with data.channels or --channel"

Decoder = Sndfile | Ffmpeg


@dataclass(frozen=True)
class Info:
    """What a recording holds: seconds, sample rate in Hz, channels, and its peak (1.0 is full scale).

    flat: why nothing can be heard in it as it is read, '' where something can. note: what was passed over in it.
    """

    duration_s: float
    sample_rate: int
    channels: int
    peak: float
    flat: str = ""
    note: str = ""


class CheckedRecording:
    """A recording that is checked while its blocks are read to the end; then `info` tells what it holds, None before.

    Whoever reads the blocks gets AudioError with the reason when it is empty, truncated, not audio, or holds a sample
    that is not finite or beyond all measure.
    """

    def __init__(self, source: Source):
        self.source = source
        self.info: Info | None = None

    def watched(self, file: Decoder, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks (n, channels) of the whole file, measured on their way."""
        n, levels = 0, Levels(file.channels)
        for block in blocks:
            n += len(block)
            levels.add(block)
            yield block
        lasts = n / file.sample_rate
        if file.missing:
            raise AudioError(f"it is truncated: {file.missing}; {lasts:.2f} s are there")
        if n < SHORTEST_S * file.sample_rate:
            raise AudioError(f"it lasts {lasts:.4f} s; at least {SHORTEST_S} s are needed")
        note = "; ".join((*file.notes, f"{lasts:.2f} s were read")) if file.notes else ""
        flat = levels.flat(self.source)
        self.info = Info(lasts, file.sample_rate, file.channels, levels.peak, flat, note)


class Levels:
    """Running peak and moments of blocks (n, channels), and whether a channel ever leaves its first value."""

    def __init__(self, channels: int):
        self.n = 0
        self.peak = 0.0
        self.first = np.zeros(channels, np.float32)
        self.varies = np.zeros(channels, bool)
        self.total, self.products = np.zeros(channels), np.zeros((channels, channels))

    def add(self, block: np.ndarray) -> None:
        """Hear a block (samples, channels)."""
        if not self.n:
            self.first = block[0].copy()
        self.n += len(block)
        self.peak = max(self.peak, float(block.max()), -float(block.min()))
        for i in np.flatnonzero(~self.varies):
            self.varies[i] = (block[:, i] != self.first[i]).any()
        if len(self.total) > 1:
            moved = np.empty(block.shape[::-1], np.float32)  # (numpy is slow along an axis of two)
            for channel, samples, first in zip(moved, block.T, self.first, strict=True):
                np.subtract(samples, first, out=channel)  # a large offset would leave no digits to the sound
            self.total += moved @ np.ones(len(block), np.float32)
            self.products += [
                [a @ b for b in moved] for a in moved
            ]  # six times as fast as the product of so flat a matrix

    def flat(self, source: Source) -> str:
        """Why nothing can be heard in what is read of the source, '' where something can."""
        heard = [source.number - 1] if isinstance(source, Channel) else list(range(len(self.first)))
        if not self.varies[heard].any():
            level = self.first[heard].mean()
            silent = "it is digital silence: every sample is zero"
            return f"it is silent: every sample is {level:.4g}" if self.first[heard].any() else silent
        if len(heard) > 1:
            power = self.products / self.n - np.outer(self.total, self.total) / self.n**2  # about the channels' means
            if power.mean() <= LOST * np.trace(power) / len(power):
                return CANCELLED
        return ""


def as_checked(source: Source | CheckedRecording) -> CheckedRecording:
    """The recording to be checked while it is read, which may be one already."""
    return source if isinstance(source, CheckedRecording) else CheckedRecording(source)


def check(source: Source | CheckedRecording) -> Info:
    """Decode the whole recording in blocks and measure it; AudioError as `CheckedRecording` has it."""
    recording = as_checked(source)
    with _open(recording) as file:
        for _ in _decode(file, recording):
            pass
    return recording.info


def read_blocks(
    source: Source | CheckedRecording, sample_rate: int, max_seconds: float | None = None
) -> Iterator[np.ndarray]:
    """Mono float32 blocks (n,) at `sample_rate`; the channels' mean, or one channel; at most `max_seconds` of it.

    Resampled by soxr as one stream, so block edges leave no trace.
    """
    with _open(source) as file:
        blocks = (_mean(block) for block in _heard(file, source, max_seconds))
        yield from _resampled(blocks, file.sample_rate, sample_rate, 1)


def read_rates(
    source: Source | CheckedRecording, sample_rates: Sequence[int], max_seconds: float | None = None
) -> Iterator[tuple[np.ndarray, ...]]:
    """The same at several rates, decoded once: tuples of a block (n,) for each, some of which may be empty."""
    with _open(source) as file:
        blocks = (_mean(block) for block in _heard(file, source, max_seconds))
        each = zip(tee(blocks, len(sample_rates)), sample_rates, strict=True)
        streams = [_resampled(same, file.sample_rate, rate, 1) for same, rate in each]
        yield from zip_longest(*streams, fillvalue=np.empty(0, np.float32))


def read_stereo(
    source: Source | CheckedRecording, sample_rate: int, max_seconds: float | None = None
) -> Iterator[np.ndarray]:
    """The same with both channels: float32 blocks (2, n), left and right; those of another number are mixed to one."""
    with _open(source) as file:
        blocks = (b if b.shape[1] == 2 else b.mean(1, keepdims=True) for b in _heard(file, source, max_seconds))
        channels = 2 if file.channels == 2 and not isinstance(_plain(source), Channel) else 1
        for block in _resampled(blocks, file.sample_rate, sample_rate, channels):
            yield np.broadcast_to(block, (len(block), 2)).T


def _mean(block: np.ndarray) -> np.ndarray:
    """(n, channels) -> (n,)."""
    if block.shape[1] > 2:
        return block.mean(axis=1)
    mixed = block[:, 0] + block[:, -1]  # several times as fast as numpy's mean over so short an axis
    mixed *= 0.5
    return mixed


def _resampled(blocks: Iterator[np.ndarray], rate: int, wanted: int, channels: int) -> Iterator[np.ndarray]:
    """Blocks (n,) or (n, channels) at another rate, as one stream; at least one."""
    if rate == wanted:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, wanted, channels, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(block[:0], last=True)


def _plain(source: Source | CheckedRecording) -> Source:
    return source.source if isinstance(source, CheckedRecording) else source


@contextmanager
def _open(source: Source | CheckedRecording) -> Iterator[Decoder]:
    """The recording, open, by whichever library can decode it."""
    file = file_of(_plain(source))
    with opened(file) as data:
        found = detection.layout(data)
        decoder = _decoder(file, data, found)
        try:
            yield decoder
        finally:
            decoder.close()


def _decoder(file: File, data: Data, found: Layout) -> Decoder:
    try:
        if found.sndfile:
            try:
                return Sndfile(file, data, found)
            except AudioError:
                if not (found.demuxer and ffmpeg.installed()):
                    raise
        return Ffmpeg(file, found)
    except AudioError:
        if found.missing:
            raise AudioError(f"it is truncated: {found.missing}") from None
        raise


def _decode(file: Decoder, source: Source | CheckedRecording, max_seconds: float | None = None) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of the file, at most `max_seconds` of it; a whole one is checked if its source asks so."""
    plain = _plain(source)
    if isinstance(plain, Channel) and plain.number > file.channels:
        raise AudioError(
            f"it has {file.channels} channel{'s' * (file.channels > 1)}, so there is no channel {plain.number}"
        )
    if isinstance(source, CheckedRecording) and max_seconds is None:
        return source.watched(file, _sound(file, None))
    return _sound(file, None if max_seconds is None else round(max_seconds * file.sample_rate))


def _heard(file: Decoder, source: Source | CheckedRecording, max_seconds: float | None) -> Iterator[np.ndarray]:
    """The same of the channels that are heard."""
    plain = _plain(source)
    for block in _decode(file, source, max_seconds):
        yield block[:, plain.number - 1 : plain.number] if isinstance(plain, Channel) else block


def _sound(file: Decoder, limit: int | None) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of float32; every sample finite and of some measure; at least one sample in all."""
    n = 0
    for block in file.blocks(limit):
        _refuse_broken(block.ravel(), n / file.sample_rate)
        n += len(block)
        yield block
    if n == 0:
        raise AudioError(f"it is truncated: {file.missing}" if file.missing else "it holds no samples")


def _refuse_broken(samples: np.ndarray, at: float) -> None:
    """Raise AudioError for samples (n,) that are not finite, or beyond all measure; at: seconds."""
    with np.errstate(over="ignore", invalid="ignore"):
        if samples @ samples <= HUGE**2:  # the quickest look at all of them
            return
    if not np.isfinite(samples).all():
        raise AudioError(f"it holds samples that are not finite near {at:.0f} s")
    if (largest := np.abs(samples).max()) > HUGE:
        raise AudioError(f"it holds samples as large as {largest:.0e} near {at:.0f} s, where 1 is full scale")
