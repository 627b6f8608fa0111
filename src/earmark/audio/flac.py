"""FLAC (RFC 9639): recordings one after the other in one file, and how long each is.

A program that writes into a pipe cannot go back and state the length; then the last frame's number says it.
"""

from earmark.audio.layout import Layout, LayoutPart
from earmark.audio.source import Data

BLOCK = b"\0\0\x22"  # the length of the first metadata block, STREAMINFO
SEARCHED = (
    2**20
)  # bytes from the end in which the last frame begins; a frame of 8 channels has at most 2 MB, few 100 kB
SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}, **{code: 1 << code for code in range(8, 16)}}


def layout(data: Data, start: int) -> Layout:
    """A part for each recording: the marker with the block that must follow it begins the next one."""
    starts, at = [], start
    while (at := data.find(b"fLaC", at)) >= 0:
        if data[at + 4 : at + 5] in (b"\0", b"\x80") and data[at + 5 : at + 8] == BLOCK:
            starts.append(at)
        at += 4
    if len(starts) <= 1 and start == 0 and _stated(data, 0):
        return Layout("FLAC", (LayoutPart(promised=_stated(data, 0)),))
    return Layout("FLAC", tuple(_part(data, a, b) for a, b in zip(starts, [*starts[1:], len(data)], strict=True)))


def _stated(data: Data, at: int) -> int:
    """Sample frames, the last 36 bits before the checksum of STREAMINFO; 0: unknown."""
    return int.from_bytes(data[at + 21 : at + 26], "big") & (2**36 - 1)


def _part(data: Data, start: int, stop: int) -> LayoutPart:
    if n := _stated(data, start):
        return LayoutPart((range(start, stop),), promised=n)
    n = _counted(data, start, stop)
    head = bytearray(data[start : start + 26])
    head[21:26] = (int.from_bytes(head[21:26], "big") | n).to_bytes(5, "big")
    return LayoutPart((bytes(head), range(start + 26, stop)), promised=n)


def _counted(data: Data, start: int, stop: int) -> int:
    """Sample frames up to the end of the last frame, 0 where none is found."""
    first = _frames_at(data, start)
    fixed = int.from_bytes(data[start + 8 : start + 10], "big")
    like = data[first + 1], data[first + 2] & 0x0F, data[first + 3]
    at = stop
    while (at := data.rfind(b"\xff", max(first, stop - SEARCHED), at)) >= 0:
        if at + 4 <= stop and (data[at + 1], data[at + 2] & 0x0F, data[at + 3]) == like:
            found = _frame(bytes(data[at : min(at + 16, stop)]))
            if found:
                number, size = found
                return (number if data[at + 1] & 1 else number * fixed) + size
    return 0


def _frames_at(data: Data, start: int) -> int:
    """Where the frames begin, behind the metadata blocks."""
    at = start + 4
    while at + 4 <= len(data):
        last, size = data[at] & 0x80, int.from_bytes(data[at + 1 : at + 4], "big")
        at += 4 + size
        if last:
            break
    return min(at, len(data) - 4)


def _frame(head: bytes) -> tuple[int, int] | None:
    """A frame header's number and how many sample frames it holds; None when its checksum is wrong."""
    code = head[2] >> 4
    rate = head[2] & 0x0F
    lead = head[4] if len(head) > 4 else 0xFF
    more = 7 - (lead ^ 0xFF).bit_length() if lead >= 0xC0 else 0  # bytes, as in UTF-8
    number = lead & (0x7F >> (more + 1) if more else 0x7F)
    for byte in head[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    at = 5 + more
    extra = {6: 1, 7: 2}.get(code, 0)
    size = int.from_bytes(head[at : at + extra], "big") + 1 if extra else SIZES.get(code, 0)
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return (number, size) if at < len(head) and _crc8(head[:at]) == head[at] else None


def _crc8(data: bytes) -> int:
    """Checksum with the polynomial x^8 + x^2 + x + 1."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (7 if value & 0x80 else 0)) & 0xFF
    return value
