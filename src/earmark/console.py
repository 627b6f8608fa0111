"""How commands speak: sentences, tables and progress bars."""

import sys
from collections.abc import Iterable


def warn(text: str) -> None:
    """A sentence on stderr, where it does not mix with answers."""
    print(f"earmark: {text}", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """A line on stdout, at once."""
    print(text, flush=True)


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

    shown = Table(title=title and Text(title))
    for i, name in enumerate(columns):
        shown.add_column(name, overflow="fold", no_wrap=i > 0)
    for row in rows:
        shown.add_row(*(Text(str(cell)) for cell in row))
    Console().print(shown)
