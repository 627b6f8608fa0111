"""What libmpg123 prints by itself on damaged frames, kept off the terminal."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

OWN = re.compile(rb"(\[\S*libmpg123/|Note: |Warning: |\s*$)")

_lock = threading.Lock()
_held: list[tuple[int, IO[bytes]]] = []  # the process's own stderr, and the file that stands in for it
_inside = 0


@contextmanager
def decoder() -> Iterator[None]:
    """The process's stderr, descriptor 2, without the decoder's lines; others are written once nobody decodes.

    The commands write through a descriptor of their own (`console.never_fail`), so that progress is seen meanwhile.
    """
    global _inside
    with _lock:
        if not _inside:
            _redirect()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _restore()


def _redirect() -> None:
    try:
        own = os.dup(2)
    except OSError:  # a process without stderr
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _restore)
    os.dup2(file.fileno(), 2)
    _held.append((own, file))


def _restore() -> None:
    if not _held:
        return
    own, file = _held.pop()
    os.dup2(own, 2)
    os.close(own)
    with file:
        file.seek(0)
        os.write(2, b"".join(line for line in file if not OWN.match(line)))
