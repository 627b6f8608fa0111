"""The genre task's evaluate stage: files in, files out. Figures, predictions, pictures and the listening report."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.data import manifest
from earmark.evaluation import outcomes as kept
from earmark.evaluation import pictures
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.nn.fused import fused
from earmark.tasks.genre import baselines, dataset, listening, metrics, outcomes, report
from earmark.tasks.genre.batches import DeviceWindows
from earmark.tasks.genre.networks import trained
from earmark.tasks.genre.settings import GenreSettings
from earmark.training import model_files
from earmark.training.model_files import ModelConfig

FEATURES, MODEL = Path("features/genre"), Path("models/genre")


def run(settings: GenreSettings, root: Root, out: Path, warn: Callable[[str], None]) -> dict:
    """Judge the trained model on the test split and write the report below `out`; its figures. root: the audio's."""
    gathered = dataset.load(settings)
    config = trained.config(MODEL)
    model, data = fused(trained.load(MODEL, config)), DeviceWindows(gathered.windows)
    beside = baselines.baseline_answers(gathered, FEATURES, settings.evaluate.seed)
    predictions, found = metrics.run(gathered, model, data, beside.answers, settings.evaluate, judged_on(config))
    found |= beside.said() | {"model_sha256": model_files.weights_sha256(MODEL)}
    metrics.write(out, predictions, found)
    kept.write(out, outcomes.outcomes_of(predictions))
    report.confusion(out / "plots/confusion.png", predictions, gathered.classes)
    report.tables(out / "plots", predictions, gathered.classes)
    report.reliability(out / "plots/reliability.png", predictions)
    report.choice(out / "plots/baseline_classical.csv", beside.choice)
    history = model_files.read_history(MODEL)
    pictures.learning_curves(
        out / "plots/learning_curves.png", history, config.best_epoch, average=config.train["average"]
    )
    durations = gathered.table.set_index("path").duration_s
    listening.listening(out / "listening.html", predictions, durations, root, gathered.features, found)
    return found


def evaluate_model(
    model: Path, table: pd.DataFrame, features: Path, settings: EvaluateSettings
) -> tuple[dict, pd.DataFrame]:
    """Figures of `run`, but the baselines', and outcomes of any model's folder on the recordings of a table.

    features: a folder with their store, of the model's own settings. A label that the model never learnt is one that
    it never gives: its recordings count as wrong.
    """
    gathered, config = dataset.gather("genre", table, store.load(features)), trained.config(model)
    known = replace(gathered, classes=config.labels)
    network, data = fused(trained.load(model, config)), DeviceWindows(gathered.windows)
    predictions, _ = metrics.answers(known, network, data, np.arange(len(table)), judged_on(config), settings.seed)
    new = sorted(set(table.label) - set(config.labels))
    never = {f"{of}_{label}": np.float32(0) for label in new for of in ("p", "recording_p")}
    found = metrics.figures(predictions.assign(**never), {}, [*config.labels, *new], settings)
    found |= {"test_manifest_sha256": manifest.digest(table), "model_sha256": model_files.weights_sha256(model)}
    return found, outcomes.outcomes_of(predictions)


def judged_on(config: ModelConfig) -> str:
    """What of a recording a model's test hears; models of before heard the windows."""
    return config.train.get("judged_on", "windows")
