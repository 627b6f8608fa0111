"""MPEG audio, layers I to III (ISO 11172-3, 13818-3): every frame is found, so that nothing rests on an estimate.

Without a Xing or Info frame, which states how many frames follow, libsndfile guesses the length from the first frame's
bit rate and reads no further. Here the frames are counted, as many as that guess lacks are put behind them, and what is
decoded is cut where the counted frames end. A frame that states a number in the middle begins another recording, which
was joined to the first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from earmark.audio.layout import Layout, LayoutPart
from earmark.audio.source import Data

SEARCHED = 2**16  # bytes before the first frame that may be something else
KBPS = {  # by (MPEG 1, layer)
    (True, 1): range(32, 449, 32),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by the version's bits
CHANCE = 2  # frames more than a tag states that are its encoder's way of counting, and no other recording


class Header(NamedTuple):
    """A frame's: bytes and samples of it, and what is the same in all frames of a stream."""

    size: int
    samples: int
    version: int  # its two bits: 3 is MPEG 1, 2 MPEG 2, 0 MPEG 2.5
    layer: int
    rate: int  # Hz
    mono: bool

    @property
    def kind(self) -> tuple[int, ...]:
        """What all frames of a stream share: version, layer, rate and the rest."""
        return self[2:]

    @property
    def side(self) -> int:
        """Where a Xing tag stands in the frame: behind layer III's side information."""
        return 4 + ((17 if self.mono else 32) if self.version == 3 else (9 if self.mono else 17))


class Tag(NamedTuple):
    """A frame that states what follows; 0 where it does not say."""

    frames: int
    size: int  # bytes, those of the tag's frame among them
    xing: bool


@dataclass
class Stream:
    """The frames of one recording: ranges of bytes, and their number; `tag` stands in the range before them."""

    header: Header
    tag: Tag | None = None
    before: range = range(0)
    spans: list[range] = field(default_factory=list)
    frames: int = 0

    def add(self, start: int, size: int) -> None:
        """One more frame of `size` bytes; frames without a gap are one span."""
        if self.spans and self.spans[-1].stop == start:
            self.spans[-1] = range(self.spans[-1].start, start + size)
        else:
            self.spans.append(range(start, start + size))
        self.frames += 1

    @property
    def stated(self) -> int:
        """Frames that the tag states; 0 where none does."""
        return self.tag.frames if self.tag else 0

    @property
    def short(self) -> bool:
        """Whether frames that the tag states are missing; some encoders count one too many, but no byte."""
        size = len(self.before) + sum(map(len, self.spans))
        return self.frames < self.stated and not (self.tag.size and size >= self.tag.size)


def header(data: Data, at: int) -> Header | None:
    """The frame's header that stands there, None where none does. (Free format, bit rate 0, is none.)"""
    head = data[at : at + 4]
    return _header(head[1], head[2], head[3] >> 6 == 3) if len(head) == 4 and head[0] == 0xFF else None


@lru_cache(maxsize=4096)
def _header(second: int, third: int, mono: bool) -> Header | None:
    version, layer = second >> 3 & 3, 4 - (second >> 1 & 3)
    rate, index = third >> 2 & 3, third >> 4
    if second < 0xE0 or version == 1 or layer == 4 or rate == 3 or index in (0, 15):
        return None
    kbps = KBPS[version == 3, layer][index - 1]
    hertz = RATES[version][rate]
    padding = third >> 1 & 1
    if layer == 1:
        return Header((12000 * kbps // hertz + padding) * 4, 384, version, 1, hertz, mono)
    samples = 576 if layer == 3 and version != 3 else 1152
    return Header(samples * 125 * kbps // hertz + padding, samples, version, layer, hertz, mono)


def after_id3(data: Data, start: int) -> int:
    """Where ID3v2 tags (https://id3.org) end that begin at `start`."""
    while data[start : start + 3] == b"ID3" and start + 10 <= len(data):
        a, b, c, d = (byte & 0x7F for byte in data[start + 6 : start + 10])
        footer = 10 if data[start + 5] & 0x10 else 0
        start += 10 + footer + (a << 21 | b << 14 | c << 7 | d)
    return start


def _before_tags(data: Data, stop: int) -> int:
    """Where the tags at a file's end begin: ID3v1, and APE's with its footer."""
    if data[stop - 128 : stop - 125] == b"TAG":
        stop -= 128
    if data[stop - 32 : stop - 24] == b"APETAGEX":
        with_header = 32 if data[stop - 9] & 0x80 else 0
        stop -= int.from_bytes(data[stop - 20 : stop - 16], "little") + with_header
    return max(0, stop)


class Scan:
    """The frames of some bytes, (place, header) one after the other; afterwards what is none of them.

    skipped: bytes between frames; short: the last frame is not whole.
    """

    def __init__(self, data: Data, start: int, stop: int):
        self.data = data
        self.start = start
        self.stop = stop
        self.skipped, self.short = 0, False

    def __iter__(self) -> Iterator[tuple[int, Header]]:
        at, kind = self.start, None
        while at + 4 <= self.stop:
            found = header(self.data, at)
            if found and (found.kind == kind or self.begins(at, found)):
                if at + found.size > self.stop:
                    self.short = True
                    return
                yield at, found
                at, kind = at + found.size, found.kind
            else:
                after = after_id3(self.data, at)
                if after == at:
                    after = self._next(at + 1)
                    self.skipped += min(after, self.stop) - at
                at = after

    def begins(self, at: int, found: Header, more: int = 1) -> bool:
        """Whether frames of one kind begin there: it and `more` behind it, or all up to the end."""
        for _ in range(more):
            at += found.size
            if at >= self.stop - 3 or self.data[at : at + 3] == b"ID3":
                return at <= self.stop
            following = header(self.data, at)
            if following is None or following.kind != found.kind:
                return False
            found = following
        return True

    def _next(self, at: int) -> int:
        while (at := self.data.find(b"\xff", at, self.stop)) >= 0:
            found = header(self.data, at)
            if found and self.begins(at, found, 2):
                return at
            at += 1
        return self.stop


def layout(data: Data, start: int, stop: int | None = None) -> Layout | None:
    """The layout of MPEG frames that begin at `start`, or shortly after it; None where there are none."""
    stop = _before_tags(data, len(data)) if stop is None else stop
    scan = Scan(data, start, stop)
    first = header(data, start)
    if not (first and scan.begins(start, first)):
        scan.start = Scan(data, start, min(stop, start + SEARCHED))._next(start)
        if scan.start >= min(stop, start + SEARCHED):
            return None
    found = _streams(data, scan)
    notes = []
    if scan.short:
        notes.append("its last frame is incomplete")
    if scan.skipped:
        notes.append(f"{scan.skipped} bytes between its frames are not audio and are skipped")
    missing = [s for s in found if s.short]
    said = f"the header promises {missing[0].stated} frames, the file has {missing[0].frames}" if missing else ""
    parts = tuple(_part(data, stream) for stream in found if stream.frames)
    return Layout(f"MPEG layer {'I' * found[0].header.layer}", parts, missing=said, notes=tuple(notes))


def _streams(data: Data, frames: Iterable[tuple[int, Header]]) -> list[Stream]:
    """The recordings in a file, in their order."""
    marks, found = _marks(data), []
    for at, frame in frames:
        if tag := _tag(data, at, frame, marks):
            found.append(Stream(frame, tag, range(at, at + frame.size)))
            continue
        if not found or found[-1].header.kind != frame.kind or 0 < found[-1].stated == found[-1].frames:
            found.append(Stream(frame))
        found[-1].add(at, frame.size)
    return _rejoined(found)


def _rejoined(streams: list[Stream]) -> list[Stream]:
    """The same, a frame or two behind what a tag states taken for its own."""
    kept: list[Stream] = []
    for stream in streams:
        if kept and not stream.tag and stream.frames <= CHANCE and kept[-1].header.kind == stream.header.kind:
            kept[-1].tag = None
            kept[-1].spans += stream.spans
            kept[-1].frames += stream.frames
        else:
            kept.append(stream)
    return kept


def _marks(data: Data) -> set[int]:
    """Where the words of tags stand."""
    found = set()
    for word in (b"Xing", b"Info", b"VBRI"):
        at = data.find(word)
        while at >= 0:
            found.add(at)
            at = data.find(word, at + 4)
    return found


def _tag(data: Data, at: int, frame: Header, marks: set[int]) -> Tag | None:
    def number(place: int) -> int:
        return int.from_bytes(data[place : place + 4], "big")

    if frame.layer != 3:
        return None
    if at + 36 in marks and data[at + 36 : at + 40] == b"VBRI":
        return Tag(number(at + 50), number(at + 46), False)
    for place in (at + frame.side, at + frame.side + 2):  # behind a checksum
        if place in marks and data[place : place + 4] != b"VBRI":
            flags = number(place + 4)
            frames = number(place + 8) if flags & 1 else 0
            return Tag(frames, number(place + 8 + 4 * (flags & 1)) if flags & 2 else 0, True)
    return None


def _part(data: Data, stream: Stream) -> LayoutPart:
    """A file of a stream's frames of which a decoder expects no fewer than there are."""
    if stream.tag and stream.tag.xing and stream.stated == stream.frames:  # it may say what to cut at both ends, too
        return LayoutPart((stream.before, *stream.spans))
    start = stream.spans[0].start
    first = range(start, start + header(data, start).size)
    expected = stream.frames * (len(first) + 1)  # bytes, were all frames of the first one's bit rate
    more = max(0, expected - sum(map(len, stream.spans))) // len(first) + 1
    return LayoutPart((*stream.spans, *(first,) * more), most=stream.frames * stream.header.samples)
