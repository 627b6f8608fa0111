"""A manifest with its statistics."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.features import store


@dataclass(frozen=True)
class Dataset:
    """x: (recordings, 60) in the table's order; y: (recordings,) places in `classes`."""

    table: pd.DataFrame
    x: np.ndarray
    y: np.ndarray
    classes: list[str]
    store_sha256: str

    def rows(self, split: str) -> np.ndarray:
        """Places of a split's recordings."""
        return np.flatnonzero(self.table["split"] == split)


def load(settings) -> Dataset:
    """What the stages before left in the working tree."""
    table, kept = manifest.load(Path("data/linear/manifest.csv")), store.load(Path("features/linear"))
    classes = sorted(table.label.unique())
    x = np.concatenate([kept.frames(path) for path in table.path])
    return Dataset(table, x, table.label.map(classes.index).to_numpy(), classes, kept.sha256)
