"""Chords in cross-validations and studies; `folds.genre` has the same for classes of recordings."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark import chord_files
from earmark.chords import evaluate, material, report, scores, training
from earmark.chords import extract as extraction
from earmark.chords.material import Material
from earmark.chords.recognise import Recogniser
from earmark.chords.vocabulary import WIDE
from earmark.config import ChordSettings
from earmark.features import store
from earmark.folds import Fold
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings
from earmark.settings.data import DataSettings
from earmark.settings.evaluation import EvaluateSettings

TRUTH, KEY = "lab", "group"
SAID = {"majmin": "majmin", "tetrads": "tetrads", "key_accuracy": "key"}
hashes, write = training.hashes, evaluate.write


def check(
    table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Callable[[str], None]
) -> None:
    """Nothing: songs have no class that a fold may lack."""


def extract(
    table: pd.DataFrame, root: Path, settings: ChordFeatureSettings, out: Path, warn: Callable, progress: Callable
) -> None:
    """Spectrograms of every recording below `out`, and beside them its .lab files with songs.csv, which names them."""
    extraction.run(table, root, settings, out, progress)
    chord_files.write(out, table)[["path", "lab"]].to_csv(out / "songs.csv", index=False)


def gather(table: pd.DataFrame, features: Path, settings: ChordSettings) -> Material:
    """`joined` for the model of some settings."""
    return joined(table, features, settings.model)


def joined(table: pd.DataFrame, features: Path, model: ChordModelSettings) -> Material:
    """A manifest with a split, joined with the store and the .lab files in a folder that `extract` wrote."""
    return material.gather(table.assign(lab=_labs(table, features)), features, store.load(features), model)


def one(found: Material, name: str, features: Path, settings: ChordSettings) -> Fold:
    """Train on a material's train split and judge its test split; `judged` are the songs, truth and estimate."""
    with tempfile.TemporaryDirectory() as folder:  # where the decoder is trained, too
        _, fit = training.run(found, settings.model, settings.train, Path(folder))
        songs = judged(found, features, Path(folder))
    return Fold(name, evaluate.predictions(songs).assign(fold=name), songs, fit.history, int(fit.best_epoch))


def judged(found: Material, features: Path, model: Path) -> list[scores.Song]:
    """Truth and estimate of a material's test split, by the model of a folder."""
    table = found.table.iloc[found.rows("test")]
    songs = evaluate.recognised(Recogniser(model), table, store.load(features))
    return evaluate.judged(table, features, songs)


def _labs(table: pd.DataFrame, features: Path) -> pd.Series:
    """Where each recording's .lab file lies below the folder that `extract` wrote."""
    return table.path.map(pd.read_csv(features / "songs.csv", dtype=str).set_index("path").lab)


def figures(folds: list[Fold], settings: EvaluateSettings) -> dict:
    """Figures over all folds; intervals by bootstrap over groups."""
    songs = [song for fold in folds for song in fold.judged]
    found = scores.evaluate(songs, settings.bootstrap, settings.seed)
    return found | {"n_recordings": len(songs), "n_groups": len({song.group for song in songs})}


def pictures(out: Path, folds: list[Fold]) -> list[Path]:
    """Confusion of qualities and roots as PNG, figures by quality and length as CSV, below `out`."""
    return report.breakdowns(out, [song for fold in folds for song in fold.judged], WIDE)
