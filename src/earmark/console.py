"""How commands speak: sentences, tables and progress bars."""

import os
import sys
import textwrap
from collections.abc import Iterable, Iterator
from unicodedata import category

GAP = "  "  # between the columns of a table
LEAST_WRAPPED = 20  # columns; a last one of less is not worth wrapping


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


def figure(value: float) -> str:
    """A figure for a line: three decimals, or three digits where those would hide it, as of a learning rate."""
    return f"{value:.3f}" if value == 0 or not abs(value) < 0.01 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Rough time for people: '85 s', '12 min', '2.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None) -> None:
    """A table on stdout, as wide as it needs to be where no terminal reads it. Text is shown as it is.

    On a terminal that is too narrow, the last column is wrapped between words; where that is not enough, the first
    one, a file's name say, stands whole on a line above the others. No name is broken by us.
    """
    names = tuple(_in_utf8(name) for name in columns)
    cells = [tuple(printable(cell) for cell in row) for row in rows]
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
    room = _line_width()
    if room and sum(widths) + len(GAP) * (len(widths) - 1) > room:
        shown = _narrow(names, cells, widths, room)
    else:
        shown = _wide(names, cells, widths)
    if title:
        say(title)
    for line in shown:
        print(line)
    sys.stdout.flush()


def _line_width() -> int:
    """Columns of the terminal that reads stdout, or what COLUMNS says; 0 where a file or a program does."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"])
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0


def _wide(names: tuple[str, ...], cells: list[tuple[str, ...]], widths: list[int]) -> Iterator[str]:
    """Lines of a table: names, a rule, and a line a row."""
    yield _line(names, widths)
    yield GAP.join("-" * n for n in widths)
    for row in cells:
        yield _line(row, widths)


def _narrow(names: tuple[str, ...], cells: list[tuple[str, ...]], widths: list[int], room: int) -> Iterator[str]:
    """The same in lines of at most `room` columns, but for what has no gap to break at."""
    left = room - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)
    above = left < min(LEAST_WRAPPED, widths[-1]) and len(widths) > 1
    if above:
        left += widths[0]  # the first column's place, less the gap behind it, which indents the others
    columns = widths[1:] if above else widths
    columns = [*columns[:-1], max(min(columns[-1], left), min(columns[-1], LEAST_WRAPPED))]
    rule = GAP.join("-" * n for n in columns)
    for i, row in enumerate((names, *cells)):
        if above:
            yield row[0]
        for line in _wrapped(row[1:] if above else row, columns):
            yield GAP + line if above else line
        if not i:
            yield GAP + rule if above else rule


def _wrapped(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    """The lines of a row whose last cell is wrapped between words."""
    last = textwrap.wrap(row[-1], widths[-1], break_long_words=False, break_on_hyphens=False) or [""]
    yield _line((*row[:-1], last[0]), widths)
    for more in last[1:]:
        yield _line((*[""] * (len(row) - 1), more), widths)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    from rich.cells import cell_len

    return GAP.join(cell + " " * (n - cell_len(cell)) for cell, n in zip(row, widths, strict=True)).rstrip()
