"""The speaker task's train stage: voices in, a model folder out."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from earmark.nn import describe
from earmark.tasks.speaker import closed_form, embedding
from earmark.tasks.speaker.batches import SpeakerTask
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.settings import SpeakerModelSettings, SpeakerTrainSettings
from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet, thresholds_config
from earmark.training import batch_picture, key, loop, model_files

SHOWN_FRAMES = 200  # of the input in model.txt


def hashes(dataset: SpeakerDataset, model: SpeakerModelSettings, settings: SpeakerTrainSettings) -> dict[str, str]:
    """Hashes of parameters, data and code, and the train key over all three; validation trials are data."""
    rows = dataset.table[["path", "label", "group", "split", "utterance"]]
    trials = dataset.trials[dataset.trials["split"] == "val"]
    return key.hashes("earmark.tasks.speaker.train", [model, settings], dataset.store_sha256, rows, trials)


def task_of(dataset: SpeakerDataset, model: SpeakerModelSettings, settings: SpeakerTrainSettings) -> SpeakerTask:
    """What the training loop trains: a new tower and the voices of the training and validation speakers.

    Raises EarmarkError where validation is needed and there is none.
    """
    device = loop.pick_device(settings.device)
    trials = dataset.trial_set("val")
    key.require_validation(settings, 0 if trials is None else len(trials.pairs))
    val = dataset.heard(trials) if trials else None
    voices, names = dataset.voices()
    return SpeakerTask(voices, val, dataset.features, model.network, settings, device, names)


def run(
    dataset: SpeakerDataset,
    model: SpeakerModelSettings,
    settings: SpeakerTrainSettings,
    out: Path | None,
    checkpoint: Path | None = None,
    on_start: Callable | None = None,
    on_epoch: Callable | None = None,
    warn: Callable[[str], None] = lambda sentence: print(f"earmark: {sentence}", file=sys.stderr, flush=True),
) -> tuple[SpeakerTask, loop.Fit]:
    """Train, and write the model folder `out` unless it is None. Returns task (with the best weights) and fit.

    warn: told after an epoch that a collapse is seen, and what to change.
    """
    task = task_of(dataset, model, settings)
    seen = batch_picture.first_batch(task) if out else None

    def watched(state: loop.Fit, seconds: float) -> None:
        if on_epoch:
            on_epoch(state, seconds)
        if sentence := task.alarm():
            warn(sentence)

    fit = loop.fit(task, settings, checkpoint, on_start, watched)
    task.model.load_state_dict(fit.weights)
    task.model.tower = closed_form.add_closed_form(task.model.tower, dataset, model).to(task.device)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        batch_picture.draw(out / "batch.png", seen[0].mT[:, None], [task.speakers[i] for i in seen[1].tolist()])
        config = config_of(task, dataset, model, fit, thresholds(task, dataset.trial_set("val")))
        learnt = model_files.met_recordings(dataset.table)
        model_files.write(out, config, task.model.tower.state_dict(), fit.history, _summary(task), learnt)
    return task, fit


def thresholds(task: SpeakerTask, val: TrialSet | None) -> dict:
    """The thresholds chosen on the validation speakers and what else goes with the model; none without them."""
    if val is None:
        return {}
    task.model.eval()
    vectors = embedding.of_runs(task.model.tower, task.heard, task.features.normalize)
    speech_s = np.asarray(task.heard.lengths) * task.features.hop_s
    return thresholds_config(Answers(val, vectors.cpu().numpy()), speech_s)


def config_of(task: SpeakerTask, dataset: SpeakerDataset, model: SpeakerModelSettings, fit: loop.Fit, release: dict):
    """What config.json says of a trained tower."""
    settings, tower = task.settings, task.model.tower
    labels = sorted(dataset.table.label[dataset.table["split"] == "train"].unique())
    found = hashes(dataset, model, settings)
    size = describe.count(tower)
    return model_files.ModelConfig(
        "speaker", labels, dataset.features, model, asdict(settings), found, int(fit.best_epoch), size, release
    )


def _summary(task: SpeakerTask) -> str:
    """The network's layers as text for model.txt."""
    bands = task.features.n_mels * task.features.views
    x = torch.zeros(1, SHOWN_FRAMES, bands, device=task.device)
    rows = describe.layers(task.model.tower, x)
    lines = [f"Input (None, {SHOWN_FRAMES} frames, {bands} bands); any number of frames will do"]
    lines += [f"  {name:<44}{output:<22}{n:>9,}" for name, output, n in rows]
    return "\n".join([*lines, f"Parameters: {describe.count(task.model.tower):,}"]) + "\n"
