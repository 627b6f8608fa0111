"""Genres (or sound classes) in cross-validations and studies of folds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.data import splits
from earmark.data.settings import DataSettings
from earmark.evaluation.fold import UNWATCHED, Clock, Fold, TrainingHooks
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.features.settings import FeatureSettings
from earmark.nn import describe
from earmark.tasks.genre import baselines, dataset, metrics, report, train
from earmark.tasks.genre import features as extraction
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.dataset import GenreDataset
from earmark.tasks.genre.settings import GenreSettings, ModelSettings, TrainSettings

SAID = {"accuracy": "accuracy", "baseline_accuracy": "baseline", "baseline_classical_accuracy": "classical"}
hashes, write = train.hashes, metrics.write


def check(
    table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Callable[[str], None]
) -> None:
    """Say which folds hold no recording of some class."""
    for sentence in splits.lacking(table, "fold"):
        warn(sentence)


def extract(
    table: pd.DataFrame, root: Root, settings: FeatureSettings, out: Path, warn: Callable, progress: Callable
) -> None:
    """Frames of every recording, and the statistics that the first baseline reads, below `out`."""
    extraction.run(table, root, settings, out, warn, progress)


def frames_of(settings: FeatureSettings, table: pd.DataFrame) -> FeatureSettings:
    """Settings whose frames are those of `settings`: windows are slices of a recording that is no shorter than they."""
    if settings.framing != "recording" or settings.window_s > table.duration_s.min():
        return settings
    shortest = (settings.n_fft + 1) / settings.sample_rate
    return replace(settings, window_s=shortest, window_hop_s=shortest)


def beside(table: pd.DataFrame, root: Root, settings: FeatureSettings, out: Path, progress: Callable) -> None:
    """What the other baseline reads, into a folder that `extract` wrote, unless it is there."""
    if not (out / baselines.CLASSICAL).exists():
        extraction.beside(table, root, settings, out, progress)


def gather(table: pd.DataFrame, features: Path, settings: GenreSettings) -> GenreDataset:
    """`join_store`, for a cross-validation."""
    return join_store(table, features, settings.model)


def join_store(table: pd.DataFrame, features: Path, model: ModelSettings) -> GenreDataset:
    """A manifest with a split, joined with the store in a folder that `extract` wrote."""
    return dataset.gather("genre", table, store.load(features))


def train_and_test(found: GenreDataset, name: str, features: Path, settings: GenreSettings) -> Fold:
    """Train on a dataset's train split and judge its test split; `judged` are the baselines' answers."""
    fitted, fit = train.run(found, settings.model, settings.train, out=None)
    predictions, _ = _said(found, fitted, settings.train)
    predictions = predictions.assign(fold=name)
    answers = baselines.baseline_answers(found, features, settings.evaluate.seed)
    return Fold(name, predictions, answers, fit.history, int(fit.best_epoch))


def train_and_judge(
    found: GenreDataset, features: Path, model: ModelSettings, settings: TrainSettings, watch: TrainingHooks = UNWATCHED
) -> tuple[dict, pd.DataFrame]:
    """A study's training: its result, and one row a recording: label, predicted and p_<class>, right_accuracy.

    Where crops are drawn, right_crops_accuracy is the share of a recording's draws that are right.
    """
    clock = Clock()
    fitted, fit = train.run(found, model, settings, out=None, **watch._asdict())
    seconds = clock.seconds()
    predictions, drawn = _said(found, fitted, settings)
    answers = _answers(found, predictions)
    best = next((row for row in fit.history if row["epoch"] == fit.best_epoch), {})
    result = {
        "refused": "",
        "accuracy": float(answers.right_accuracy.mean()),
        "val_accuracy": best.get("val/accuracy"),
        "best_epoch": int(fit.best_epoch),
        "parameters": describe.count(fitted.model),
        "classes": found.classes,
        "history": fit.history,
    }
    if len(drawn):
        result |= {"crop_accuracies": drawn.mean(1).tolist(), "n_test": len(answers)}
        answers = answers.assign(right_crops_accuracy=drawn.mean(0), of_crops_accuracy=1.0)
    return result | seconds, answers


def _said(found: GenreDataset, fitted: GenreTask, settings: TrainSettings) -> tuple[pd.DataFrame, np.ndarray]:
    """Answers for the test split, and which draws of crops are right (draws, recordings)."""
    of = settings.judged_on, settings.seed
    return metrics.answers(found, fitted.model, fitted.data, found.rows("test"), *of)


def _answers(found: GenreDataset, windows: pd.DataFrame) -> pd.DataFrame:
    songs = windows[windows["window"] == 0].reset_index(drop=True)
    fold_of = dict(zip(found.table.path, found.table.fold, strict=True))
    rows = songs[["recording", "label", "group"]].assign(fold=songs.recording.map(fold_of))
    rows = rows.assign(predicted=songs.recording_predicted)
    rows = rows.assign(right_accuracy=(rows.predicted == rows.label).astype(float), of_accuracy=1.0)
    return rows.join(pd.DataFrame({f"p_{c}": songs[f"recording_p_{c}"] for c in found.classes}))


def figures(folds: list[Fold], settings: EvaluateSettings) -> dict:
    """Figures over all folds; intervals over groups. What was chosen as a baseline is told by fold."""
    predictions = pd.concat([f.predictions for f in folds], ignore_index=True)
    names = folds[0].judged.answers
    joined = {name: np.concatenate([f.judged.answers[name] for f in folds]) for name in names}
    found = metrics.figures(predictions, joined, _classes(predictions), settings)
    return found | {"baseline_classical_chosen": {f.name: f.judged.choice.name for f in folds}}


def pictures(out: Path, folds: list[Fold]) -> list[Path]:
    """Confusion and calibration as PNG below `out`."""
    predictions = pd.concat([f.predictions for f in folds], ignore_index=True)
    report.confusion(out / "confusion.png", predictions, _classes(predictions))
    report.reliability(out / "reliability.png", predictions)
    return [out / "confusion.png", out / "reliability.png"]


def _classes(predictions: pd.DataFrame) -> list[str]:
    return [c.removeprefix("p_") for c in predictions if c.startswith("p_")]
