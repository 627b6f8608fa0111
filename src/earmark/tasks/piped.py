"""Recordings that come through a pipe: copied once into a file, since a recording is looked at more than once.

What `-`, `/dev/stdin`, `<(...)` of a shell and named pipes have in common is that their bytes can be read once, and
nobody knows how many there will be.
"""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 2 << 30
BLOCK_BYTES = 1 << 20
STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


class UnusableError(ValueError):
    """A file that cannot be used; the text is a whole sentence on it."""


class Pipes:
    """The copies of what came through pipes, in a temporary folder that is made for the first of them."""

    def __init__(self, stack: ExitStack):
        self.stack, self.folder = stack, Path()
        self.seen: set[tuple[int, int]] = set()

    def file(self, path: Path, shown: str) -> Path:
        """A file with the bytes of one: itself, or a copy of what came through a pipe.

        shown: the name for people. Raises UnusableError for what holds no recording, and OSError as `os.stat` does.
        """
        standard = str(path) in STANDARD_INPUT
        if standard and sys.stdin is None:  # number 0 may be any file then
            raise UnusableError(f"{shown} is closed; pipe a recording into the command, or name a file.")
        found = os.fstat(0) if standard else os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if stat.S_ISREG(found.st_mode) and str(path) != "-":
            return path
        if standard and os.isatty(0):
            raise UnusableError(f"{shown} is the terminal; pipe a recording into the command, or name a file.")

        if not standard and not stat.S_ISFIFO(found.st_mode):
            what = "a device" if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode) else "a socket"
            raise UnusableError(f"{shown} is {what}, not a recording; name a file or a pipe.")
        if (identity := (found.st_dev, found.st_ino)) in self.seen:
            raise UnusableError(f"{shown} is named twice, but a pipe can be read only once; name it once.")
        self.seen.add(identity)
        with os.fdopen(os.dup(0), "rb") if standard else path.open("rb") as source:
            return self._copied(source, path.suffix, shown)

    def _copied(self, source: BinaryIO, suffix: str, shown: str) -> Path:
        if not self.folder.name:
            self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="earmark-")))
        target = self.folder / f"{len(self.seen)}{suffix}"
        n = 0
        with target.open("wb") as file:
            while block := source.read(BLOCK_BYTES):
                n += len(block)
                if n > MOST_BYTES:
                    file.truncate(0)
                    raise UnusableError(
                        f"{shown} delivers more than {MOST_BYTES / 2**30:g} GiB, the most that is read from a "
                        "pipe; save it as a file, and name that."
                    )
                file.write(block)
        if not n:
            raise UnusableError(f"{shown} is empty: nothing came through the pipe.")
        return target


@contextmanager
def pipes() -> Iterator[Pipes]:
    """Pipes whose copies are gone afterwards."""
    with ExitStack() as stack:
        yield Pipes(stack)
