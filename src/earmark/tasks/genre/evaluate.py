"""The genre task's evaluate stage: files in, files out. Figures, predictions, pictures and the listening report."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from earmark.audio import Root
from earmark.evaluation import pictures
from earmark.tasks.genre import dataset, metrics, report
from earmark.tasks.genre.batches import DeviceWindows
from earmark.tasks.genre.networks import trained
from earmark.tasks.genre.settings import GenreSettings
from earmark.training import model_files

FEATURES, MODEL = Path("features/genre"), Path("models/genre")


def run(settings: GenreSettings, root: Root, out: Path, warn: Callable[[str], None]) -> dict:
    """Judge the trained model on the test split and write the report below `out`; its figures. root: the audio's."""
    gathered = dataset.load(settings)
    config = trained.config(MODEL)
    model, data = trained.load(MODEL, config), DeviceWindows(gathered.windows)
    statistics = np.load(FEATURES / "statistics.npy", allow_pickle=False)
    predictions, found = metrics.run(gathered, model, data, statistics, settings.evaluate)
    found |= {"model_sha256": model_files.weights_sha256(MODEL)}
    metrics.write(out, predictions, found)
    report.confusion(out / "plots/confusion.png", predictions, gathered.classes)
    report.reliability(out / "plots/reliability.png", predictions)
    history = model_files.read_history(MODEL)
    pictures.learning_curves(out / "plots/learning_curves.png", history, config.best_epoch)
    report.listening(out / "listening.html", predictions, root, gathered.features.window_s)
    return found
