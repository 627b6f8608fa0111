"""A review applied: labels that people corrected while they listened become a new manifest beside the old one."""

import hashlib
from pathlib import Path

import pandas as pd

from earmark.data import reading
from earmark.data.corpus import Corpora
from earmark.data.manifest import inside
from earmark.data.settings import DataSettings


def fingerprint(corpora: Corpora, data: DataSettings, root: Path) -> str:
    """sha256 of what a source's table says, in order of path: path, label or the .lab's content, group and split.

    It is what `Mark.manifest_sha256` holds. No audio is read, and what a reader warns of is `prepare`'s to say. Raises
    EarmarkError where the source cannot be read.
    """
    return _fingerprint(corpora, reading.listed(corpora, data, root, _silent), root)


def _silent(sentence: str) -> None:
    """What a reader warns of is `prepare`'s to say."""


def _fingerprint(corpora: Corpora, table: pd.DataFrame, root: Path) -> str:
    said = table[["path", "group"]].assign(label=_truth(corpora, table, root), split=table.get("split", ""))
    text = said.sort_values("path")[["path", "label", "group", "split"]].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _truth(corpora: Corpora, table: pd.DataFrame, root: Path) -> list[str]:
    """Of every row its label, or the hash of the file that holds it; '' where that cannot be read."""
    if corpora.annotation != "lab":
        return list(table.label)
    files = [inside(root, lab, where) for where, lab in table.lab.items()]
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "" for file in files]
