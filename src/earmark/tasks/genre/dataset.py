"""A manifest joined with its feature store: what a training or an evaluation reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.features import store as feature_store
from earmark.features.settings import FeatureSettings
from earmark.features.store import Store
from earmark.tasks.genre import windows
from earmark.tasks.genre.settings import GenreSettings
from earmark.tasks.genre.windows import Windows


@dataclass(frozen=True)
class GenreDataset:
    """Everything a training needs, in memory or mapped: made once, used for any number of trainings."""

    task: str
    table: pd.DataFrame
    classes: list[str]
    windows: Windows
    features: FeatureSettings
    store_sha256: str

    def rows(self, split: str) -> np.ndarray:
        """Positions (n,) of the recordings of a split, ascending."""
        return np.flatnonzero(self.table["split"] == split)


def load(settings: GenreSettings) -> GenreDataset:
    """What the stages before left in the working tree."""
    return gather("genre", manifest.load(Path("data/genre/manifest.csv")), feature_store.load(Path("features/genre")))


def gather(task: str, table: pd.DataFrame, store: Store) -> GenreDataset:
    """Join a manifest and its feature store."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract the features again.")
    features = FeatureSettings(**store.settings)
    classes = sorted(table.label.unique())
    labels = table.label.map(classes.index).to_numpy()
    return GenreDataset(
        task, table, classes, windows.index(store, list(table.path), labels, features), features, store.sha256
    )
