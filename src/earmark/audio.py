"""Decoding in blocks, never whole: a file is checked, then read at one sample rate, or both in the same pass."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

BLOCK_S = 20.0
MAX_CHANNELS = 2
SHORTEST_S = 0.05
EXTENSIONS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")

Source = Path | str | bytes


class AudioError(ValueError):
    """A recording that cannot be used; the text is the reason, without the file's name."""


@dataclass(frozen=True)
class Info:
    """What a recording holds: seconds, sample rate in Hz, channels, and its peak (1.0 is full scale)."""

    duration_s: float
    sample_rate: int
    channels: int
    peak: float


class Checked:
    """A recording that is checked while its blocks are read to the end; then `info` tells what it holds, None before.

    Whoever reads the blocks gets AudioError with the reason when it is empty, truncated, not audio, has more than two
    channels, or holds a sample that is not finite.
    """

    def __init__(self, source: Source):
        self.source = source
        self.info: Info | None = None

    def watched(self, file: sf.SoundFile, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The blocks (n, channels) of the whole file, measured on their way."""
        if file.channels > MAX_CHANNELS:
            raise AudioError(f"it has {file.channels} channels; mix it down to mono or stereo")
        n, peak = 0, 0.0
        for block in blocks:
            n += len(block)
            peak = max(peak, float(np.abs(block).max()))
            yield block
        _refuse_truncated(self.source, file, n)
        if n < SHORTEST_S * file.samplerate:
            raise AudioError(f"it lasts {n / file.samplerate:.4f} s; at least {SHORTEST_S} s are needed")
        self.info = Info(n / file.samplerate, file.samplerate, file.channels, peak)


def check(source: Source) -> Info:
    """Decode the whole recording in blocks and measure it; AudioError as `Checked` has it."""
    checked = Checked(source)
    with _open(checked) as file:
        for _ in _decode(file, checked):
            pass
    return checked.info


def read_blocks(source: Source | Checked, sample_rate: int, max_seconds: float | None = None) -> Iterator[np.ndarray]:
    """Mono float32 blocks (n,) at `sample_rate`; the channels' mean; at most `max_seconds` of it.

    Resampled by soxr as one stream, so block edges leave no trace.
    """
    with _open(source) as file:
        blocks = (block.mean(axis=1) for block in _decode(file, source, max_seconds))
        yield from _resampled(blocks, file.samplerate, sample_rate, 1)


def read_stereo(source: Source | Checked, sample_rate: int, max_seconds: float | None = None) -> Iterator[np.ndarray]:
    """The same with both channels: float32 blocks (2, n), left and right; of a mono file both are the same."""
    with _open(source) as file:
        blocks = _decode(file, source, max_seconds)
        for block in _resampled(blocks, file.samplerate, sample_rate, file.channels):
            yield np.broadcast_to(block, (len(block), 2)).T


def _resampled(blocks: Iterator[np.ndarray], rate: int, wanted: int, channels: int) -> Iterator[np.ndarray]:
    """Blocks (n,) or (n, channels) at another rate, as one stream; at least one."""
    if rate == wanted:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, wanted, channels, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(block[:0], last=True)


def _open(source: Source | Checked) -> sf.SoundFile:
    source = source.source if isinstance(source, Checked) else source
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size == 0:
        raise AudioError("the file is empty")
    try:
        return sf.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (sf.SoundFileError, TypeError) as e:  # TypeError: soundfile takes a .raw name for headerless audio
        raise AudioError(f"it cannot be decoded as audio ({_reason(e)})") from None


def _decode(file: sf.SoundFile, source: Source | Checked, max_seconds: float | None = None) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of the file, at most `max_seconds` of it; a whole one is checked if its source asks so."""
    if isinstance(source, Checked) and max_seconds is None:
        return source.watched(file, _blocks(file, None))
    return _blocks(file, None if max_seconds is None else round(max_seconds * file.samplerate))


def _blocks(file: sf.SoundFile, limit: int | None) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of float32; every sample finite; at least one sample in all."""
    size = max(1, int(BLOCK_S * file.samplerate))
    n = 0
    while limit is None or n < limit:
        try:
            block = file.read(size if limit is None else min(size, limit - n), dtype="float32", always_2d=True)
        except sf.SoundFileError as e:
            raise AudioError(f"it breaks off after {n / file.samplerate:.2f} s ({_reason(e)})") from None
        if not len(block):
            break
        if not np.isfinite(block).all():
            raise AudioError(f"it holds samples that are not finite near {n / file.samplerate:.0f} s")
        n += len(block)
        yield block
    if n == 0:
        raise AudioError("it holds no samples")


def _refuse_truncated(source: Source, file: sf.SoundFile, n_decoded: int) -> None:
    """Compare what the header promises with what was there, as far as the format can tell."""
    there = f"{n_decoded / file.samplerate:.2f} s are there"
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as raw:
        if file.format == "OGG" and not _ogg_ends(raw):
            raise AudioError(f"it is truncated: the last Ogg page is not whole, {there}")
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        promised = _promised_bytes(raw.read(28))
    if promised > size + 1:  # one byte of padding is often left out
        raise AudioError(f"it is truncated: the header promises {promised} bytes, the file has {size}; {there}")
    if n_decoded < file.frames:
        raise AudioError(f"it is truncated: the header promises {file.frames / file.samplerate:.2f} s, {there}")


def _promised_bytes(head: bytes) -> int:
    """File size that a container's header states, 0 where it states none; libsndfile trusts the file's length."""
    match head[:4]:
        case b"RIFF":
            size = int.from_bytes(head[4:8], "little")
            streamed = size in (0, 0x7FFFFFFF, 0xFFFFFFFF)  # written by a program that could not seek back
            return 0 if streamed else size + 8
        case b"RF64":
            return int.from_bytes(head[20:28], "little") + 8
        case b"riff":  # Wave64
            return int.from_bytes(head[16:24], "little")
        case b"FORM":  # AIFF
            return int.from_bytes(head[4:8], "big") + 8
        case b".snd":  # AU
            size = int.from_bytes(head[8:12], "big")
            return 0 if size == 0xFFFFFFFF else int.from_bytes(head[4:8], "big") + size
    return 0


def _ogg_ends(raw: io.BufferedIOBase) -> bool:
    """Whether the last Ogg page is whole and carries the end-of-stream flag (RFC 3533)."""
    raw.seek(0, io.SEEK_END)
    raw.seek(max(0, raw.tell() - 2**17))
    tail = raw.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    return bool(page[5] & 4) and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _reason(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].strip().rstrip(".") or type(error).__name__
