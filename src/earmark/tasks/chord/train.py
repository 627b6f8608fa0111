"""The chord task's train stage: songs with their targets in, a model folder out."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from earmark.nn import describe
from earmark.tasks.chord.batches import ChordTask
from earmark.tasks.chord.dataset import Dataset
from earmark.tasks.chord.decoding import fit_crf
from earmark.tasks.chord.networks.build import CRF
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.vocabulary import IGNORED, Vocabulary
from earmark.tasks.chord.settings import ChordModelSettings, ChordTrainSettings
from earmark.training import batch_picture, key, loop, model_files

SHOWN_FRAMES = 64  # of the input in model.txt


def hashes(dataset: Dataset, model: ChordModelSettings, settings: ChordTrainSettings) -> dict[str, str]:
    """Hashes of parameters, data and code, and the train key over all three."""
    return key.hashes("earmark.tasks.chord.train", [model, settings], dataset.store_sha256, deciding(dataset))


def deciding(dataset: Dataset) -> pd.DataFrame:
    """What of the manifest decides a training."""
    return dataset.table[["path", "truth_sha256", "key", "split"]]


def task_of(dataset: Dataset, model: ChordModelSettings, settings: ChordTrainSettings) -> ChordTask:
    """What the training loop trains: a new network and the songs of the training and validation splits.

    Raises EarmarkError where validation is needed and there is none.
    """
    places = dataset.rows("train"), dataset.rows("val")
    key.require_validation(settings, len(places[1]))
    device = loop.pick_device(settings.device)
    return ChordTask(dataset.songs, *places, len(dataset.words.qualities), model, settings, device)


def run(
    dataset: Dataset,
    model: ChordModelSettings,
    settings: ChordTrainSettings,
    out: Path | None,
    checkpoint: Path | None = None,
    on_start: Callable | None = None,
    on_epoch: Callable | None = None,
) -> tuple[ChordTask, loop.Fit]:
    """Train, and write the model folder `out` unless it is None. Returns task (with the best weights) and fit."""
    task = task_of(dataset, model, settings)
    seen = batch_picture.first_batch(task) if out else None
    fit = loop.fit(task, settings, checkpoint, on_start, on_epoch)
    task.model.load_state_dict(fit.weights)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        x, targets, _ = seen
        batch_picture.draw(out / "batch.png", x.mT, _titles(targets["chord"], dataset.words))
        weights = fit.weights | decoder_weights(task, model)
        model_files.write(out, _config(dataset, task, model, fit), weights, fit.history, _summary(dataset, task))
    return task, fit


def _config(dataset: Dataset, task: ChordTask, model: ChordModelSettings, fit: loop.Fit) -> model_files.ModelConfig:
    return model_files.ModelConfig(
        "chord",
        [q.harte for q in dataset.words.qualities],
        dataset.features,
        model,
        asdict(task.settings),
        hashes(dataset, model, task.settings),
        int(fit.best_epoch),
        describe.count(task.model),
    )


def decoder_weights(task: ChordTask, model: ChordModelSettings) -> dict[str, torch.Tensor]:
    """The weights of the decoder beside the network's; none where it has none."""
    if model.decoder != "crf":
        return {}
    held_out = task.val if len(task.val) else task.train
    crf = fit_crf.fit(task.model.cpu(), task.songs, task.train, held_out)
    return {f"{CRF}{name}": weight.detach() for name, weight in crf.state_dict().items()}


def _titles(chord: torch.Tensor, words: Vocabulary) -> list[str]:
    """The first chords of crops (n, frames) as transposed, for the picture of a batch."""
    titles = []
    for row in chord.tolist():
        runs = [c for before, c in zip([None, *row], row, strict=False) if c != before]
        names = ["X" if c == IGNORED else "N" if c == words.none else harte.label_of(c, None, words) for c in runs]
        titles.append(" ".join(names[:4]) + (" ..." if len(names) > 4 else ""))
    return titles


def _summary(dataset: Dataset, task: ChordTask) -> str:
    """The network's layers as text for model.txt."""
    f = dataset.features
    shape = f.channels, SHOWN_FRAMES, f.n_bins
    rows = describe.layers(task.model, torch.zeros(1, *shape, device=next(task.model.parameters()).device))
    lines = [f"Input (None, {f.channels}, {SHOWN_FRAMES} frames of any number, {f.n_bins} bins)"]
    lines += [f"  {name:<44}{output:<22}{n:>9,}" for name, output, n in rows]
    return "\n".join([*lines, f"Parameters: {describe.count(task.model):,}"]) + "\n"
