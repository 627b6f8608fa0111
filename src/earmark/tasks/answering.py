"""What `earmark predict TASK` shares among tasks: which files can be used, and a sentence on each that cannot."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import typer

from earmark.audio import AudioError, Channel, Checked, Source
from earmark.console import printable, warn
from earmark.errors import EarmarkError
from earmark.tasks import piped
from earmark.training.model_files import Chosen

# The model to answer with, by the name that was given, if any; what a command finds as its context's object.
Resolve = Callable[[str | None], Chosen]
Problems = list[str]
T = TypeVar("T")


class Recording(NamedTuple):
    """A file that was named and exists. shown: its name for people and tables. source: what is read.

    stem: of the files that are written about it.
    """

    shown: str
    source: Source
    stem: str


@contextmanager
def recordings(
    task: str, files: Iterable[Path], problems: Problems, channel: int | None = None
) -> Iterator[list[Recording]]:
    """Those of the files that exist; the sentences on the others go into `problems`.

    What comes through a pipe is copied into a temporary file, which is gone afterwards. channel: the one that is read,
    from 1; all are mixed without.
    """
    with piped.pipes() as pipes:
        try:
            yield list(_usable(task, files, pipes, problems, channel))
        except EarmarkError:  # which ends the command: what was found until then is not lost
            tell(problems)
            raise


def _usable(
    task: str, files: Iterable[Path], pipes: piped.Pipes, problems: Problems, channel: int | None
) -> Iterator[Recording]:
    for file in files:
        shown = printable(file)
        try:
            path = pipes.file(file, shown)
            source = Channel(path, channel) if channel else path
            found = Recording(shown, source, "stdin" if str(file) == "-" else file.stem)
        except piped.UnusableError as e:
            problems.append(str(e))
        except OSError as e:
            problems.append(_reason(task, file, shown, e))
        else:
            _tell_of_name(file, shown)
            yield found


def _reason(task: str, file: Path, shown: str, error: OSError) -> str:
    """What the system says against a file, as a sentence."""
    if isinstance(error, IsADirectoryError):
        return f"{shown} is a folder; name its files, or judge a labelled folder with `earmark score {task} {shown}`."
    if isinstance(error, FileNotFoundError) and str(file) != "-":
        if os.path.islink(file):
            return f"{shown} is a broken link: it leads to {printable(os.readlink(file))}, which is not there."
        return f"There is no file {shown}."
    return f"{shown} cannot be used: {error.strerror or error}."


def _tell_of_name(file: Path, shown: str) -> None:
    """Names are bytes, and tables and JSON hold text."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        warn(f"the name of {shown} is not UTF-8 and is written with escapes; rename the file to have it as it is.")


def answered(
    files: Iterable[Recording], answer: Callable[[Checked], T], problems: Problems
) -> Iterator[tuple[Recording, T]]:
    """(recording, answer) of each one that can be decoded; the sentences on the others go into `problems`.

    What was passed over in a recording is said.
    """
    for file in files:
        recording = Checked(file.source)
        try:
            yield file, answer(recording)
        except (AudioError, OSError) as e:
            problems.append(f"{file.shown} cannot be used: {getattr(e, 'strerror', None) or e}.")
        else:
            if recording.info and recording.info.note:
                warn(f"{file.shown}: {recording.info.note}.")


def finish(problems: Problems) -> None:
    """Say what could not be used; the exit status is 1 then."""
    tell(problems)
    if problems:
        raise typer.Exit(1)


def tell(problems: Problems) -> None:
    """A sentence on each."""
    for problem in problems:
        warn(problem)
