"""One training loop for every task. Imports torch, torchaudio and numpy alone, so a bare GPU machine runs it.

Every epoch seeds itself from (seed, epoch): a training that was killed and resumed draws the very
numbers it would have drawn, and ends in the same weights on a CPU.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from earmark.errors import EarmarkError
from earmark.settings.training import TrainSettings

Row = dict[str, float]


class Task(Protocol):
    """What a task brings to the loop."""

    model: nn.Module

    def batches(self) -> Iterator[Tensor]: ...
    def loss(self, batch: Tensor) -> tuple[Tensor, int]: ...
    def names(self, batch: Tensor) -> list[str]: ...
    def validate(self) -> Row: ...


@dataclass
class Fit:
    """Progress of a training: weights of the best epoch so far, and one history row an epoch."""

    history: list[Row] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_loss: float = float("inf")

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)


def pick_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one. Raises EarmarkError for a CUDA that is not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise EarmarkError("train.device is 'cuda', but this machine has no CUDA device; set it to auto.")
    cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if cuda else "cpu")


def fit(
    task: Task,
    settings: TrainSettings,
    checkpoint: Path | None = None,
    on_start: Callable[[Fit], None] | None = None,
    on_epoch: Callable[[Fit, float], None] | None = None,
) -> Fit:
    """Train until `settings.epochs`, or until validation has not improved for `settings.patience` epochs.

    checkpoint: written after every epoch and resumed from when it exists.
    on_start gets the state that training starts from; on_epoch the state and the epoch's seconds.
    Returns the weights of the epoch with the lowest validation loss. Raises EarmarkError when a loss is
    not finite, naming the recordings of that batch.
    """
    optimizer = build_optimizer(task.model, settings)
    state = _resume(checkpoint, task.model, optimizer) or Fit()
    if on_start:
        on_start(state)
    while not _finished(state, settings):
        began = time.perf_counter()
        torch.manual_seed(settings.seed * 1_000_003 + state.epoch + 1)
        row = {"epoch": state.epoch + 1, "train/loss": _epoch(task, optimizer, state.epoch + 1)}
        row |= task.validate()
        _keep_best(state, row, task.model)
        state.history.append(row)
        if checkpoint:
            _save(checkpoint, state, task.model, optimizer)
        if on_epoch:
            on_epoch(state, time.perf_counter() - began)
    return state


def build_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """Keras's defaults where the seeds rely on them: plain SGD, RMSprop with rho .9."""
    args = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    match settings.optimizer:
        case "sgd":
            return torch.optim.SGD(model.parameters(), **args)
        case "rmsprop":
            return torch.optim.RMSprop(model.parameters(), alpha=0.9, eps=1e-7, **args)
        case "adam":
            return torch.optim.Adam(model.parameters(), **args)
        case "adamw":
            return torch.optim.AdamW(model.parameters(), **args)
    raise ValueError(f"unknown optimizer {settings.optimizer!r}")


def _epoch(task: Task, optimizer: torch.optim.Optimizer, epoch: int) -> float:
    """One pass over the training set; the mean loss over its examples."""
    task.model.train()
    total = n = 0
    for batch in task.batches():
        optimizer.zero_grad(set_to_none=True)
        loss, size = task.loss(batch)
        value = loss.item()
        if value != value or abs(value) == float("inf"):
            raise EarmarkError(
                f"The loss is not finite ({value}) in epoch {epoch}, in the batch of "
                f"{', '.join(task.names(batch)[:8])}; look at these recordings, or lower train.lr."
            )
        loss.backward()
        optimizer.step()
        total, n = total + value * size, n + size
    return total / n


def _keep_best(state: Fit, row: Row, model: nn.Module) -> None:
    if row["val/loss"] < state.best_loss or not state.weights:
        state.best_loss, state.best_epoch = row["val/loss"], row["epoch"]
        state.weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}


def _finished(state: Fit, settings: TrainSettings) -> bool:
    waited = state.epoch - state.best_epoch
    return state.epoch >= settings.epochs or (settings.patience > 0 and waited >= settings.patience)


def _save(path: Path, state: Fit, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write beside, flush to the disk, then rename: a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".partial")
    with beside.open("wb") as file:
        torch.save({"fit": vars(state), "model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _resume(path: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer) -> Fit | None:
    if path is None or not path.exists():
        return None
    device = next(model.parameters()).device
    saved = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return Fit(**saved["fit"])
