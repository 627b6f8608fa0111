"""A speaker manifest joined with its feature store: what a training reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.features import store as feature_store
from earmark.features.store import Store
from earmark.tasks.speaker import features, voices
from earmark.tasks.speaker.batches import ValidationTrials
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, SpeakerSettings
from earmark.tasks.speaker.trials import lists, trial_set
from earmark.tasks.speaker.trials.trial_set import TrialSet


@dataclass(frozen=True)
class SpeakerDataset:
    """Everything a speaker training needs. trials: of the judged splits, as `trials.lists.load` reads them."""

    table: pd.DataFrame
    store: Store
    features: SpeakerFeatureSettings
    trials: pd.DataFrame

    @property
    def store_sha256(self) -> str:
        """The hash of its features' store."""
        return self.store.sha256

    def voices(self) -> tuple[voices.Voices, list[str]]:
        """The training speakers' sessions, at every speed, and the speakers' names by number."""
        table = self.table[self.table["split"] == "train"]
        rows = [
            (features.name(label, speed), [features.name(path, speed) for path in part.path])
            for speed in (1.0, *self.features.speeds)
            for (label, _), part in table.groupby(["label", "group"])
        ]
        names = sorted({name for name, _ in rows})
        number = {name: i for i, name in enumerate(names)}
        rows.sort(key=lambda row: number[row[0]])
        speakers = np.array([number[name] for name, _ in rows], np.int64)
        return voices.gather(self.store, [paths for _, paths in rows], speakers, self.features.voice_db), names

    def trial_set(self, split: str) -> TrialSet | None:
        """A split's utterances and trials; None where it has no recordings."""
        return trial_set.of_split(self.table, self.trials, split)

    def heard(self, of: TrialSet) -> ValidationTrials:
        """The same as frames."""
        paths = [list(paths) for paths in of.utterances.paths]
        return ValidationTrials(
            voices.gather(self.store, paths, of.speakers, self.features.voice_db), *of.at.T, of.same
        )


def load(settings: SpeakerSettings) -> SpeakerDataset:
    """What the stages before left in the working tree."""
    data, stored = Path("data/speaker"), feature_store.load(Path("features/speaker"))
    return gather(manifest.load(data / "manifest.csv"), lists.load(data / "trials.csv"), stored)


def gather(table: pd.DataFrame, trials: pd.DataFrame, store: Store) -> SpeakerDataset:
    """Join a manifest, its trials and a store."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract the features again.")
    return SpeakerDataset(table, store, features_of(store), trials)


def features_of(store: Store) -> SpeakerFeatureSettings:
    """The settings that a store was made with."""
    return SpeakerFeatureSettings(**store.settings | {"speeds": tuple(store.settings["speeds"])})
