"""A chord manifest joined with its feature store and its .lab files: what a training or an evaluation reads."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.features import store as feature_store
from earmark.features.store import Store
from earmark.tasks.chord.networks.build import vocabulary
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.notation.vocabulary import IGNORED, Vocabulary
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings, ChordSettings
from earmark.tasks.chord.songs import Songs


@dataclass(frozen=True)
class ChordDataset:
    """Everything a chord training needs. songs: in the table's order, with targets in `words`."""

    task: str
    table: pd.DataFrame
    songs: Songs
    words: Vocabulary
    features: ChordFeatureSettings
    store_sha256: str

    def rows(self, split: str) -> np.ndarray:
        """Positions (n,) of the recordings of a split, ascending."""
        return np.flatnonzero(self.table["split"] == split)


def load(settings: ChordSettings) -> ChordDataset:
    """What the stages before left in the working tree."""
    data, stored = Path("data/chord"), feature_store.load(Path("features/chord"))
    return gather(manifest.load(data / "manifest.csv"), data, stored, settings.model)


def gather(table: pd.DataFrame, folder: Path, store: Store, model: ChordModelSettings) -> ChordDataset:
    """Join a manifest, the .lab files that it names below `folder`, and a store, for a network's vocabulary."""
    known = store.index()
    missing = sorted(set(table.path) - set(known))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract the features again.")
    features, words = ChordFeatureSettings(**store.settings), vocabulary(model)
    place = np.array([known[path] for path in table.path])
    lengths, labs = store.lengths[place], [folder / lab for lab in table.lab]
    rows = zip(labs, table.key, lengths, strict=True)
    truths = [truth(path, key, n, features.hop_s, words) for path, key, n in rows]
    arrays = [np.concatenate(column) for column in zip(*truths, strict=True)]
    if place.tolist() == list(range(len(store.ids))):  # as the features stage writes it: the array stays on disk
        values = store.values
    else:
        values = np.concatenate([store.frames(path) for path in table.path])
    offsets = np.cumsum(lengths) - lengths
    size = features.n_bins, words.none, features.bins_per_octave
    songs = Songs(values, offsets, lengths, list(table.path), *arrays, *size)
    return ChordDataset("chord", table, songs, words, features, store.sha256)


def truth(lab_path: Path, key: str, n: int, hop_s: float, words: Vocabulary) -> tuple[np.ndarray, ...]:
    """chord, bass, key, tones and change of n frames of a song, as `Songs` has them. Raises EarmarkError."""
    found = lab.frames(lab.read(lab_path), n, hop_s, words)
    number = targets.key_of(key)
    keys = np.full(n, IGNORED if number == targets.NO_KEY else number, np.int64)
    change = np.maximum(found.transition, 0).astype(np.uint8)
    return found.chord, found.bass, keys, found.tones.astype(np.uint8), change
