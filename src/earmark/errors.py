"""Errors that a user can mend: one sentence that names the file, row or key, and the remedy."""

import difflib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class EarmarkError(Exception):
    """A user's mistake or an unmet condition; the CLI prints its text without a traceback."""


def nearest(word: str, known: Iterable[str]) -> str:
    """' (did you mean X?)' for a misspelt word, or the known words when nothing is near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}."


def require(condition: bool, key: str, rule: str) -> None:
    """Raise ValueError with a sentence about a setting's `key` unless the condition holds."""
    if not condition:
        raise ValueError(f"{key} {rule}")


@contextmanager
def writing(path: Path, remedy: str = "make room, or name another place") -> Iterator[None]:
    """What the system says against writing `path` (a full disk, no permission) as one EarmarkError."""
    try:
        yield
    except OSError as e:
        raise EarmarkError(f"{path} cannot be written: {e.strerror or e}; {remedy}.") from None


def writable_folder(path: Path, named_by: str) -> None:
    """Raise EarmarkError unless files can be written into a folder, which need not exist yet; leaves nothing behind.

    named_by: the option that names the folder, for the remedy.
    """
    remedy = f"name another folder with {named_by}"
    with writing(path, remedy):
        for part in (path, *path.parents):
            if part.exists() and not part.is_dir():
                raise EarmarkError(f"{part} is not a folder, so nothing can be written into {path}; {remedy}.")
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryFile(dir=path):
                pass
        finally:
            for folder in missing:
                with suppress(OSError):  # somebody else may have begun to use it
                    folder.rmdir()


def writable_file(path: Path, named_by: str) -> None:
    """The same of a file, its folder included; one that exists is left as it is."""
    with writing(path, f"name another file with {named_by}"):
        if path.is_dir():
            raise EarmarkError(f"{path} is a folder; name a file with {named_by}.")
        if path.exists() and not path.is_file():  # a device or a pipe: what it takes is seen when it is written
            return
        writable_folder(path.parent, named_by)
        if path.exists():
            with path.open("ab"):
                pass
