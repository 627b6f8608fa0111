"""Lengths that uncompressed containers state: WAV, RF64, Wave64, AIFF, AU, CAF and NIST SPHERE.

The chunk with the samples decides, not the size of the whole, which many programs leave wrong. A program that writes
into a pipe cannot go back and state the length: it leaves 0 or a value near a limit of 31, 32 or 63 bits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from earmark.audio.layout import JOINED, Layout, LayoutPart
from earmark.audio.source import AudioError, Data

HEADER = 2**20  # bytes in which the samples begin, so that a header can be rewritten
RF64, RIFF = (b"RF64", b"BW64"), (b"RIFF", b"RIFX")


@dataclass(frozen=True)
class Chunk:
    """A chunk of a container: where its body begins, and the bytes that its header states."""

    name: bytes
    start: int
    size: int


def layout(data: Data) -> Layout | None:
    """The layout of such a container, None of anything else."""
    head = data[:12]
    if head[:4] in RIFF + RF64 and head[8:12] == b"WAVE":
        return _wave(data)
    if head[:4] == b"riff":
        return _wave64(data)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _aiff(data)
    if head[:4] in (b".snd", b"dns."):
        return _au(data)
    if head[:4] == b"caff":
        return _caf(data)
    return _nist(data) if head[:7] == b"NIST_1A" else None


def is_streamed(size: int, bits: int = 32) -> bool:
    """Whether a stated size is what a program leaves that could not go back: 0, or a little around a limit."""
    limits = (2 ** (bits - 1), 2**bits)
    return size == 0 or size == 0x7F000000 or any(abs(size - limit) <= 2**16 for limit in limits)


def chunks(data: Data, start: int, order: str, id_bytes: int = 4, size_bytes: int = 4) -> Iterator[Chunk]:
    """The chunks from `start` on, as far as their headers lie in the file."""
    head = id_bytes + size_bytes
    while start + head <= len(data):
        name = bytes(data[start : start + id_bytes])
        size = int.from_bytes(data[start + id_bytes : start + head], order)
        yield Chunk(name, start + head, size)
        start += head + size + size % 2


def _wave(data: Data) -> Layout:
    order = "big" if data[:4] == b"RIFX" else "little"
    found: dict[bytes, Chunk] = {}
    for chunk in chunks(data, 12, order):
        found.setdefault(chunk.name, chunk)
        if chunk.name == b"data":
            break
    if b"data" not in found or b"fmt " not in found:
        return Layout("WAV", demuxer="wav")
    body, size = found[b"data"], found[b"data"].size
    _refuse_joined(data, body.start + size, order, RIFF + RF64)
    if data[:4] in RF64 and size == 0xFFFFFFFF and b"ds64" in found:
        at = found[b"ds64"].start
        size = int.from_bytes(data[at + 8 : at + 16], "little")
        right = {0: b"RF64", at: _u64(len(data) - 8), at + 8: _u64(len(data) - body.start)}
        return _judged("RF64", data, replace(body, size=size), 64, right, "wav")
    tag = int.from_bytes(data[found[b"fmt "].start : found[b"fmt "].start + 2], order)
    if tag in (0x50, 0x55):  # MPEG in WAV
        return _mpeg_in_wave(data, body)
    there = len(data) - body.start
    right = {4: _u32(len(data) - 8, order), body.start - 4: _u32(there, order)}
    return _judged("WAV", data, body, 32, right, "wav")


def _refuse_joined(data: Data, start: int, order: str, names: tuple[bytes, ...]) -> None:
    """Refuse another file behind the chunks of the first; a byte of padding may be missing."""
    for first in {start, start + start % 2}:
        if any(chunk.name in names for chunk in chunks(data, first, order)):
            raise AudioError(JOINED)


def _mpeg_in_wave(data: Data, body: Chunk) -> Layout:
    from earmark.audio import mpeg

    stop = len(data) if is_streamed(body.size) else min(len(data), body.start + body.size)
    found = mpeg.layout(data, body.start, stop) or Layout("MPEG in WAV", demuxer="wav")
    return replace(found, missing=found.missing or _missing(body, len(data), 32))


def _wave64(data: Data) -> Layout:
    start = 40  # the file's own name (16), its size (8), and the name "wave" (16)
    while start + 24 <= len(data):
        name, size = bytes(data[start : start + 4]), int.from_bytes(data[start + 16 : start + 24], "little")
        if name == b"data":
            body = Chunk(name, start + 24, max(0, size - 24))
            right = {16: _u64(len(data)), start + 16: _u64(len(data) - start)}
            return _judged("Wave64", data, body, 64, right, "w64")
        start += max(24, size + -size % 8)
    return Layout("Wave64", demuxer="w64")


def _aiff(data: Data) -> Layout:
    _refuse_joined(data, 12, "big", (b"FORM",))
    found = {chunk.name: chunk for chunk in reversed(list(chunks(data, 12, "big")))}
    if b"SSND" not in found or b"COMM" not in found:
        return Layout("AIFF", demuxer="aiff")
    body, comm = found[b"SSND"], found[b"COMM"].start
    channels, bits = (int.from_bytes(data[at : at + 2], "big") for at in (comm, comm + 6))
    there = len(data) - body.start
    frames = (there - 8) // max(1, channels * (-(-bits // 8)))
    right = {4: _u32(len(data) - 8, "big"), body.start - 4: _u32(there, "big"), comm + 2: _u32(frames, "big")}
    return _judged("AIFF", data, body, 32, right, "aiff")


def _au(data: Data) -> Layout:
    order = "big" if data[:4] == b".snd" else "little"
    start, size = (int.from_bytes(data[at : at + 4], order) for at in (4, 8))
    right = {8: _u32(len(data) - start, order)}
    return _judged("AU", data, Chunk(b"data", start, size), 32, right, "au")


def _caf(data: Data) -> Layout:
    start = 8
    while start + 12 <= len(data):
        name, size = bytes(data[start : start + 4]), int.from_bytes(data[start + 4 : start + 12], "big", signed=True)
        if name == b"data":
            body = Chunk(name, start + 12, 2**64 + size if size < 0 else size)
            return _judged("CAF", data, body, 64, {start + 4: _u64(len(data) - start - 12, "big")}, "caf")
        start += 12 + max(0, size)
    return Layout("CAF", demuxer="caf")


def _nist(data: Data) -> Layout:
    head = bytes(data[:1024]).decode("latin-1")
    stated = {key: int(value) for key, value in re.findall(r"^(\w+) -i (\d+)", head, re.M)}
    size = stated.get("sample_count", 0) * stated.get("channel_count", 1) * stated.get("sample_n_bytes", 2)
    start = int(head[8:16]) if head[8:16].strip().isdecimal() else 1024
    if "shorten" in head or "shortpack" in head:
        return Layout("NIST SPHERE", demuxer="nistsphere", sndfile=False)
    return Layout("NIST SPHERE", demuxer="nistsphere", missing=_missing(Chunk(b"", start, size), len(data), 64))


def _judged(name: str, data: Data, body: Chunk, bits: int, right: dict[int, bytes], demuxer: str) -> Layout:
    """The layout of samples in `body`; `right`: what the header should say, by place, if it states no true length."""
    there, end = len(data) - body.start, body.start + body.size
    if any(data[at : at + 4] == data[:4] for at in (end, end + end % 2, end + -end % 8)):
        raise AudioError(JOINED)
    unknown = is_streamed(body.size, bits) and body.size != there
    if unknown and body.size == 0 and (there <= 0 or _only_chunks(data, body.start)):
        unknown = False  # there is nothing indeed
    if unknown and body.start <= HEADER:
        head = bytearray(data[: body.start])
        for at, value in right.items():
            head[at : at + len(value)] = value
        return Layout(name, (LayoutPart((bytes(head), range(body.start, len(data)))),), demuxer)
    return Layout(name, demuxer=demuxer, missing="" if unknown else _missing(body, len(data), bits))


def _only_chunks(data: Data, start: int) -> bool:
    """Whether what follows an empty chunk is chunks up to the end, and no samples."""
    end = start
    for chunk in chunks(data, start, "little"):
        if not (chunk.name.isascii() and chunk.name.decode().isprintable()):
            return False
        end = chunk.start + chunk.size
    return len(data) <= end <= len(data) + 1 and end > start


def _missing(body: Chunk, size: int, bits: int) -> str:
    """What is said when the file ends before the samples that the header promises."""
    if is_streamed(body.size, bits) or body.start + body.size <= size:
        return ""
    return f"the header promises {body.size} bytes of samples, the file has {max(0, size - body.start)}"


def _u32(n: int, order: str = "little") -> bytes:
    return min(max(n, 0), 2**32 - 1).to_bytes(4, order)


def _u64(n: int, order: str = "little") -> bytes:
    return max(n, 0).to_bytes(8, order)
