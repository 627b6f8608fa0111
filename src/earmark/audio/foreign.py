"""Formats that libsndfile does not read, and what their containers promise: MP4, Matroska, Windows Media, AAC, AC-3."""

from collections.abc import Callable

from earmark.audio.layout import JOINED, Layout, LayoutPart
from earmark.audio.source import AudioError, Data

ASF_HEADER = bytes.fromhex("3026b2758e66cf11")
ASF_DATA = bytes.fromhex("3626b2758e66cf11")
AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
EBML = bytes.fromhex("1a45dfa3")
SEGMENT = bytes.fromhex("18538067")


def layout(data: Data, name: str, demuxer: str) -> Layout:
    """The layout of a file that ffmpeg's `demuxer` reads."""
    end = END[demuxer](data) if demuxer in END else 0
    if end < 0:
        raise AudioError(JOINED)
    missing = f"the header promises {end} bytes, the file has {len(data)}" if end > len(data) else ""
    return Layout(name, (LayoutPart(promised=_stated(data, demuxer)),), demuxer, sndfile=False, missing=missing)


def _stated(data: Data, demuxer: str) -> int:
    """Sample frames that a header of these formats states, 0 in others."""
    at = {"wv": 12, "tta": 14}.get(demuxer)
    n = int.from_bytes(data[at : at + 4], "little") if at else 0
    return 0 if n == 2**32 - 1 else n


def adts(data: Data, start: int) -> Layout | None:
    """The layout of AAC frames (ADTS, ISO 13818-7), None of anything else."""
    at, frames = start, 0
    while size := _adts_size(data, at):
        at, frames = at + size, frames + 1
    if (frames < 2 and at != len(data)) or not frames:
        return None
    short = ("its last frame is incomplete",) if at > len(data) else ()
    return Layout("AAC", demuxer="aac", sndfile=False, notes=short)


def _adts_size(data: Data, at: int) -> int:
    head = data[at : at + 6]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def ac3(data: Data, start: int) -> Layout | None:
    """The layout of AC-3 or its successor (ATSC A/52), None of anything else."""
    at, newer = start, data[start + 5 : start + 6] > b"\x57"  # the stream's number, 5 bits, above 10
    while data[at : at + 2] == b"\x0bw" and at + 6 <= len(data):
        at += _eac3_size(data, at) if newer else _ac3_size(data, at)
    if at == start:
        return None
    short = ("its last frame is incomplete",) if at > len(data) else ()
    return Layout("AC-3", demuxer="eac3" if newer else "ac3", sndfile=False, notes=short)


def _eac3_size(data: Data, at: int) -> int:
    return 2 * ((data[at + 2] & 7) << 8 | data[at + 3]) + 2


def _ac3_size(data: Data, at: int) -> int:
    rate, code = data[at + 4] >> 6, data[at + 4] & 0x3F
    kbps = AC3_KBPS[min(code >> 1, len(AC3_KBPS) - 1)]
    return 2 * (2 * kbps, kbps * 320 // 147 + code % 2, 3 * kbps, 1)[rate]


BEHIND = -1  # where a second file begins behind the first


def _mp4_end(data: Data) -> int:
    """Where the last box ends that begins in the file (ISO 14496-12)."""
    at = 0
    while at + 8 <= len(data):
        if at and data[at + 4 : at + 8] == b"ftyp":
            return BEHIND
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:  # 0: up to the end
            return len(data)
        at += size
    return at


def _matroska_end(data: Data) -> int:
    """Where the segment ends, 0 where that is left open."""
    at = 4 + _vint(data, 4)[1] + _vint(data, 4)[0]
    if data[at : at + 4] != SEGMENT:
        return 0
    size, length = _vint(data, at + 4)
    end = 0 if size == 2 ** (7 * length) - 1 else at + 4 + length + size
    return BEHIND if end and data[end : end + 4] == EBML else end


def _vint(data: Data, at: int) -> tuple[int, int]:
    """A number of EBML (RFC 8794), and how many bytes it takes."""
    first = data[at] if at < len(data) else 0x80
    length = 9 - first.bit_length() if first else 8
    return int.from_bytes(data[at : at + length], "big") & (2 ** (7 * length) - 1), length


def _asf_end(data: Data) -> int:
    """Where the object with the packets ends, 0 where it does not say."""
    at = end = 0
    while at + 24 <= len(data):
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        if at and data[at : at + 8] == ASF_HEADER:
            return BEHIND
        if size < 24:
            break
        at += size
        end = at if data[at - size : at - size + 8] == ASF_DATA else end
    return end


END: dict[str, Callable[[Data], int]] = {"mov": _mp4_end, "matroska": _matroska_end, "asf": _asf_end}
