"""A directory of audio: with manifest.csv, or with one sub-folder a label, or a .lab file beside every song."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark.audio import EXTENSIONS
from earmark.datasets import speaker_lists
from earmark.errors import EarmarkError
from earmark.manifest import read_table


def read(root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, group and any others).

    Without manifest.csv labels are the sub-folders' names and every file is assumed to be a group of
    its own, which `warn` says.
    """
    if (root / "manifest.csv").exists():
        return read_table(root / "manifest.csv")
    labelled = _labelled(root, "label", warn)
    warn(
        f"{root} has no manifest.csv: labels are the names of its sub-folders, and every file is taken for "
        "a group of its own. If several files come from one source (an artist, an album, a take), the score "
        "will be too good: write a manifest.csv with path,label,group."
    )
    names = [p.as_posix() for p in labelled]
    return pd.DataFrame({"path": names, "label": [p.parts[0] for p in labelled], "group": names})


def _labelled(root: Path, what: str, warn: Callable[[str], None]) -> list[Path]:
    """Audio in sub-folders, which are named by `what`; paths below `root`."""
    paths = sorted(p.relative_to(root) for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS)
    labelled = [p for p in paths if len(p.parts) > 1]
    if not labelled:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor sub-folders with audio; "
            f"put recordings into one folder a {what}, or write a manifest.csv with path,label,group."
        )
    if len(labelled) < len(paths):
        warn(f"{len(paths) - len(labelled)} recordings lie in {root} itself and have no {what}: left out.")
    return labelled


def read_speakers(root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, which is the speaker, group and any others).

    Without manifest.csv speakers are the sub-folders' names, and a folder below a speaker's is taken for a session, or
    else every file for one of its own, which `warn` says. `utterances.csv` beside manifest.csv gives `utterance`.
    """
    if (root / "manifest.csv").exists():
        table = read_table(root / "manifest.csv")
        lists = root / "utterances.csv"
        return speaker_lists.join(table, lists) if lists.exists() else table
    labelled = _labelled(root, "speaker", warn)
    warn(
        f"{root} has no manifest.csv: SPEAKERS ARE THE NAMES OF ITS SUB-FOLDERS; a folder below a speaker's is taken "
        "for a session, a file in none for a session of its own. Where files come from one session (a recording round, "
        "a chapter, a video) trials pair room and microphone too, and the score will be too good: write a manifest.csv "
        "with path,label,group."
    )
    names = [p.as_posix() for p in labelled]
    groups = [(p.parent if len(p.parts) > 2 else p).as_posix() for p in labelled]
    return pd.DataFrame({"path": names, "label": [p.parts[0] for p in labelled], "group": groups})


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
