"""A speaker manifest joined with its feature store: what a training reads."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.features.store import Store
from earmark.settings.speaker import SpeakerEvaluateSettings, SpeakerFeatureSettings
from earmark.speakers import exams, extract, voices
from earmark.speakers.exams import Exam
from earmark.tasks.speaker import Heard


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


def gather(table: pd.DataFrame, given: pd.DataFrame | None, store: Store, judged: SpeakerEvaluateSettings) -> Material:
    """Join a manifest, a trial list and a store."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract features anew.")
    return Material(table, store, features_of(store), given, judged)


def features_of(store: Store) -> SpeakerFeatureSettings:
    """The settings that a store was made with."""
    return SpeakerFeatureSettings(**store.settings | {"speeds": tuple(store.settings["speeds"])})
