"""The voices of seed 004's study: sessions to train on, utterances and trials of other speakers to judge by."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.features.store import load
from earmark.settings.speaker import SpeakerFeatureSettings
from earmark.speakers import extract, trials, utterances
from earmark.speakers.voices import Voices, gather
from earmark.tasks.speaker import Heard

NEEDED = ("path", "label", "group", "split")
MOST_TRIALS = 5000  # of each kind, where there is no trials.csv


@dataclass(frozen=True)
class DataSettings:
    """root: a folder with manifest.csv, whose splits are train, val and test, of different speakers.

    more: folders whose speakers of split `more_split` train, too.
    """

    root: str = "data/demo_voices"
    more: tuple[str, ...] = ()
    more_split: str = "train"


@dataclass(frozen=True)
class Material:
    """Sessions of the training speakers, and what validation and test hear."""

    train: Voices
    val: Heard
    test: Heard


def gathered(data: DataSettings, features: SpeakerFeatureSettings, progress: Callable[[Iterable, int, str], Iterable]):
    """All voices with their features, in memory."""
    table, given = recordings(data), trial_list(Path(data.root))
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        extract.run(table, Path("/"), features, Path(scratch), progress, workers=1)
        store = load(Path(scratch))
        sessions = table[table["split"] == "train"].groupby(["label", "group"], sort=True)
        labels = [label for label, _ in sessions.groups]
        runs = [list(rows.path) for _, rows in sessions]
        train = gather(store, runs, np.unique(labels, return_inverse=True)[1], features.voice_db)
        heard = [_heard(utterances.of(table), split, given, store, features.voice_db) for split in ("val", "test")]
        return Material(_in_memory(train), *heard)


def _heard(table: pd.DataFrame, split: str, given: pd.DataFrame | None, store, voice_db: float) -> Heard:
    """The utterances of a split and their trials."""
    pairs = trials.of(table, split, MOST_TRIALS, 0, given)
    part = table[table["split"] == split].reset_index(drop=True)
    speakers = np.unique(part.label, return_inverse=True)[1]
    at = trials.places(part, pairs)
    voices = gather(store, [list(p) for p in part.paths], speakers, voice_db)
    return Heard(_in_memory(voices), at[:, 0], at[:, 1], pairs.same.to_numpy())


def _in_memory(voices: Voices) -> Voices:
    """The same without its file, rows already picked."""
    values = np.ascontiguousarray(voices.values[voices.frames])
    return Voices(values, np.arange(len(values)), voices.offsets, voices.lengths, voices.speakers)


def recordings(data: DataSettings) -> pd.DataFrame:
    """One table of all folders, paths absolute. Raises EarmarkError for a folder that does not fit."""
    first = manifest(Path(data.root))
    for split in ("train", "val", "test"):
        if not (first["split"] == split).any():
            raise EarmarkError(f"{data.root}/manifest.csv: no recording has the split '{split}'; the study needs it.")
    tables = [first[first["split"].isin(["train", "val", "test"])]]
    for root in data.more:
        more = manifest(Path(root))
        more = more[more["split"] == data.more_split].assign(split="train")
        if more.empty:
            raise EarmarkError(f"{root}/manifest.csv: no recording has the split '{data.more_split}'; set more_split.")
        tables.append(more.assign(label=f"{Path(root).name}/" + more.label))
    table = pd.concat(tables, ignore_index=True)
    both = table.groupby("label")["split"].nunique() > 1
    if both.any():
        name = both.index[both][0]
        raise EarmarkError(f"{data.root}/manifest.csv: speaker '{name}' is in several splits; give each one split.")
    return table


def sha256(table: pd.DataFrame, given: pd.DataFrame | None) -> str:
    """Hash of recordings, by what lies in their files, and of their trials."""
    digest = hashlib.sha256(b"" if given is None else given.to_csv().encode())
    for row in table.itertuples():
        digest.update(f"{row.label}\0{row.group}\0{row.split}\0{row.utterance}\0".encode())
        digest.update(Path(row.path).read_bytes())
    return digest.hexdigest()


def manifest(root: Path) -> pd.DataFrame:
    """A folder's manifest.csv with absolute paths and an utterance for every row."""
    file = root / "manifest.csv"
    if not file.exists():
        raise EarmarkError(f"{file} is missing; set data.root to a folder of voices that has one.")
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    for column in NEEDED:
        if column not in table:
            raise EarmarkError(f"{file}: the column '{column}' is missing; add it.")
    if "utterance" not in table:
        table = table.assign(utterance=table.path.map(joins(root)).fillna(table.path))
    duration = table.get("duration_s", pd.Series("0", table.index)).astype(float)
    return table.assign(duration_s=duration, path=[str((root / p).resolve()) for p in table.path])


def joins(root: Path) -> dict[str, str]:
    """Recording -> utterance of utterances.csv, whose paths are separated by semicolons; empty without one."""
    file = root / "utterances.csv"
    if not file.exists():
        return {}
    rows = pd.read_csv(file, dtype=str)
    return {path: u for u, paths in zip(rows.utterance, rows.paths, strict=True) for path in paths.split(";")}


def trial_list(root: Path) -> pd.DataFrame | None:
    """trials.csv as strings, its index the line in the file."""
    file = root / "trials.csv"
    if not file.exists():
        return None
    table = pd.read_csv(file, dtype=str)
    return table.set_axis(range(2, len(table) + 2))
