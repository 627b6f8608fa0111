"""Folders of voices outside of the pipeline, read and checked as its first stage does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from earmark.data.settings import DataSettings
from earmark.pipeline import prepare
from earmark.tasks.speaker.corpora import CORPORA

NAMED = ("label", "group", "utterance")


@dataclass(frozen=True)
class Folder:
    """Recordings with their splits and absolute paths, and the trials that the folder brings, or None.

    Speakers, sessions and utterances are named FOLDER/..., so that folders can stand together.
    """

    name: str
    table: pd.DataFrame
    trials: pd.DataFrame | None


def read(named: str, warn: Callable[[str], None], progress: Callable) -> Folder:
    """The folder `named`; of FOLDER@FOLD the splits are folds, and one is the test. Raises EarmarkError."""
    path, _, fold = named.partition("@")
    root = Path(path).resolve()
    data = DataSettings("folder", str(root), fold or None, 0.0, 0.2, 1, 0.1)
    prepared = prepare.run(CORPORA, data, root, warn, progress)
    table, trials = prepared.table, prepared.beside.get("trials")
    table["path"] = [str(root / p) for p in table.path]
    for column in NAMED:
        table[column] = f"{root.name}/" + table[column]
    if trials is not None:
        trials = trials.assign(a=f"{root.name}/" + trials.a, b=f"{root.name}/" + trials.b)
    return Folder(root.name, table, trials)


def together(folders: list[Folder]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The recordings of all, and the trials of those that bring any."""
    listed = [f.trials for f in folders if f.trials is not None]
    table = pd.concat([f.table for f in folders], ignore_index=True)
    return table, pd.concat(listed, ignore_index=True) if listed else None
