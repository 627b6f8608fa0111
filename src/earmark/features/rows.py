"""Rows of numbers that wait on disk, so that what is kept of a long recording takes no memory."""

import errno
import tempfile
from collections.abc import Iterator

import numpy as np

from earmark.errors import EarmarkError

MEMORY = 2**20  # bytes that wait in memory; what is more lies in a temporary file
BLOCK = 2**20  # bytes that are read back at once


class Rows:
    """Rows (n, width), appended in blocks and read back as often as wanted, until they are closed.

    The first block says how wide and of which type they are. Raises EarmarkError where the disk takes no more.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115 (closed by __exit__)
        self.n = 0
        self.width = 0
        self.dtype = np.dtype(np.float32)

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self.n

    def append(self, block: np.ndarray) -> None:
        """Put rows (k, width) behind the others."""
        if not self.n:
            self.width, self.dtype = block.shape[1], block.dtype
        self._file.seek(self.n * self.width * self.dtype.itemsize)
        try:
            self._file.write(np.ascontiguousarray(block, self.dtype).data.cast("B"))
        except OSError as e:
            if e.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise EarmarkError(
                f"Temporary data of a long recording is kept in {tempfile.gettempdir()}, which is full; make "
                "room there, or set the environment variable TMPDIR to another folder."
            ) from None
        self.n += len(block)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start to stop, as far as there are any, in memory."""
        start, stop = min(start, self.n), min(stop, self.n)
        row = self.width * self.dtype.itemsize
        self._file.seek(start * row)
        data = bytearray(self._file.read((stop - start) * row))  # which may be written to
        return np.frombuffer(data, self.dtype).reshape(stop - start, self.width)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.blocks(range(self.n))

    @property
    def at_once(self) -> int:
        """Rows in a block that is read back."""
        return max(1, BLOCK // max(1, self.width * self.dtype.itemsize))

    def blocks(self, which: range) -> Iterator[np.ndarray]:
        """Blocks (at most at_once, width) of the rows that a range names."""
        for start in range(which.start, which.stop, self.at_once):
            yield self.read(start, min(which.stop, start + self.at_once))

    def backwards(self) -> Iterator[tuple[int, np.ndarray]]:
        """All rows in blocks from the end, each with the number of its first row."""
        for start in reversed(range(0, self.n, self.at_once)):
            yield start, self.read(start, start + self.at_once)
