"""How commands speak: sentences, tables and progress bars."""

import os
import sys
from collections.abc import Iterable
from unicodedata import category


def never_fail() -> None:
    """From now on, what a terminal cannot show is printed as backslash escapes, on stdout and stderr.

    Python's stderr gets a descriptor of its own, so that nothing of ours is lost where that of the process is kept off
    the terminal (`audio.quiet`).
    """
    if sys.stderr is sys.__stderr__ and sys.stderr is not None:
        sys.stderr = os.fdopen(os.dup(2), "w", 1, sys.stderr.encoding, "backslashreplace")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def printable(text: object) -> str:
    """The text with escapes for what is no character or moves the cursor: 'caf\\xe9.wav' of a name in Latin-1."""
    return "".join(c.encode("unicode_escape").decode() if category(c) == "Cc" else c for c in _in_utf8(text))


def _in_utf8(text: object) -> str:
    """The text with escapes for what UTF-8 cannot hold.

    File names are bytes, and those that are no UTF-8 reach Python as surrogates.
    """
    try:
        return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def warn(text: str) -> None:
    """A sentence on stderr, where it does not mix with answers."""
    print(f"earmark: {_in_utf8(text)}", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """A line on stdout, at once."""
    print(_in_utf8(text), flush=True)


def progress(items: Iterable, total: int, title: str) -> Iterable:
    """The items, with a progress bar on stderr."""
    from rich.console import Console
    from rich.progress import track

    return track(items, title, total, console=Console(stderr=True))


def bar(title: str, total: int):
    """A progress bar as a context; its value advances by one when called."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def shown():
        with Progress(console=Console(stderr=True)) as progress:
            job = progress.add_task(title, total=total)
            yield lambda: progress.advance(job)

    return shown()


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], title: str | None = None) -> None:
    """A table on stdout; the second and later columns do not wrap. Text is shown as it is, brackets included."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title and Text(_in_utf8(title)))
    for i, name in enumerate(columns):
        shown.add_column(name, overflow="fold", no_wrap=i > 0)
    for row in rows:
        shown.add_row(*(Text(_in_utf8(cell)) for cell in row))
    Console().print(shown)
