"""A training that begins with the weights of another model, and ends between both."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from earmark import paths
from earmark.errors import EarmarkError
from earmark.tasks.chord.batches import ChordTask
from earmark.tasks.chord.networks.build import CRF, QUALITY_WEIGHTS
from earmark.tasks.chord.settings import ChordTrainSettings
from earmark.training import model_files

Weights = dict[str, torch.Tensor]
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)  # of the last weights
KEYS = "tasks.chord.train.initial_model"


def folder(settings: ChordTrainSettings) -> Path:
    """The folder of `initial_model`. Raises EarmarkError unless its weights are those of `initial_sha256`."""
    path = paths.audio_root(str(settings.initial_model))
    if not (path / "model.safetensors").exists():
        raise EarmarkError(f"There is no model in {path}, which {KEYS} names; put one there, or set the key to null.")
    if (sha256 := model_files.weights_sha256(path)) != settings.initial_sha256:
        raise EarmarkError(
            f"The weights of {path} are not those that tasks.chord.train.initial_sha256 names; to start from them, "
            f"set it to {sha256}."
        )
    return path


def given(model: nn.Module, path: Path, say: Callable[[str], None]) -> Weights:
    """Give a network the weights of a model's folder; returns what it then begins with.

    What the folder lacks stays as it was drawn, which `say` is told. Raises EarmarkError for another network.
    """
    names = set(model.state_dict())
    weights = {name: w for name, w in model_files.read_weights(path).items() if name in names or not _decodes(name)}
    try:
        missing, foreign = model.load_state_dict(weights, strict=False)
    except RuntimeError:
        raise EarmarkError(
            f"The network of {path} has other sizes than tasks.chord.model; use the same settings."
        ) from None
    if foreign:
        raise EarmarkError(
            f"The network of {path} has '{sorted(foreign)[0]}', which that of tasks.chord.model lacks; use the same "
            "settings."
        )
    if missing:
        say(f"{path} lacks {', '.join(missing)}, which are initialised at random.")
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def averaged(task: ChordTask, first: Weights, last: Weights) -> tuple[Weights, float]:
    """The mean of a training's first and last weights whose validation loss is least, and the share of the last.

    The network gets it. It keeps of what was known before what the new songs do not teach (Wortsman et al. 2022,
    Robust fine-tuning of zero-shot models).
    """
    losses = {}
    for share in SHARES:
        task.model.load_state_dict(_between(first, last, share))
        losses[share] = task.validate(task.model)["val/loss"]
    share = min(losses, key=losses.__getitem__)
    best = _between(first, last, share)
    task.model.load_state_dict(best)
    return best, share


def _decodes(name: str) -> bool:
    """Whether a weight is the decoder's, which is fitted anew."""
    return name == QUALITY_WEIGHTS or name.startswith(CRF)


def _between(first: Weights, last: Weights, share: float) -> Weights:
    first = {name: weight.to(last[name].device) for name, weight in first.items()}
    return {k: torch.lerp(first[k], v, share) if v.is_floating_point() else v for k, v in last.items()}
