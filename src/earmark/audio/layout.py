"""How a file is to be decoded: whole, in parts, or by another program.

libsndfile trusts headers that are wrong, or stops after the first of several streams; so
the formats that state lengths are read here first, and it is handed parts whose headers say what is there.
"""

from dataclasses import dataclass

ASKED = -1
JOINED = "it holds another recording appended to the first; split it"


@dataclass(frozen=True)
class LayoutPart:
    """One stream of a file.

    spans: bytes, and ranges of the file's bytes, that make a file of it; None: the file as it is.
    promised: sample frames that its header states, 0 where it states none; ASKED: what libsndfile says.
    most: how many of them are audio.
    """

    spans: tuple[bytes | range, ...] | None = None
    promised: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Layout:
    """How a file is decoded.

    name: of the format, for people. parts: one after the other, by libsndfile. demuxer: ffmpeg's name of what
    libsndfile cannot read, '' where there is none. sndfile: libsndfile may be able to.
    missing: what a header promises and the file lacks. notes: sentences on what was passed over.
    """

    name: str
    parts: tuple[LayoutPart, ...] = (LayoutPart(),)
    demuxer: str = ""
    sndfile: bool = True
    missing: str = ""
    notes: tuple[str, ...] = ()
