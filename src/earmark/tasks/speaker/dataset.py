"""A speaker manifest joined with its feature store: what a training reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.features import store as feature_store
from earmark.features.store import Store
from earmark.tasks.speaker import features as extract
from earmark.tasks.speaker import voices
from earmark.tasks.speaker.batches import Heard
from earmark.tasks.speaker.settings import SpeakerEvaluateSettings, SpeakerFeatureSettings, SpeakerSettings
from earmark.tasks.speaker.trials import exams
from earmark.tasks.speaker.trials.exams import Exam


@dataclass(frozen=True)
class Material:
    """Everything a speaker training needs. given: trials.csv, or None. judged: how trials are drawn without it."""

    table: pd.DataFrame
    store: Store
    features: SpeakerFeatureSettings
    given: pd.DataFrame | None
    judged: SpeakerEvaluateSettings

    @property
    def store_sha256(self) -> str:
        return self.store.sha256

    def voices(self) -> tuple[voices.Voices, list[str]]:
        """The training speakers' sessions, at every speed, and the speakers' names by number."""
        table = self.table[self.table["split"] == "train"]
        rows = [
            (extract.name(label, speed), [extract.name(path, speed) for path in part.path])
            for speed in (1.0, *self.features.speeds)
            for (label, _), part in table.groupby(["label", "group"])
        ]
        names = sorted({name for name, _ in rows})
        number = {name: i for i, name in enumerate(names)}
        rows.sort(key=lambda row: number[row[0]])
        speakers = np.array([number[name] for name, _ in rows], np.int64)
        return voices.gather(self.store, [paths for _, paths in rows], speakers, self.features.voice_db), names

    def exam(self, split: str, say: Callable[[str], None] = lambda sentence: None) -> Exam | None:
        """A split's utterances and trials; None where it has no recordings. say: told what makes trials easy."""
        if not (self.table["split"] == split).any():
            return None
        return exams.exam(self.table, split, self.judged, self.given, say)

    def heard(self, exam: Exam) -> Heard:
        """The same as frames."""
        paths = [list(paths) for paths in exam.utterances.paths]
        return Heard(voices.gather(self.store, paths, exam.speakers, self.features.voice_db), *exam.at.T, exam.same)


def load(settings: SpeakerSettings) -> Material:
    """What the stages before left in the working tree."""
    data = Path("data/speaker")
    stored = feature_store.load(Path("features/speaker"))
    return gather(manifest.load(data / "manifest.csv"), given(data), stored, settings.evaluate)


def given(data: Path) -> pd.DataFrame | None:
    """The trials beside a prepared manifest, or None."""
    path = data / "trials.csv"
    return manifest.read_csv(path, ("split", "a", "b", "same")) if path.exists() else None


def gather(table: pd.DataFrame, given: pd.DataFrame | None, store: Store, judged: SpeakerEvaluateSettings) -> Material:
    """Join a manifest, a trial list and a store."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract features anew.")
    return Material(table, store, features_of(store), given, judged)


def features_of(store: Store) -> SpeakerFeatureSettings:
    """The settings that a store was made with."""
    return SpeakerFeatureSettings(**store.settings | {"speeds": tuple(store.settings["speeds"])})
