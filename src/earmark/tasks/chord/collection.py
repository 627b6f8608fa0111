"""Folders of recordings with .lab files as what the chord task trains on: spectrograms and targets end to end."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from earmark.errors import EarmarkError
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.dataset import truth
from earmark.tasks.chord.notation.vocabulary import WIDE, Vocabulary
from earmark.tasks.chord.settings import ChordFeatureSettings
from earmark.tasks.chord.songs import Songs

COLUMNS = ("path", "lab", "key", "group")


def table_of(folders: list[Path]) -> pd.DataFrame:
    """The manifests of folders, one below the other, with absolute `path` and `lab`."""
    tables = []
    for folder in folders:
        if not (folder / "manifest.csv").exists():
            raise EarmarkError(f"There is no {folder / 'manifest.csv'}; render songs into it with `earmark render`.")
        table = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
        missing = [c for c in COLUMNS if c not in table]
        if missing:
            raise EarmarkError(f"{folder / 'manifest.csv'} has no column '{missing[0]}'; add it.")
        tables.append(table.assign(path=[folder / p for p in table.path], lab=[folder / p for p in table.lab]))
    return pd.concat(tables, ignore_index=True)


def gather(
    table: pd.DataFrame,
    settings: ChordFeatureSettings,
    progress: Callable[[Iterable, int, str], Iterable],
    workers: int = 2,
    words: Vocabulary = WIDE,
) -> Songs:
    """Spectrogram and targets of every row of a table (`path`, `lab`, `key`), by worker processes."""
    read = partial(_read, settings, words)
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        done = pool.map(read, table.path, table.lab, table.key, chunksize=4)
        parts = list(progress(done, len(table), "constant-Q transform"))
    values, *truths = (np.concatenate(column) for column in zip(*parts, strict=True))
    lengths = np.array([len(part[0]) for part in parts], np.int64)
    offsets = np.cumsum(lengths) - lengths
    ids = [str(path) for path in table.path]
    return Songs(values, offsets, lengths, ids, *truths, settings.n_bins, words.none, settings.bins_per_octave)


def _read(settings: ChordFeatureSettings, words: Vocabulary, path: Path, lab_path: Path, key: str) -> tuple:
    values = spectrogram.spectrogram_of(path, settings)
    return values, *truth(lab_path, key, len(values), settings.hop_s, words)
