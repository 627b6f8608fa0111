"""The train stage: a manifest and a feature store in, a model folder out."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from earmark.errors import EarmarkError
from earmark.nn import describe
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.dataset import GenreDataset
from earmark.tasks.genre.settings import ModelSettings, TrainSettings
from earmark.training import batch_picture, key, loop, model_files


def hashes(dataset: GenreDataset, model: ModelSettings, settings: TrainSettings) -> dict[str, str]:
    """Hashes of parameters, data and code, and the train key over all three."""
    rows = dataset.table[["path", "label", "split"]]
    return key.hashes("earmark.tasks.genre.train", [model, settings], dataset.store_sha256, rows)


def task_of(dataset: GenreDataset, model: ModelSettings, settings: TrainSettings) -> GenreTask:
    """What the training loop trains: a new network and the recordings of the training and validation splits.

    Raises EarmarkError for a window that the network cannot read, and where validation is needed and there is none.
    """
    device = loop.pick_device(settings.device)
    rows = dataset.rows("train"), dataset.rows("val")
    key.require_validation(settings, len(rows[1]))
    f, size = dataset.features, len(dataset.classes)
    try:
        return GenreTask(dataset.windows, *rows, size, model, settings, device, f.frames_per_second, f.unit_db)
    except ValueError as e:
        raise EarmarkError(f"features.window_s or n_mels: {e}; lengthen the window or take another model.") from None


def run(
    dataset: GenreDataset,
    model: ModelSettings,
    settings: TrainSettings,
    out: Path | None,
    checkpoint: Path | None = None,
    on_start: Callable | None = None,
    on_epoch: Callable | None = None,
) -> tuple[GenreTask, loop.Fit]:
    """Train, and write the model folder `out` unless it is None. Returns task (with the best weights) and fit."""
    task = task_of(dataset, model, settings)
    seen = batch_picture.first_batch(task) if out else None
    fit = loop.fit(task, settings, checkpoint, on_start, on_epoch)
    task.model.load_state_dict(fit.weights)
    if out is not None:
        config = model_files.ModelConfig(
            dataset.task,
            dataset.classes,
            dataset.features,
            model,
            asdict(settings),
            hashes(dataset, model, settings),
            int(fit.best_epoch),
            describe.count(task.model),
        )
        out.mkdir(parents=True, exist_ok=True)
        x, targets, *_ = seen
        titles = [batch_picture.class_shares(target, dataset.classes) for target in targets]
        batch_picture.draw(out / "batch.png", x, titles)
        learnt = model_files.met_recordings(dataset.table)
        model_files.write(out, config, fit.weights, fit.history, _summary(dataset, task), learnt)
    return task, fit


def _summary(dataset: GenreDataset, task: GenreTask) -> str:
    n_windows = int(np.diff(task.data.bounds).max())
    f = dataset.features
    return describe.summary(task.model, f.n_bands, f.window_frames, n_windows, len(dataset.classes))
