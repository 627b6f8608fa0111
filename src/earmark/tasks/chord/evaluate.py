"""The chord task's evaluate stage: files in, files out. Figures, predictions, pictures and the listening report."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch

from earmark.audio import Root
from earmark.data import manifest
from earmark.evaluation import outcomes as kept
from earmark.evaluation import pictures
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.tasks.chord import baseline, listening, metrics, outcomes, report, vectors
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.chord.settings import ChordSettings
from earmark.training import model_files

DATA = Path("data/chord")
FEATURES = Path("features/chord")
MODEL = Path("models/chord")


def run(settings: ChordSettings, root: Root, out: Path, warn: Callable[[str], None]) -> dict:
    """Judge the trained model on the test split and write the report below `out`; its figures. root: the audio's."""
    every = manifest.load(DATA / "manifest.csv")
    table, held_out = (every[every["split"] == split].reset_index(drop=True) for split in ("test", "val"))
    stored, recognise = store.load(FEATURES), Recogniser(MODEL)
    songs = metrics.scored_songs(table, DATA, metrics.predicted_songs(recognise, table, stored))
    beside = baseline.songs(songs, FEATURES)
    found = metrics.figures(songs, table, settings.evaluate, beside)
    found |= {"model_sha256": model_files.weights_sha256(MODEL)}
    metrics.write(out, metrics.predictions(songs), found)
    kept.write(out, outcomes.outcomes_of(songs))
    plots, f = out / "plots", recognise.features
    report.breakdowns(plots, songs, recognise.vocabulary)
    history, best = model_files.read_history(MODEL), recognise.config.best_epoch
    pictures.learning_curves(
        plots / "learning_curves.png", history, best, "frames", average=recognise.config.train["average"]
    )
    report.losses(plots / "losses.png", history, best)
    if suggestion := metrics.suggest_weights(recognise, held_out, DATA, stored):
        report.quality_weights(plots, suggestion, f.hop_s, recognise.vocabulary)
    worst = songs[listening.worst_first(songs)[0]]
    heard = vectors.network_vectors(recognise.model, torch.from_numpy(stored.frames(worst.name)), f.channels)
    vectors.picture(plots / "vectors.png", worst, heard, f.hop_s)
    listening.listening(out / "listening.html", songs, root, found, recognise.vocabulary)
    return found


def evaluate_model(
    model: Path, table: pd.DataFrame, features: Path, settings: EvaluateSettings
) -> tuple[dict, pd.DataFrame]:
    """Figures of `run`, but the baseline's, and outcomes of any model's folder on the recordings of a table.

    Their .lab files are below data/chord. features: a folder with their store, of the model's own settings.
    """
    songs = metrics.scored_songs(table, DATA, metrics.predicted_songs(Recogniser(model), table, store.load(features)))
    found = metrics.figures(songs, table, settings) | {"model_sha256": model_files.weights_sha256(model)}
    return found, outcomes.outcomes_of(songs)
