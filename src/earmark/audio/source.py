"""Where a recording comes from, and its bytes without holding them all."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import overload

File = Path | str | bytes  # bytes: those of a file
HELD = 2**20  # bytes of a file that are looked at together


class AudioError(ValueError):
    """A recording that cannot be used; the text is the reason, without the file's name."""


class OnDisk:
    """The bytes of an open file, to be sliced and searched as bytes are; a window of HELD of them is in memory.

    A memory map would do the same, but all that is looked at would count as the process's memory, the whole file in
    the end, and a file cut short meanwhile would kill it.
    """

    def __init__(self, file: io.FileIO):
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        self.start, self.window = 0, b""

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, stop, _ = key.indices(self.size)
            return self._range(start, max(start, stop))
        at = key + self.size if key < 0 else key
        if not 0 <= at < self.size:
            raise IndexError("index out of range")
        if not (byte := self._range(at, at + 1)):
            raise AudioError("it was truncated while being read")
        return byte[0]

    def _range(self, start: int, stop: int) -> bytes:
        """The bytes of a range; fewer where the file was cut meanwhile."""
        if stop - start > HELD:
            return self._load(start, stop - start)
        if not (self.start <= start and stop <= self.start + len(self.window)):
            self._hold(start)
        return self.window[start - self.start : stop - self.start]

    def _hold(self, start: int) -> None:
        self.start, self.window = start, self._load(start, HELD)

    def _load(self, start: int, n: int) -> bytes:
        self.file.seek(start)
        parts = []
        while n > 0 and (data := self.file.read(n)):
            parts.append(data)
            n -= len(data)
        return b"".join(parts)

    def find(self, what: bytes, start: int = 0, stop: int | None = None) -> int:
        """Where the first such bytes begin in a range, -1 where there are none."""
        stop = self.size if stop is None else min(stop, self.size)
        while start + len(what) <= stop:
            if not self.start <= start <= self.start + len(self.window) - len(what):
                self._hold(start)
            found = self.window.find(what, start - self.start, stop - self.start)
            if found >= 0:
                return self.start + found
            start = max(start, self.start + len(self.window) - len(what)) + 1
        return -1

    def rfind(self, what: bytes, start: int, stop: int) -> int:
        """Where the last such bytes begin in a range, -1 where there are none."""
        stop = min(stop, self.size)
        while start + len(what) <= stop:
            if not self.start + len(what) <= stop <= self.start + len(self.window):
                self._hold(max(0, stop - HELD))
            found = self.window.rfind(what, max(0, start - self.start), stop - self.start)
            if found >= 0:
                return self.start + found
            stop = min(stop - 1, self.start + len(what) - 1)
        return -1


Data = bytes | OnDisk  # what can be sliced and searched


@dataclass(frozen=True)
class Channel:
    """A recording of which one channel is read; number: from 1."""

    file: File
    number: int


Source = File | Channel


@dataclass(frozen=True)
class ChannelFolder:
    """A folder of recordings of which one channel is read; `folder / path` is one of them."""

    root: Path
    number: int

    def __truediv__(self, path: str) -> Channel:
        return Channel(self.root / path, self.number)


Root = Path | ChannelFolder


def folder(root: Path, channels: str | int) -> Root:
    """Where recordings lie of which all channels are mixed ('mix'), or one is read, numbered from 1."""
    return root if channels == "mix" else ChannelFolder(root, int(channels))


def file_of(source: Source) -> File:
    """The recording itself, whichever channel is read."""
    return source.file if isinstance(source, Channel) else source


@contextmanager
def opened(file: File) -> Iterator[Data]:
    """The bytes of a file. Raises AudioError when there are none, OSError when it cannot be read."""
    if isinstance(file, bytes):
        if not file:
            raise AudioError("the file is empty")
        yield file
        return
    found = os.stat(file)
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise AudioError(f"it is not a file but {kind}")
    if found.st_size == 0:
        raise AudioError("the file is empty")
    with open(file, "rb", buffering=0) as found_file:
        yield OnDisk(found_file)
