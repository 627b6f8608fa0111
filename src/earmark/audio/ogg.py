"""Ogg (RFC 3533): recordings one after the other in one file, and whether the last page is whole."""

from earmark.audio.layout import Layout, LayoutPart
from earmark.audio.source import Data

BEGINS, ENDS = 2, 4  # flags of a page: the first, the last of a stream


def layout(data: Data, start: int) -> Layout:
    """A part for each recording: pages that begin a stream, behind others, begin the next one."""
    starts = [start]
    at = start
    stop = start
    begun = True
    last = 0
    whole = True
    while (at := data.find(b"OggS", at)) >= 0:
        size = _size(data, at)
        if size is None or at + size > len(data):
            whole = False
            break
        last = data[at + 5]
        if last & BEGINS and not begun:
            starts.append(at)
        begun = bool(last & BEGINS)
        at = stop = at + size
    missing = "" if whole else "the last Ogg page is incomplete"
    notes = (
        () if last & ENDS or missing else ("its last page is not marked as the last, as in a recorded radio stream",)
    )
    if len(starts) == 1 and start == 0:
        return Layout("Ogg", demuxer="ogg", missing=missing, notes=notes)
    parts = (LayoutPart((range(a, b),)) for a, b in zip(starts, [*starts[1:], stop], strict=True))
    return Layout("Ogg", tuple(parts), "ogg", missing=missing, notes=notes)


def _size(data: Data, at: int) -> int | None:
    """Bytes of the page there, None where its header is not whole."""
    table = data[at + 27 : at + 27 + data[at + 26]] if at + 27 <= len(data) else b""
    return 27 + len(table) + sum(table) if at + 27 <= len(data) and len(table) == data[at + 26] else None
