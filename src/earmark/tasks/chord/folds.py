"""Chords in cross-validations and studies of folds."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.data.settings import DataSettings
from earmark.evaluation.fold import UNWATCHED, Clock, Fold, TrainingHooks
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.nn import describe
from earmark.tasks.chord import baseline, chord_files, chroma, dataset, metrics, report, scores, train
from earmark.tasks.chord import features as extraction
from earmark.tasks.chord.dataset import ChordDataset
from earmark.tasks.chord.notation.vocabulary import WIDE
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings, ChordSettings, ChordTrainSettings
from earmark.tasks.chord.task import TASK

SAID = {"majmin": "majmin", "baseline_majmin": "baseline", "tetrads": "tetrads", "key_accuracy": "key"}
hashes, write = train.hashes, metrics.write


class FoldSongs(NamedTuple):
    """Songs with what the model hears in them, and the same with what the baseline hears."""

    songs: list[scores.ScoredSong]
    beside: list[scores.ScoredSong]


def check(
    table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Callable[[str], None]
) -> None:
    """Nothing: songs have no class that a fold may lack."""


def extract(
    table: pd.DataFrame, root: Root, settings: ChordFeatureSettings, out: Path, warn: Callable, progress: Callable
) -> None:
    """Spectrograms of every recording below `out`, and beside them its .lab files with songs.csv, which names them."""
    extraction.run(table, root, settings, out, warn, progress)
    chord_files.write(out, table)[["path", "lab"]].to_csv(out / "songs.csv", index=False)


def beside(table: pd.DataFrame, root: Root, settings: ChordFeatureSettings, out: Path, progress: Callable) -> None:
    """Chroma of every recording into a folder that `extract` wrote, unless it is there; each is tested once."""
    if not (out / chroma.FILE).exists():
        extraction.beside(table.assign(split="test"), root, settings, out, progress)


def gather(table: pd.DataFrame, features: Path, settings: ChordSettings) -> ChordDataset:
    """`join_store` for the model of some settings."""
    return join_store(table, features, settings.model)


def join_store(table: pd.DataFrame, features: Path, model: ChordModelSettings) -> ChordDataset:
    """A manifest with a split, joined with the store and the .lab files in a folder that `extract` wrote."""
    return dataset.gather(table.assign(lab=_labs(table, features)), features, store.load(features), model)


def train_and_test(found: ChordDataset, name: str, features: Path, settings: ChordSettings) -> Fold:
    """Train on a dataset's train split and judge its test split; `judged` are the songs, truth and estimates."""
    with tempfile.TemporaryDirectory() as folder:  # where the decoder is trained, too
        _, fit = train.run(found, settings.model, settings.train, Path(folder))
        songs = scored_songs(found, features, Path(folder))
    both = FoldSongs(songs, baseline.songs(songs, features))
    return Fold(name, metrics.predictions(songs).assign(fold=name), both, fit.history, int(fit.best_epoch))


def train_and_judge(
    found: ChordDataset,
    features: Path,
    model: ChordModelSettings,
    settings: ChordTrainSettings,
    watch: TrainingHooks = UNWATCHED,
) -> tuple[dict, pd.DataFrame]:
    """A study's training: its result, and one row a song with the columns that every task has."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        task, fit = train.run(found, model, settings, Path(folder), **watch._asdict())
        seconds = clock.seconds()
        songs = scored_songs(found, features, Path(folder))
    sums = scores.summed(songs)
    best = next((row for row in fit.history if row["epoch"] == fit.best_epoch), {})
    result = {
        "refused": "",
        "val_accuracy": best.get("val/accuracy"),
        "best_epoch": int(fit.best_epoch),
        "parameters": describe.count(task.model),
        "history": fit.history,
    }
    figures = {name: sums.figure(name) for name in TASK.study_figures}
    finite = {k: v for k, v in figures.items() if np.isfinite(v)}
    return result | seconds | finite, _answers(found.table, songs, sums)


def _answers(table: pd.DataFrame, songs: list[scores.ScoredSong], sums: scores.Sums) -> pd.DataFrame:
    """right_<figure> and of_<figure> are seconds; of the key they are songs, of transitions numbers of them."""
    fold_of = dict(zip(table.path, table.fold, strict=True))
    found = pd.DataFrame([{"recording": s.name, "group": s.group, "fold": fold_of[s.name]} for s in songs])
    for name in TASK.study_figures:
        right, of = sums.parts[name]
        found = found.assign(**{f"right_{name}": right, f"of_{name}": of})
    return found


def scored_songs(found: ChordDataset, features: Path, model: Path) -> list[scores.ScoredSong]:
    """Truth and estimate of a dataset's test split, by the model of a folder."""
    table = found.table.iloc[found.rows("test")]
    songs = metrics.predicted_songs(Recogniser(model), table, store.load(features))
    return metrics.scored_songs(table, features, songs)


def _labs(table: pd.DataFrame, features: Path) -> pd.Series:
    """Where each recording's .lab file lies below the folder that `extract` wrote."""
    return table.path.map(pd.read_csv(features / "songs.csv", dtype=str).set_index("path").lab)


def figures(folds: list[Fold], settings: EvaluateSettings) -> dict:
    """Figures over all folds; intervals over groups."""
    songs, beside = ([song for fold in folds for song in fold.judged[i]] for i in range(2))
    return metrics.pooled_figures(songs, settings, beside) | {
        "n_recordings": len(songs),
        "n_groups": len({song.group for song in songs}),
    }


def pictures(out: Path, folds: list[Fold]) -> list[Path]:
    """Confusion of qualities and roots as PNG, figures by quality and length as CSV, below `out`."""
    return report.breakdowns(out, [song for fold in folds for song in fold.judged.songs], WIDE)
