"""Genres (or sound classes) in cross-validations and studies; `folds.chord` has the same for chords."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import evaluate, manifest, material, report, training
from earmark.config import GenreSettings
from earmark.features import extract as extraction
from earmark.features import store
from earmark.folds import Fold
from earmark.material import Material
from earmark.settings.data import DataSettings
from earmark.settings.evaluation import EvaluateSettings
from earmark.settings.features import FeatureSettings

TRUTH, KEY = "label", "group"
SAID = {"accuracy": "accuracy", "baseline_accuracy": "baseline"}
hashes, write = training.hashes, evaluate.write


def check(
    table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Callable[[str], None]
) -> None:
    """Say which folds hold no recording of some class."""
    for sentence in manifest.lacking(table, "fold"):
        warn(sentence)


def extract(
    table: pd.DataFrame, root: Path, settings: FeatureSettings, out: Path, warn: Callable, progress: Callable
) -> None:
    """Frames of every recording, and the statistics that the baseline reads, below `out`."""
    extraction.run(table, root, settings, out, warn, progress)


def gather(table: pd.DataFrame, features: Path, settings: GenreSettings) -> Material:
    """A manifest with a split, joined with the store in a folder that `extract` wrote."""
    return material.gather("genre", table, store.load(features))


def one(found: Material, name: str, features: Path, settings: GenreSettings) -> Fold:
    """Train on a material's train split and judge its test split; `judged` are the baseline's probabilities."""
    fitted, fit = training.run(found, settings.model, settings.train, out=None)
    test = found.rows("test")
    known = np.sort(np.concatenate([found.rows("train"), found.rows("val")]))
    predictions = evaluate.predict(found, fitted.model, fitted.data, test).assign(fold=name)
    statistics = np.load(features / "statistics.npy", allow_pickle=False)
    baseline = evaluate.baseline(found, statistics, known, test)
    return Fold(name, predictions, baseline, fit.history, int(fit.best_epoch))


def figures(folds: list[Fold], settings: EvaluateSettings) -> dict:
    """Figures over all folds; intervals by bootstrap over groups."""
    predictions = pd.concat([f.predictions for f in folds], ignore_index=True)
    return evaluate.figures(predictions, np.concatenate([f.judged for f in folds]), _classes(predictions), settings)


def pictures(out: Path, folds: list[Fold]) -> list[Path]:
    """Confusion and calibration as PNG below `out`."""
    predictions = pd.concat([f.predictions for f in folds], ignore_index=True)
    report.confusion(out / "confusion.png", predictions, _classes(predictions))
    report.reliability(out / "reliability.png", predictions)
    return [out / "confusion.png", out / "reliability.png"]


def _classes(predictions: pd.DataFrame) -> list[str]:
    return [c.removeprefix("p_") for c in predictions if c.startswith("p_")]
