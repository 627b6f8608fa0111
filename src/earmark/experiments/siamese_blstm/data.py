"""The voices of siamese_blstm's study: sessions to train on, utterances and trials of other speakers to judge by."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data.reading import prepare, read
from earmark.errors import EarmarkError
from earmark.features.store import load
from earmark.tasks.speaker import dataset, features
from earmark.tasks.speaker.batches import ValidationTrials
from earmark.tasks.speaker.corpora import CORPORA
from earmark.tasks.speaker.settings import SpeakerDataSettings, SpeakerFeatureSettings
from earmark.tasks.speaker.trials.pairing import MOST
from earmark.tasks.speaker.voices import Voices

Progress = Callable[[Iterable, int, str], Iterable]
Warn = Callable[[str], None]


@dataclass(frozen=True)
class VoiceSettings:
    """source, root: a source of speakers with train, val and test, as in params.yaml; without splits 20 % each.

    more: folders with a manifest.csv whose speakers of split `more_split` train, too.
    """

    source: str = "demo"
    root: str = "data/demo_voices"
    more: tuple[str, ...] = ()
    more_split: str = "train"

    def of(self, source: str, root: str) -> SpeakerDataSettings:
        """The same as the pipeline's first stage wants it."""
        return SpeakerDataSettings(source, root, None, 0.2, 0.2, 1, 0.1, 0.0, MOST)


@dataclass(frozen=True)
class VoiceRecordings:
    """table: manifest of all folders, paths absolute. trials: on the validation and test speakers of the first."""

    table: pd.DataFrame
    trials: pd.DataFrame

    @property
    def sha256(self) -> str:
        """Hash of what is heard and judged, wherever it lies."""
        told = self.table[["sha256", "label", "group", "split", "utterance"]].to_csv(index=False)
        told += self.trials.to_csv(index=False)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Sounds:
    """Sessions of the training speakers, and what validation and test hear; `train.values` is picked already."""

    train: Voices
    val: ValidationTrials
    test: ValidationTrials


def recordings(said: VoiceSettings, warn: Warn, progress: Progress) -> VoiceRecordings:
    """Read and check all folders. Raises EarmarkError for what does not fit."""
    data, root = said.of(said.source, said.root), Path(said.root)
    prepared = prepare(CORPORA, data, root, warn, progress)
    tables = [_absolute(prepared.table, root)]
    for folder in map(Path, said.more):
        found, _ = read(CORPORA, said.of("folder", str(folder)), folder, warn, progress)
        some = found[found["split"] == said.more_split].assign(split="train") if "split" in found else found[:0]
        if some.empty:
            there = f"set more_split to one of {', '.join(sorted(set(found['split'])))}" if "split" in found else ""
            raise EarmarkError(
                f"{folder}/manifest.csv: no recording has the split '{said.more_split}'; "
                f"{there or 'add the column split'}."
            )
        prefix = f"{folder.name}/"
        tables.append(_absolute(some.assign(label=prefix + some.label, utterance=prefix + some.utterance), folder))
    return VoiceRecordings(pd.concat(tables, ignore_index=True), prepared.beside["trials"])


def _absolute(table: pd.DataFrame, root: Path) -> pd.DataFrame:
    return table.assign(path=[str((root / path).resolve()) for path in table.path])


def sounds(found: VoiceRecordings, settings: SpeakerFeatureSettings, progress: Progress) -> Sounds:
    """All voices with their features, in memory."""
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        features.run(found.table, Path("/"), settings, Path(scratch), _silent, progress, workers=1)
        gathered = dataset.gather(found.table, found.trials, load(Path(scratch)))
        val, test = (gathered.heard(gathered.trial_set(split)) for split in ("val", "test"))
        return Sounds(_picked(gathered.voices()[0]), _kept(val), _kept(test))


def _silent(sentence: str) -> None:
    """Extraction has nothing to say of a study's voices."""


def _kept(heard: ValidationTrials) -> ValidationTrials:
    return ValidationTrials(_picked(heard.voices), heard.a, heard.b, heard.same)


def _picked(voices: Voices) -> Voices:
    """The same without its file."""
    values = np.ascontiguousarray(voices.values[voices.frames])
    return Voices(values, np.arange(len(values)), voices.offsets, voices.lengths, voices.speakers)
