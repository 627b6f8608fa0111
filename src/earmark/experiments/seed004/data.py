"""The voices of seed 004's study: sessions to train on, utterances and trials of other speakers to judge by."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data.reading import read
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.features.store import load
from earmark.pipeline import prepare
from earmark.tasks.speaker import dataset
from earmark.tasks.speaker import features as extract
from earmark.tasks.speaker.batches import Heard
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.settings import SpeakerEvaluateSettings, SpeakerFeatureSettings
from earmark.tasks.speaker.voices import Voices

Progress = Callable[[Iterable, int, str], Iterable]
Warn = Callable[[str], None]
JUDGED = SpeakerEvaluateSettings(bootstrap=100, seed=0, utterance_s=4.0, trials=5000)


@dataclass(frozen=True)
class VoiceSettings:
    """source, root: a source of speakers with train, val and test, as in params.yaml; without splits 20 % each.

    more: folders with a manifest.csv whose speakers of split `more_split` train, too.
    """

    source: str = "demo"
    root: str = "data/demo_voices"
    more: tuple[str, ...] = ()
    more_split: str = "train"

    def of(self, source: str, root: str) -> DataSettings:
        """The same as the pipeline's first stage wants it."""
        return DataSettings(source, root, None, 0.2, 0.2, 1, 0.1)


@dataclass(frozen=True)
class Recordings:
    """table: manifest of all folders, paths absolute. given: trials.csv of the first, or None."""

    table: pd.DataFrame
    given: pd.DataFrame | None

    @property
    def sha256(self) -> str:
        """Hash of what is heard and judged, wherever it lies."""
        told = self.table[["sha256", "label", "group", "split", "utterance"]].to_csv(index=False)
        told += "" if self.given is None else self.given.to_csv(index=False)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Sounds:
    """Sessions of the training speakers, and what validation and test hear; `train.values` is picked already."""

    train: Voices
    val: Heard
    test: Heard


def recordings(said: VoiceSettings, warn: Warn, progress: Progress) -> Recordings:
    """Read and check all folders. Raises EarmarkError for what does not fit."""
    data, root = said.of(said.source, said.root), Path(said.root)
    prepared = prepare.run(CORPORA, data, root, warn, progress)
    given = prepared.beside.get("trials")
    tables = [_absolute(prepared.table, root)]
    for folder in map(Path, said.more):
        found, _ = read(CORPORA, said.of("folder", str(folder)), folder, warn, progress)
        some = found[found["split"] == said.more_split].assign(split="train") if "split" in found else found[:0]
        if some.empty:
            raise EarmarkError(
                f"{folder}/manifest.csv: no recording has the split '{said.more_split}'; set more_split."
            )
        prefix = f"{folder.name}/"
        tables.append(_absolute(some.assign(label=prefix + some.label, utterance=prefix + some.utterance), folder))
    return Recordings(pd.concat(tables, ignore_index=True), given)


def _absolute(table: pd.DataFrame, root: Path) -> pd.DataFrame:
    return table.assign(path=[str((root / path).resolve()) for path in table.path])


def sounds(found: Recordings, features: SpeakerFeatureSettings, progress: Progress) -> Sounds:
    """All voices with their features, in memory."""
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        extract.run(found.table, Path("/"), features, Path(scratch), _silent, progress, workers=1)
        read = dataset.gather(found.table, found.given, load(Path(scratch)), JUDGED)
        val, test = (read.heard(read.exam(split)) for split in ("val", "test"))
        return Sounds(_picked(read.voices()[0]), _kept(val), _kept(test))


def _silent(sentence: str) -> None:
    """Extraction has nothing to say of a study's voices."""


def _kept(heard: Heard) -> Heard:
    return Heard(_picked(heard.voices), heard.a, heard.b, heard.same)


def _picked(voices: Voices) -> Voices:
    """The same without its file."""
    values = np.ascontiguousarray(voices.values[voices.frames])
    return Voices(values, np.arange(len(values)), voices.offsets, voices.lengths, voices.speakers)
