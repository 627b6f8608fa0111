"""The chord task's train stage: songs with their targets in, a model folder out."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from earmark.errors import EarmarkError
from earmark.nn import describe
from earmark.tasks.chord import initial
from earmark.tasks.chord.batches import ChordTask
from earmark.tasks.chord.dataset import ChordDataset
from earmark.tasks.chord.decoding import fit_crf, weights
from earmark.tasks.chord.decoding.crf import TiedCrf
from earmark.tasks.chord.networks.build import CRF, QUALITY_WEIGHTS
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.vocabulary import IGNORED, Vocabulary
from earmark.tasks.chord.settings import ChordModelSettings, ChordTrainSettings
from earmark.training import batch_picture, key, loop, model_files

SHOWN_FRAMES = 64  # of the input in model.txt


def hashes(dataset: ChordDataset, model: ChordModelSettings, settings: ChordTrainSettings) -> dict[str, str]:
    """Hashes of parameters, data and code, and the train key over all three."""
    return key.hashes("earmark.tasks.chord.train", [model, settings], dataset.store_sha256, deciding(dataset))


def deciding(dataset: ChordDataset) -> pd.DataFrame:
    """What of the manifest decides a training."""
    return dataset.table[["path", "truth_sha256", "key", "split"]]


def task_of(dataset: ChordDataset, model: ChordModelSettings, settings: ChordTrainSettings) -> ChordTask:
    """What the training loop trains: a new network and the songs of the training and validation splits.

    Raises EarmarkError where validation is needed and there is none.
    """
    places = dataset.rows("train"), dataset.rows("val")
    key.require_validation(settings, len(places[1]))
    if settings.initial_model and not len(places[1]):
        raise EarmarkError(
            "Validation songs decide how train.initial_model is averaged with the trained weights, but there are "
            "none; set data.val_share above 0, or train.initial_model to null."
        )
    device = loop.pick_device(settings.device)
    return ChordTask(dataset.songs, *places, len(dataset.words.qualities), model, settings, device)


def run(
    dataset: ChordDataset,
    model: ChordModelSettings,
    settings: ChordTrainSettings,
    out: Path | None,
    checkpoint: Path | None = None,
    on_start: Callable | None = None,
    on_epoch: Callable | None = None,
    say: Callable[[str], None] = lambda sentence: print(f"earmark: {sentence}", file=sys.stderr, flush=True),
) -> tuple[ChordTask, loop.Fit]:
    """Train, and write the model folder `out` unless it is None. Returns task (with the best weights) and fit.

    say: told of what a training that begins with another model's weights made of them.
    """
    initial_model = initial.folder(settings) if settings.initial_model else None
    task = task_of(dataset, model, settings)
    first = initial.given(task.model, initial_model, say) if initial_model else None
    seen = batch_picture.first_batch(task) if out else None
    fit = loop.fit(task, settings, checkpoint, on_start, on_epoch)
    task.model.load_state_dict(fit.weights)
    if first:
        fit.weights, share = initial.averaged(task, first, fit.weights)
        say(
            f"Averaged, in the proportion best on validation songs, {share:.1f} of the trained weights and "
            f"{1 - share:.1f} of {initial_model}'s."
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        x, targets, _ = seen
        batch_picture.draw(out / "batch.png", x.mT, _titles(targets["chord"], dataset.words))
        whole = fit.weights | decoder_weights(task, model)
        config, learnt = _config(dataset, task, model, fit), model_files.met_recordings(dataset.table)
        model_files.write(out, config, whole, fit.history, _summary(dataset, task), learnt)
    return task, fit


def _config(
    dataset: ChordDataset, task: ChordTask, model: ChordModelSettings, fit: loop.Fit
) -> model_files.ModelConfig:
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
    """The weights of the decoder beside the network's; none where it has none.

    Raises EarmarkError for weights of qualities that there are not.
    """
    held_out = task.val if len(task.val) else task.train
    network, songs = task.model.cpu(), task.songs
    asked = model.quality_weights
    if asked == "suggested":
        heard = [fit_crf.labelled_frames(network, songs, i) for i in held_out]
        by_quality = np.concatenate([weights.by_quality(h.log_probs) for h in heard])
        shares = weights.suggest(by_quality, np.concatenate([h.classes for h in heard])).weights
    else:
        shares = weights.weights_by_name(asked, task.words, "model.quality_weights")
    found = {QUALITY_WEIGHTS: torch.from_numpy(shares).float()} if asked else {}
    if model.decoder != "switch":
        crf = _crf(task, model, np.log(weights.of_classes(shares)), held_out)
        found |= {f"{CRF}{name}": weight.detach() for name, weight in crf.state_dict().items()}
    return found


def _crf(task: ChordTask, model: ChordModelSettings, log_weights: np.ndarray, held_out: np.ndarray) -> TiedCrf:
    """The CRF that the settings name, its trust chosen on held-out songs."""
    crf = task.model.crf if task.joint else fit_crf.count_transitions(task.songs, task.train, believed=1.0)
    if model.decoder == "crf_likelihood":
        crf = fit_crf.train_crf(crf, task.said_of_crops())
        task.model.cpu()
    heard = [fit_crf.labelled_frames(task.model, task.songs, i, log_weights) for i in fit_crf.spread(held_out)]
    if model.decoder == "crf":
        crf = fit_crf.calibrate_changes(crf, heard)
    return fit_crf.tune_trust(crf, heard)


def _titles(chord: torch.Tensor, words: Vocabulary) -> list[str]:
    """The first chords of crops (n, frames) as transposed, for the picture of a batch."""
    titles = []
    for row in chord.tolist():
        runs = [c for before, c in zip([None, *row], row, strict=False) if c != before]
        names = ["X" if c == IGNORED else "N" if c == words.none else harte.label_of(c, None, words) for c in runs]
        titles.append(" ".join(names[:4]) + (" ..." if len(names) > 4 else ""))
    return titles


def _summary(dataset: ChordDataset, task: ChordTask) -> str:
    """The network's layers as text for model.txt."""
    f = dataset.features
    shape = f.channels, SHOWN_FRAMES, f.n_bins
    rows = describe.layers(task.model, torch.zeros(1, *shape, device=next(task.model.parameters()).device))
    lines = [f"Input (None, {f.channels}, {SHOWN_FRAMES} frames, {f.n_bins} bins); any number of frames will do"]
    lines += [f"  {name:<44}{output:<22}{n:>9,}" for name, output, n in rows]
    return "\n".join([*lines, f"Parameters: {describe.count(task.model):,}"]) + "\n"
