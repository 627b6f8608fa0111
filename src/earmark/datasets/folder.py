"""A directory of audio: with manifest.csv, or with one sub-folder a label, or a .lab file beside every song."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark.audio import EXTENSIONS
from earmark.errors import EarmarkError
from earmark.manifest import read_table


def read(root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, group and any others).

    Without manifest.csv labels are the sub-folders' names and every file is assumed to be a group of
    its own, which `warn` says.
    """
    if (root / "manifest.csv").exists():
        return read_table(root / "manifest.csv")
    paths = sorted(p.relative_to(root) for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS)
    labelled = [p for p in paths if len(p.parts) > 1]
    if not labelled:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor sub-folders with audio; "
            "put recordings into one folder a label, or write a manifest.csv with path,label,group."
        )
    if len(labelled) < len(paths):
        warn(f"{len(paths) - len(labelled)} recordings lie in {root} itself and have no label: left out.")
    warn(
        f"{root} has no manifest.csv: labels are the names of its sub-folders, and every file is taken for "
        "a group of its own. If several files come from one source (an artist, an album, a take), the score "
        "will be too good: write a manifest.csv with path,label,group."
    )
    names = [p.as_posix() for p in labelled]
    return pd.DataFrame({"path": names, "label": [p.parts[0] for p in labelled], "group": names})


def read_songs(root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
    """The songs below `root` as a manifest (columns path, lab, group and any others).

    Without manifest.csv every recording with a .lab file of its name beside it is taken, as a group of its own, which
    `warn` says.
    """
    if (root / "manifest.csv").exists():
        return read_table(root / "manifest.csv", ("path", "lab", "group"))
    paths = sorted(p.relative_to(root) for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS)
    songs = [p for p in paths if (root / p).with_suffix(".lab").exists()]
    if not songs:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor recordings with a .lab file beside them; put song.lab beside "
            "song.flac, or write a manifest.csv with path,lab,group."
        )
    if len(songs) < len(paths):
        warn(f"{len(paths) - len(songs)} recordings in {root} have no .lab file beside them: left out.")
    warn(
        f"{root} has no manifest.csv: every file is taken for a group of its own. If several are takes, covers or "
        "renders of one song, the score will be too good: write a manifest.csv with path,lab,group."
    )
    names = [p.as_posix() for p in songs]
    return pd.DataFrame({"path": names, "lab": [p.with_suffix(".lab").as_posix() for p in songs], "group": names})
