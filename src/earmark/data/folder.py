"""A directory of audio: with manifest.csv, with AudioFolder's metadata.csv, or with one sub-folder a label."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pandas as pd

from earmark.data import audiofolder
from earmark.data.manifest import read_table
from earmark.data.names import nfc
from earmark.data.settings import MANIFEST
from earmark.data.walking import FolderContents, counted, some, walk
from earmark.errors import EarmarkError


def read(root: Path, warn: Callable[[str], None], manifest: str = MANIFEST) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, group and any others).

    manifest: the name of its table. Without one, and metadata.csv as `audiofolder` reads it, labels are the
    sub-folders' names and every file is assumed to be a group of its own, which `warn` says.
    """
    if (table := audiofolder.read(root, ("label",), warn, manifest=manifest)) is not None:
        return table
    if (root / manifest).exists():
        return read_table(root / manifest, warn=warn)
    recordings = labelled_recordings(root, "label", warn)
    warn(
        f"{root} has no manifest.csv: labels are the names of its sub-folders, and every file counts as a group "
        "of its own. If several files come from one source (an artist, an album, a take), the score will be too "
        "good: write a manifest.csv with path,label,group."
    )
    names = [p.as_posix() for p in recordings]
    return pd.DataFrame({"path": names, "label": [label_of(p) for p in recordings], "group": names})


def label_of(path: PurePosixPath) -> str:
    """The sub-folder's name; two that differ in their Unicode form alone are one label."""
    return nfc(path.parts[0])


def labelled_recordings(root: Path, what: str, warn: Callable[[str], None]) -> list[PurePosixPath]:
    """Audio in sub-folders, which are named by `what`; paths below `root`. Raises EarmarkError without any.

    Links are followed. `warn` says what is left out.
    """
    found = walk(root)
    found.tell(warn)
    inside = [path for path in found.audio if len(path.parts) > 1]
    if not inside:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor sub-folders with audio; put recordings into one folder per {what}, "
            "or write a manifest.csv with path,label,group."
        )
    tell_loose(found, inside, what, warn)
    return found.once(inside, label_of, warn)


def tell_loose(found: FolderContents, inside: list[PurePosixPath], what: str, warn: Callable[[str], None]) -> None:
    """Say which recordings lie beside the sub-folders, but those that a link in one of them names."""
    loose = found.without([path for path in found.audio if len(path.parts) == 1], inside)
    if loose:
        lie = "lie" if len(loose) != 1 else "lies"
        have = "have" if len(loose) != 1 else "has"
        warn(
            f"{counted(len(loose), 'recording')} {lie} in {found.root} itself and {have} no {what} ({some(loose)}): "
            f"left out; move each into the folder of its {what}."
        )
