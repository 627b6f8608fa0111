"""Which file beside a recording has its chords: .lab, JAMS, or a label track of Audacity's, in this order."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from earmark.data.names import nfc
from earmark.data.walking import FolderContents, counted
from earmark.tasks.chord.notation import label_track

SUFFIXES = (".lab", ".jams", ".txt")


def chords(found: FolderContents, warn: Callable[[str], None]) -> dict[PurePosixPath, PurePosixPath]:
    """The chord file of every recording that has one of its name beside it, in whatever case or Unicode form.

    A .txt that is no label track is anything (lyrics, notes), and none. `warn` says which of several is read.
    """
    of_kind = [_beside(found, suffix) for suffix in SUFFIXES]
    files = {path: [files[path] for files in of_kind if path in files] for path in found.audio}
    if several := [there for there in files.values() if len(there) > 1]:
        have = "has" if len(several) == 1 else "have"
        warn(
            f"{counted(len(several), 'recording')} in {found.root} {have} more than one file of chords: .lab "
            f"comes before .jams, and both before .txt ({several[0][0]} is read here, {several[0][1]} is not)."
        )
    return {path: there[0] for path, there in files.items() if there}


def _beside(found: FolderContents, suffix: str) -> dict[PurePosixPath, PurePosixPath]:
    """The file with a suffix of every recording that has one."""
    files = [file for file in found.files if file.suffix.lower() == suffix]  # .LAB before .lab, which wins
    by_form = {nfc(str(file.with_suffix(""))): file for file in files}
    by_form |= {str(file.with_suffix("")): file for file in files}
    stems = {path: str(path.with_suffix("")) for path in found.audio}
    there = {path: by_form.get(stem) or by_form.get(nfc(stem)) for path, stem in stems.items()}
    return {path: file for path, file in there.items() if file and _has_chords(found.root / file)}


def _has_chords(file: Path) -> bool:
    return file.suffix.lower() != ".txt" or label_track.is_one(file)
