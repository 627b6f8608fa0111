"""A file put together from bytes and from ranges of another file, without a copy."""

import io
from bisect import bisect_right
from itertools import accumulate

from earmark.audio.source import Data


class SplicedFile(io.RawIOBase):
    """Reads `spans`, bytes or ranges of the bytes of `data`, one after the other as one file."""

    def __init__(self, data: Data, spans: tuple[bytes | range, ...]):
        self.data, self.spans = data, [span for span in spans if len(span)]
        self.starts = [0, *accumulate(map(len, self.spans))]
        self.at = 0

    def seekable(self) -> bool:
        """True, as of any file."""
        return True

    def readable(self) -> bool:
        """True, as of any file."""
        return True

    def tell(self) -> int:
        """The place in bytes."""
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in bytes, from the start, here or the end, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.starts[-1]}[whence]
        self.at = max(0, base + offset)
        return self.at

    def readinto(self, buffer) -> int:
        """Fill the buffer as far as there is something; how many bytes that were."""
        view, n = memoryview(buffer).cast("B"), 0
        while n < len(view) and self.at < self.starts[-1]:
            i = bisect_right(self.starts, self.at) - 1
            span, within = self.spans[i], self.at - self.starts[i]
            size = min(len(span) - within, len(view) - n)
            source, first = (self.data, span.start + within) if isinstance(span, range) else (span, within)
            view[n : n + size] = source[first : first + size]
            n, self.at = n + size, self.at + size
        return n
