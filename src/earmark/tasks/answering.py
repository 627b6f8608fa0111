"""What `earmark predict TASK` shares among tasks: which files can be used, and a sentence on each that cannot."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import typer

from earmark.audio import AudioError
from earmark.console import warn
from earmark.training.model_files import Chosen

# The model to answer with, by the name that was given, if any; what a command finds as its context's object.
Resolve = Callable[[str | None], Chosen]
Problems = dict[Path, str]
T = TypeVar("T")


def usable(task: str, files: Iterable[Path], problems: Problems) -> list[Path]:
    """Those of the files that exist; the sentences on the others go into `problems`."""
    files = list(files)
    problems |= {file: problem for file in files if (problem := _no_recording(file, task))}
    return [file for file in files if file not in problems]


def _no_recording(path: Path, task: str) -> str | None:
    try:
        if path.is_dir():
            return f"{path} is a folder; name its files, or judge a labelled folder with `earmark score {task} {path}`."
        return None if path.is_file() else f"There is no file {path}."
    except OSError as e:  # a name that is too long, a folder that may not be entered
        return f"{path} cannot be used: {e.strerror}."


def answered(files: Iterable[Path], answer: Callable[[Path], T], problems: Problems) -> Iterator[tuple[Path, T]]:
    """(file, answer) of each file that can be decoded; the sentences on the others go into `problems`."""
    for file in files:
        try:
            yield file, answer(file)
        except (AudioError, OSError) as e:
            problems[file] = f"{file} cannot be used: {getattr(e, 'strerror', None) or e}."


def finish(problems: Problems) -> None:
    """Say what could not be used; the exit status is 1 then."""
    for problem in problems.values():
        warn(problem)
    if problems:
        raise typer.Exit(1)
