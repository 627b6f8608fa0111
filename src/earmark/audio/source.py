"""Where a recording comes from, and its bytes without reading them all."""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

File = Path | str | bytes  # bytes: those of a file
Data = bytes | mmap.mmap  # what can be sliced and searched


class AudioError(ValueError):
    """A recording that cannot be used; the text is the reason, without the file's name."""


@dataclass(frozen=True)
class Channel:
    """A recording of which one channel is read; number: from 1."""

    file: File
    number: int


Source = File | Channel


@dataclass(frozen=True)
class Folder:
    """A folder of recordings of which one channel is read; `folder / path` is one of them."""

    root: Path
    number: int

    def __truediv__(self, path: str) -> Channel:
        return Channel(self.root / path, self.number)


Root = Path | Folder


def folder(root: Path, channels: str | int) -> Root:
    """Where recordings lie of which all channels are mixed ('mix'), or one is read, numbered from 1."""
    return root if channels == "mix" else Folder(root, int(channels))


def file_of(source: Source) -> File:
    """The recording itself, whichever channel is read."""
    return source.file if isinstance(source, Channel) else source


@contextmanager
def mapped(file: File) -> Iterator[Data]:
    """The bytes of a file. Raises AudioError when there are none, OSError when it cannot be read."""
    if isinstance(file, bytes):
        if not file:
            raise AudioError("the file is empty")
        yield file
        return
    found = os.stat(file)
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise AudioError(f"it is no file but {kind}")
    if found.st_size == 0:
        raise AudioError("the file is empty")
    with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
