"""Walking folders: the files below one, links followed, and a sentence on each kind that is passed over.

Hidden files and the folders that other programs keep are no data of the user's. A folder that lies in itself, by a
link, is entered once.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from earmark.audio import EXTENSIONS
from earmark.errors import EarmarkError

Warn = Callable[[str], None]
FOREIGN = frozenset(
    (
        *("__macosx", "__pycache__", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "recycler"),
        *("lost+found", "system volume information", "network trash folder", "temporary items"),
    )
)
# What lies beside recordings and is none, so that nobody misses it.
COMPANIONS = frozenset(
    (
        *(".txt", ".md", ".rst", ".pdf", ".doc", ".docx", ".html", ".htm", ".log", ".nfo", ".bib", ".csv", ".tsv"),
        *(".xlsx", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".lab", ".jams", ".textgrid", ".cue"),
        *(
            ".m3u",
            ".m3u8",
            ".pls",
            ".jpg",
            ".jpeg",
            ".png",
            ".gif",
            ".webp",
            ".svg",
            ".npy",
            ".npz",
            ".pkl",
            ".parquet",
        ),
        *(".h5", ".py", ".ipynb", ".sh", ".bat", ".dvc", ".md5", ".sha256", ".sfv", ".db", ".lnk", ".url", ".mf"),
    )
)
TEXTS = frozenset(("readme", "license", "licence", "copying", "authors", "changelog", "makefile"))
SHOWN = 3  # names in a sentence


def is_audio(path: PurePosixPath) -> bool:
    """Whether the name is that of a recording."""
    return path.suffix.lower() in EXTENSIONS


def is_foreign(name: str) -> bool:
    """Whether a file or folder is hidden, or kept by another program (an archive's, a trash, an index)."""
    return name.startswith(".") or name.casefold() in FOREIGN


def counted(n: int, noun: str) -> str:
    """'1 recording', '2 recordings'."""
    return f"{n} {noun}{'s' * (n != 1)}"


def some(names: Iterable[object]) -> str:
    """The first of some names, and how many more there are."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


@dataclass
class FolderContents:
    """What lies below a folder; all paths are relative to `root`.

    files: sorted, but those passed over; a link that leads nowhere is one where its name is that of a recording.
    folders: that were entered, without the first. The others are what was passed over.
    """

    root: Path
    files: list[PurePosixPath] = field(default_factory=list)
    folders: list[PurePosixPath] = field(default_factory=list)
    hidden: list[PurePosixPath] = field(default_factory=list)
    dangling: list[PurePosixPath] = field(default_factory=list)
    unwritable: list[str] = field(default_factory=list)
    reals: dict[PurePosixPath, str] = field(default_factory=dict)

    @property
    def audio(self) -> list[PurePosixPath]:
        """The files that are named as recordings."""
        return [path for path in self.files if is_audio(path)]

    def real(self, path: PurePosixPath) -> str:
        """The file itself: where the links in its path lead."""
        return self.reals.get(path) or os.path.join(os.path.realpath(self.root), path)

    def once(
        self, paths: Iterable[PurePosixPath], said: Callable[[PurePosixPath], Hashable], warn: Warn
    ) -> list[PurePosixPath]:
        """Each real file once, under its own name if that is among the paths; `warn` tells the others.

        said: what is said of a recording; where that differs, a file stays under each name, as that is no copy but a
        contradiction.
        """
        kept: dict[tuple[str, Hashable], PurePosixPath] = {}
        again = []
        for path in sorted(paths, key=lambda p: (self.real(p) != os.path.join(os.path.realpath(self.root), p), p)):
            if kept.setdefault((self.real(path), said(path)), path) != path:
                again.append(path)
        if again:
            n = counted(len(again), "recording")
            warn(
                f"left out {n} below {self.root}, reached a second time through links ({some(again)}); each is read "
                "once."
            )
        return sorted(kept.values())

    def without(self, paths: Iterable[PurePosixPath], kept: Iterable[PurePosixPath]) -> list[PurePosixPath]:
        """The paths whose file is not among those that are kept, under whatever name."""
        reals = {self.real(path) for path in kept}
        return [path for path in paths if self.real(path) not in reals]

    def tell(self, warn: Warn, others: bool = True) -> None:
        """A sentence on each kind that was passed over; on files that are no recordings where `others` asks for it."""
        below = f"below {self.root}"
        if hidden := self.without(self.hidden, self.files):
            n, places = counted(len(hidden), "recording"), dict.fromkeys(map(_foreign_part, hidden))
            warn(
                f"left out {n} {below}, hidden or in folders of other programs ({some(places)}); rename those "
                "that are to be read."
            )
        silent = [path for path in self.files if not is_audio(path) and not _is_companion(path)]
        if others and silent:
            n = counted(len(silent), "file")
            warn(
                f"left out {n} {below} without the suffix of an audio format that is read ({some(silent)}); "
                "convert any recordings among them, for example to .flac."
            )
        if self.dangling:
            n = counted(len(self.dangling), "link")
            warn(f"left out {n} {below} leading nowhere ({some(self.dangling)}): repair or remove what is listed.")
        if self.unwritable:
            names = some(self.unwritable)
            warn(f"left out files and folders {below} whose names are not UTF-8 ({names}); rename them.")

    def tell_unlisted(self, listed: Iterable[str], table: str, warn: Warn) -> None:
        """A sentence on the recordings that no row of a table names, under whatever name."""
        said = set(listed)
        named = [path for path in self.audio if str(path) in said]
        if unlisted := self.without([path for path in self.audio if str(path) not in said], named):
            n, are = counted(len(unlisted), "recording"), "is" if len(unlisted) == 1 else "are"
            warn(f"{n} below {self.root} {are} not listed in {table} ({some(unlisted)}): left out.")


@dataclass(frozen=True)
class _Place:
    """A folder to look into; `linked` where a link leads there, `above` are the folders that it lies in."""

    path: PurePosixPath
    linked: bool = False
    above: frozenset[tuple[int, int]] = frozenset()


def walk(root: Path, below: str = ".", lenient: bool = False) -> FolderContents:
    """Everything in a folder below `root`.

    Raises EarmarkError for a folder that cannot be read; with `lenient` one inside is passed over.
    """
    found, waiting = FolderContents(root), [_Place(PurePosixPath(below))]
    while waiting:
        waiting += _look(found, waiting.pop(), lenient)
    found.files.sort()
    found.folders.sort()
    return found


def _look(found: FolderContents, place: _Place, lenient: bool) -> list[_Place]:
    """Take what lies in a folder; its sub-folders are to be looked into."""
    folder = found.root / place.path
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError as e:
        if lenient and place.above:
            return []
        raise EarmarkError(f"{folder} cannot be read ({e.strerror}); make it readable, or move it away.") from None
    if (status.st_dev, status.st_ino) in place.above:
        return []
    if place.above:
        found.folders.append(place.path)
    above, inner = place.above | {(status.st_dev, status.st_ino)}, []
    for entry in inside:
        path, linked = place.path / entry.name, place.linked or entry.is_symlink()
        if is_foreign(entry.name):
            found.hidden += _recordings_in(entry, path)
        elif not _is_utf8(entry.name):
            found.unwritable.append(os.fsencode(str(path)).decode("utf-8", "backslashreplace"))
        elif _is(entry.is_dir):
            inner.append(_Place(path, linked, above))
        else:
            _take(found, entry, path, linked)
    return inner


def _take(found: FolderContents, entry: os.DirEntry, path: PurePosixPath, linked: bool) -> None:
    """Take a file, or note the link that leads nowhere; sockets and pipes are neither."""
    nowhere = entry.is_symlink() and not os.path.exists(entry.path)
    if nowhere and not is_audio(path):
        found.dangling.append(path)
    elif nowhere or _is(entry.is_file):
        found.files.append(path)
    if linked:
        found.reals[path] = os.path.realpath(found.root / path)


def _recordings_in(entry: os.DirEntry, path: PurePosixPath) -> list[PurePosixPath]:
    """What is named as a recording in something that is passed over; links there are not followed."""
    if not entry.is_dir(follow_symlinks=False):
        return [path] if is_audio(path) else []
    inside = [path / os.path.relpath(at, entry.path) / name for at, _, names in os.walk(entry.path) for name in names]
    return [file for file in sorted(inside) if is_audio(file)]


def _foreign_part(path: PurePosixPath) -> PurePosixPath:
    """The path up to the first name for which it is passed over."""
    n = next(i for i, name in enumerate(path.parts, 1) if is_foreign(name))
    return PurePosixPath(*path.parts[:n])


def _is_companion(path: PurePosixPath) -> bool:
    return path.suffix.lower() in COMPANIONS or (not path.suffix and path.name.casefold() in TEXTS)


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; a link in a circle is of none."""
    try:
        return kind()
    except OSError:
        return False


def _is_utf8(name: str) -> bool:
    """Whether a manifest can hold the name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
