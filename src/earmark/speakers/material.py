"""A speaker manifest joined with its feature store: what a training reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.features.store import Store
from earmark.settings.speaker import SpeakerEvaluateSettings, SpeakerFeatureSettings
from earmark.speakers import extract, trials, utterances, voices
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

    def heard(self, split: str) -> Heard | None:
        """A split's utterances and trials; None where it has no recordings."""
        if not (self.table["split"] == split).any():
            return None
        known = utterances.of(self.table, self.judged.utterance_s)
        pairs = trials.of(known, split, self.judged.trials, self.judged.seed, self.given)
        part = known[known["split"] == split].reset_index(drop=True)
        at = trials.places(part, pairs)
        speakers = pd.factorize(part.label)[0].astype(np.int64)
        heard = voices.gather(self.store, [list(paths) for paths in part.paths], speakers, self.features.voice_db)
        return Heard(heard, at[:, 0], at[:, 1], pairs.same.to_numpy(bool))


def gather(table: pd.DataFrame, given: pd.DataFrame | None, store: Store, judged: SpeakerEvaluateSettings) -> Material:
    """Join a manifest, a trial list and a store."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract features anew.")
    return Material(table, store, features_of(store), given, judged)


def features_of(store: Store) -> SpeakerFeatureSettings:
    """The settings that a store was made with."""
    return SpeakerFeatureSettings(**store.settings | {"speeds": tuple(store.settings["speeds"])})
