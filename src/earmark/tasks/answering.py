"""What `earmark predict TASK` shares among tasks: which files can be used, a sentence on each that cannot, and JSON."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import typer

from earmark.audio import AudioError, Channel, CheckedRecording, Source
from earmark.console import printable, warn
from earmark.data import walking
from earmark.errors import EarmarkError
from earmark.tasks import piped
from earmark.training.model_files import ResolvedModel, read_learnt

# The model to answer with, by the name that was given, if any; what a command finds as its context's object.
Resolve = Callable[[str | None], ResolvedModel]
T = TypeVar("T")
MOST = 8  # recordings at once: each takes memory


class Problem(NamedTuple):
    """A file that cannot be used. shown: its name. place: among the files that were asked about, None for others."""

    sentence: str
    shown: str
    place: int | None


Problems = list[Problem]


class Recording(NamedTuple):
    """A file that was named, or lies in a folder that was, and exists.

    shown: its name for people and tables. source: what is read. stem: of the files that are written about it, with
    the folders between it and the one that was named. place: as a problem's.
    """

    shown: str
    source: Source
    stem: str
    place: int | None = None


class NamedFile(NamedTuple):
    """A file that was named, or lies in a folder that was; stem: as a recording's."""

    path: Path
    stem: str


@contextmanager
def recordings(
    files: Iterable[Path], problems: Problems, channel: int | None = None, folders: bool = True, asked: bool = True
) -> Iterator[list[Recording]]:
    """Those of the files that exist, and what folders among them hold; the sentences on the others go into `problems`.

    What comes through a pipe is copied into a temporary file, which is gone afterwards. channel: the one that is read,
    from 1; all are mixed without. folders: whether folders are entered. asked: whether these are the files that the
    answer is about.
    """
    with piped.pipes() as pipes:
        try:
            yield list(_usable(_Finding(problems, asked), files, pipes, channel, folders))
        except EarmarkError:  # which ends the command: what was found until then is not lost
            tell(problems)
            raise


class _Finding:
    """Numbers files in their order, and notes what is wrong with some."""

    def __init__(self, problems: Problems, asked: bool):
        self.problems = problems
        self.asked = asked
        self.places = count()

    def place(self) -> int | None:
        return next(self.places) if self.asked else None

    def problem(self, sentence: str, shown: str) -> None:
        self.problems.append(Problem(sentence, shown, self.place()))


def _usable(
    finding: _Finding, files: Iterable[Path], pipes: piped.Pipes, channel: int | None, folders: bool
) -> Iterator[Recording]:
    for file, stem in (found for named in files for found in _entered(finding, named, folders)):
        shown = printable(file)
        try:
            path = pipes.file(file, shown)
        except piped.UnusableError as e:
            finding.problem(str(e), shown)
        except OSError as e:
            finding.problem(_reason(file, shown, e), shown)
        else:
            _tell_of_name(file, shown)
            yield Recording(shown, Channel(path, channel) if channel else path, stem, finding.place())


def _entered(finding: _Finding, file: Path, folders: bool) -> Iterator[NamedFile]:
    """The file, or the recordings in a folder, those in its sub-folders among them."""
    if not folders or str(file) in piped.STANDARD_INPUT or not os.path.isdir(file):
        yield NamedFile(file, "stdin" if str(file) == "-" else file.stem)
        return
    try:
        found = walking.walk(file)
    except EarmarkError as e:
        finding.problem(str(e), printable(file))
        return
    inside = found.once(found.audio, lambda path: None, warn)
    found.tell(warn)
    if not inside:
        shown = printable(file)
        finding.problem(f"There is no recording in the folder {shown}; name another folder, or files.", shown)
    yield from (NamedFile(file / path, str(path.with_suffix(""))) for path in inside)


def _reason(file: Path, shown: str, error: OSError) -> str:
    """What the system says against a file, as a sentence."""
    if isinstance(error, IsADirectoryError):
        return f"{shown} is a folder, not a recording; name a file."
    if isinstance(error, FileNotFoundError) and str(file) != "-":
        if os.path.islink(file):
            return f"{shown} is a broken link: it leads to {printable(os.readlink(file))}, which does not exist."
        return f"There is no file or folder {shown}."
    return f"{shown} cannot be used: {error.strerror or error}."


def _tell_of_name(file: Path, shown: str) -> None:
    """Names are bytes, and tables and JSON hold text."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        warn(f"the name of {shown} is not UTF-8, so it is written with escapes; rename the file to avoid them.")


def refuse_clash(files: list[Recording], out: Path, ending: str, ask: str) -> None:
    """Raise EarmarkError where what is written about two recordings would have one name. ask: what to do instead."""
    stem, times = Counter(file.stem for file in files).most_common(1)[0]
    if times > 1:
        clash = " and ".join(file.shown for file in files if file.stem == stem)
        raise EarmarkError(f"{clash} would both become {printable(out / stem)}{ending}; {ask}.")


def answers(
    files: Iterable[Recording],
    answer: Callable[[CheckedRecording], T],
    problems: Problems,
    shown: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Iterator[tuple[Recording, T]]:
    """(recording, answer) of each one that can be decoded; the sentences on the others go into `problems`.

    As many recordings at once as there are cores, but no more than MOST, each on one thread. What was passed over in a
    recording is said. shown: hands outcomes on as they come, and shows progress by them.
    """

    def heard(file: Recording) -> tuple[Recording, CheckedRecording, T | AudioError | OSError]:
        recording = CheckedRecording(file.source)
        try:
            return file, recording, answer(recording)
        except (AudioError, OSError) as e:
            return file, recording, e

    from earmark.features import pool  # with torch, by now loaded or seconds away from being so

    outcomes = pool.map_ordered(heard, ((file,) for file in files), min(pool.cores(), MOST), seconds=0.0)
    for file, recording, found in shown(outcomes):
        if isinstance(found, (AudioError, OSError)):
            sentence = f"{file.shown} cannot be used: {getattr(found, 'strerror', None) or found}."
            problems.append(Problem(sentence, file.shown, file.place))
            continue
        yield file, found
        if recording.info and recording.info.note:
            warn(f"{file.shown}: {recording.info.note}.")


def tell_met(model: Path, files: Iterable[Recording]) -> None:
    """A sentence on the recordings that the model met in training, where it has a list of those."""
    if not (known := read_learnt(model)):
        return
    hashes, files = {sha256 for sha256, _ in known}, list(files)
    met = [file.shown for file in files if _sha256(file.source) in hashes]
    if met:
        n = f"{len(met)} of {walking.counted(len(files), 'recording')} {'is' if len(met) == 1 else 'are'}"
        warn(
            f"{n} among those that the model was trained or validated on ({walking.some(met)}): "
            "on new ones it will be wrong more often."
        )


def _sha256(source: Source) -> str:
    file = source.file if isinstance(source, Channel) else source
    if isinstance(file, bytes):
        return hashlib.sha256(file).hexdigest()
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def finish(problems: Problems) -> None:
    """Say what could not be used; the exit status is 1 then."""
    tell(problems)
    if problems:
        raise typer.Exit(1)


def tell(problems: Problems) -> None:
    """A sentence on each."""
    for problem in problems:
        warn(problem.sentence)


def rows(
    answers: Iterable[tuple[Recording, dict[str, Any]]],
    problems: Problems,
    keys: Iterable[str],
    model: ResolvedModel | None,
) -> list[dict[str, Any]]:
    """What JSON says of each file, in their order: path, the answer's keys, error, and the model that answered.

    A file that cannot be used has the sentence on it under error, and nothing under the answer's keys.
    """
    by = model.plain() if model else None
    nothing = dict.fromkeys(keys)
    found = [(r.place or 0, {"path": r.shown, **answer, "error": None, "model": by}) for r, answer in answers]
    for problem in problems:
        if problem.place is not None:
            row = {"path": problem.shown, **nothing, "error": problem.sentence, "model": by}
            found.append((problem.place, row))
    return [row for _, row in sorted(found, key=lambda one: one[0])]


def print_json(answer: list[dict[str, Any]] | dict[str, Any]) -> None:
    """The answer on stdout."""
    print(json.dumps(answer, indent=2))
