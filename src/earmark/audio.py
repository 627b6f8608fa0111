"""Decoding: check a file once, then read it as mono blocks at one sample rate, never whole."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

BLOCK_S = 20.0
MAX_CHANNELS = 2
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


def check(source: Source) -> Info:
    """Decode the whole recording in blocks and measure it.

    Raises AudioError with the reason when it is empty, truncated, not audio, has more than two
    channels, or holds a sample that is not finite.
    """
    with _open(source) as file:
        if file.channels > MAX_CHANNELS:
            raise AudioError(f"it has {file.channels} channels; mix it down to mono or stereo")
        n, peak = 0, 0.0
        for block in _decode(file, None):
            n += len(block)
            peak = max(peak, float(np.abs(block).max()))
        _refuse_truncated(source, file, n)
        return Info(n / file.samplerate, file.samplerate, file.channels, peak)


def read_blocks(source: Source, sample_rate: int, max_seconds: float | None = None) -> Iterator[np.ndarray]:
    """Mono float32 blocks (n,) at `sample_rate`; the channels' mean; at most `max_seconds` of it.

    Resampled by soxr as one stream, so block edges leave no trace.
    """
    with _open(source) as file:
        limit = None if max_seconds is None else round(max_seconds * file.samplerate)
        blocks = (block.mean(axis=1) for block in _decode(file, limit))
        if file.samplerate == sample_rate:
            yield from blocks
            return
        stream = soxr.ResampleStream(file.samplerate, sample_rate, 1, dtype="float32")
        for block in blocks:
            yield stream.resample_chunk(block)
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _open(source: Source) -> sf.SoundFile:
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size == 0:
        raise AudioError("the file is empty")
    try:
        return sf.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (sf.SoundFileError, TypeError) as e:  # TypeError: soundfile takes a .raw name for headerless audio
        raise AudioError(f"it cannot be decoded as audio ({_reason(e)})") from None


def _decode(file: sf.SoundFile, limit: int | None) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of float32; every sample finite; at least one sample in all."""
    size = max(1, int(BLOCK_S * file.samplerate))
    n = 0
    while limit is None or n < limit:
        try:
            block = file.read(
                size if limit is None else min(size, limit - n), dtype="float32", always_2d=True
            )
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
    promised = file.frames
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as raw:
        if file.format == "WAV":
            promised = max(promised, _wav_frames(raw))
        elif file.format == "OGG" and not _ogg_ends(raw):
            raise AudioError(
                f"it is truncated: the last Ogg page is missing after {n_decoded / file.samplerate:.2f} s"
            )
    if n_decoded < promised:
        raise AudioError(
            f"it is truncated: the header promises {promised / file.samplerate:.2f} s, "
            f"{n_decoded / file.samplerate:.2f} s are there"
        )


def _wav_frames(raw: io.BufferedIOBase) -> int:
    """Sample frames that a RIFF header promises; libsndfile quietly trusts the file's length instead."""
    raw.seek(12)
    block_align = 0
    while len(head := raw.read(8)) == 8:
        size = int.from_bytes(head[4:], "little")
        if head[:4] == b"fmt ":
            block_align = int.from_bytes(raw.read(size)[12:14], "little")
        elif head[:4] == b"data":
            streamed = size in (0, 0xFFFFFFFF, 0x7FFFFFFF)  # written by a program that could not seek back
            return 0 if streamed or not block_align else size // block_align
        else:
            raw.seek(size + size % 2, io.SEEK_CUR)
    return 0


def _ogg_ends(raw: io.BufferedIOBase) -> bool:
    """Whether the last Ogg page carries the end-of-stream flag (RFC 3533, header type 0x04)."""
    raw.seek(0, io.SEEK_END)
    raw.seek(max(0, raw.tell() - 2**17))
    tail = raw.read()
    last = tail.rfind(b"OggS")
    return last >= 0 and len(tail) > last + 5 and bool(tail[last + 5] & 4)


def _reason(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].strip().rstrip(".") or type(error).__name__
