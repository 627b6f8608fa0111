"""A directory of audio: with manifest.csv, or with one sub-folder a label."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark.audio import EXTENSIONS
from earmark.data.manifest import read_table
from earmark.errors import EarmarkError


def read(root: Path, warn: Callable[[str], None]) -> pd.DataFrame:
    """The recordings below `root` as a manifest (columns path, label, group and any others).

    Without manifest.csv labels are the sub-folders' names and every file is assumed to be a group of
    its own, which `warn` says.
    """
    if (root / "manifest.csv").exists():
        return read_table(root / "manifest.csv")
    recordings = labelled(root, "label", warn)
    warn(
        f"{root} has no manifest.csv: labels are the names of its sub-folders, and every file is taken for "
        "a group of its own. If several files come from one source (an artist, an album, a take), the score "
        "will be too good: write a manifest.csv with path,label,group."
    )
    names = [p.as_posix() for p in recordings]
    return pd.DataFrame({"path": names, "label": [p.parts[0] for p in recordings], "group": names})


def labelled(root: Path, what: str, warn: Callable[[str], None]) -> list[Path]:
    """Audio in sub-folders, which are named by `what`; paths below `root`. Raises EarmarkError without any."""
    paths = sorted(p.relative_to(root) for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS)
    inside = [p for p in paths if len(p.parts) > 1]
    if not inside:
        raise EarmarkError(
            f"{root} holds neither manifest.csv nor sub-folders with audio; "
            f"put recordings into one folder a {what}, or write a manifest.csv with path,label,group."
        )
    if len(inside) < len(paths):
        warn(f"{len(paths) - len(inside)} recordings lie in {root} itself and have no {what}: left out.")
    return inside
