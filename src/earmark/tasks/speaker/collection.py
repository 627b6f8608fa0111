"""Folders of voices outside of the pipeline, read and checked as its first stage does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from earmark.data import reading
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.settings import SpeakerDataSettings
from earmark.tasks.speaker.trials.pairing import MOST

NAMED = ("label", "group", "utterance")


@dataclass(frozen=True)
class SpeakerFolder:
    """Recordings with their splits and absolute paths, and the trials on them.

    Speakers, sessions and utterances are named FOLDER/..., so that folders can stand together.
    """

    name: str
    table: pd.DataFrame
    trials: pd.DataFrame


def read(named: str, warn: Callable[[str], None], progress: Callable) -> SpeakerFolder:
    """The folder `named`; of FOLDER@FOLD the splits are folds, and one is the test. Raises EarmarkError."""
    path, _, fold = named.partition("@")
    root = Path(path).resolve()
    data = SpeakerDataSettings("folder", str(root), fold or None, 0.0, 0.2, 1, 0.1, 0.0, MOST)
    prepared = reading.prepare(CORPORA, data, root, warn, progress)
    table, trials = prepared.table, prepared.beside["trials"]
    table["path"] = [str(root / p) for p in table.path]
    for column in NAMED:
        table[column] = f"{root.name}/" + table[column]
    trials = trials.assign(a=f"{root.name}/" + trials.a, b=f"{root.name}/" + trials.b)
    return SpeakerFolder(root.name, table, trials)


def together(folders: list[SpeakerFolder]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The recordings of all, and the trials on them."""
    tables = ([f.table for f in folders], [f.trials for f in folders])
    table, trials = (pd.concat(parts, ignore_index=True) for parts in tables)
    return table, trials
