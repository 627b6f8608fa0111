"""One training loop for every task. Imports torch, torchaudio and numpy alone, so a bare GPU machine runs it.

Every epoch seeds itself from (seed, epoch): a training that was killed and resumed draws the very
numbers it would have drawn, and ends in the same weights on a CPU.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from earmark.errors import EarmarkError
from earmark.features import heap
from earmark.training import sam, threads
from earmark.training.schedule import Schedule
from earmark.training.settings import Adam, AdamW, LoopSettings, RmsProp, Sgd

Row = dict[str, float]
WARM_UP = 18  # exponent of the average's decay: the larger, the fewer steps it spans while it warms up


class TrainingTask(Protocol):
    """What a task brings to the loop. A loss of named parts is their sum, and each is told of."""

    model: nn.Module

    def batches(self) -> Iterator[Tensor]: ...
    def steps(self) -> int: ...
    def loss(self, batch: Tensor) -> tuple[Tensor | dict[str, Tensor], int]: ...
    def names(self, batch: Tensor) -> list[str]: ...
    def validate(self, model: nn.Module) -> Row: ...


@dataclass
class Fit:
    """Progress of a training: weights of the best epoch so far, and one history row an epoch."""

    history: list[Row] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best: float = float("inf")

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


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context in which products are bfloat16 where `precision` (or `auto`, on native hardware) says so."""
    native = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, precision == "bfloat16" or (precision == "auto" and native))


class Trained:
    """What changes while training: model, optimizer, schedule, and the weights' average if there is one."""

    def __init__(self, task: TrainingTask, settings: LoopSettings):
        self.model = task.model
        self.optimizer = build_optimizer(task.model, settings)
        self.schedule = Schedule(self.optimizer, settings.schedule, settings.epochs, task.steps())
        self.average = moving_average(task.model, settings.average) if settings.average else None
        self.sam_rho = settings.sam_rho

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept."""
        return self.average.module if self.average else self.model

    def second_pass(self, loss: Callable[[], Tensor]) -> sam.SecondPass | None:
        """What `step` needs for a batch where there is sam_rho; asked for before the batch's `loss` is computed."""
        return sam.SecondPass(self.model, loss) if self.sam_rho else None

    def step(self, loss: Tensor, second: sam.SecondPass | None = None) -> None:
        """One step down the gradient of a loss, or down the worst one nearby, where there is a second pass."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if second:
            second.sharpen(self.sam_rho)
        self.optimizer.step()
        self.schedule.step()
        if self.average:
            self.average.update_parameters(self.model)

    def parts(self) -> dict:
        """Everything with a state, by name."""
        named = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        return named | ({"average": self.average} if self.average else {})


def fit(
    task: TrainingTask,
    settings: LoopSettings,
    checkpoint: Path | None = None,
    on_start: Callable[[Fit], None] | None = None,
    on_epoch: Callable[[Fit, float], None] | None = None,
) -> Fit:
    """Train until `settings.epochs`, or until validation has not improved for `settings.patience` epochs.

    checkpoint: written after every epoch and resumed from when it exists.
    on_start gets the state that training starts from; on_epoch the state and the epoch's seconds.
    Returns the weights of the epoch that `settings.keep` says. Raises EarmarkError when a loss is
    not finite, naming the recordings of that batch.
    """
    heap.keep()
    trained = Trained(task, settings)
    state = _resume(checkpoint, trained) or Fit()
    if on_start:
        on_start(state)
    with threads.as_many_as_pay(task):
        while not _finished(state, settings):
            began = time.perf_counter()
            torch.manual_seed(settings.seed * 1_000_003 + state.epoch + 1)
            row = {"epoch": state.epoch + 1, "train/lr": trained.schedule.lr}
            row |= _epoch(task, trained, state.epoch + 1)
            row |= task.validate(trained.judged)
            trained.schedule.epoch(row)
            _keep_best(state, row, trained.judged, settings.keep)
            state.history.append(row)
            if checkpoint:
                _save(checkpoint, state, trained)
            if on_epoch:
                on_epoch(state, time.perf_counter() - began)
    return state


def build_optimizer(model: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Keras's defaults where the published texts rely on them: plain SGD, RMSprop with rho .9.

    Raises ValueError for an optimizer that is not known here.
    """
    args = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    match settings.optimizer:
        case Sgd(momentum=momentum):
            return torch.optim.SGD(model.parameters(), momentum=momentum, **args)
        case RmsProp():
            return torch.optim.RMSprop(model.parameters(), alpha=0.9, eps=1e-7, **args)
        case Adam():
            return torch.optim.Adam(model.parameters(), **args)
        case AdamW():
            return torch.optim.AdamW(model.parameters(), fused=True, **args)
    raise ValueError(f"unknown optimizer {settings.optimizer!r}")


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights whose decay warms up; `update_parameters` after each step.

    At step t the decay is min(decay, (1 - 1/t) ** WARM_UP). That is the power-function average of Karras et al. 2024
    (Analyzing and Improving the Training Dynamics of Diffusion Models, eq. 127; 18 is their width of .05): it spans
    about the last eighteenth of the steps, so that untrained weights are forgotten however short the training is, until
    `decay` spans less. Buffers are the network's own: the running statistics of batch normalisation are moving averages
    already, and averaged once more they lag behind the weights.
    """

    def update(averaged: list[Tensor], current: list[Tensor], done: Tensor) -> None:
        step = int(done) + 1
        get_ema_multi_avg_fn(min(decay, (1 - 1 / step) ** WARM_UP))(averaged, current, done)

    return AveragedModel(model, multi_avg_fn=update, use_buffers=False)


def _epoch(task: TrainingTask, trained: Trained, epoch: int) -> Row:
    """One pass over the training set; the mean loss over its examples, and of its parts, where a task names them."""
    task.model.train()
    total, n = Counter[str](), 0
    for batch in task.batches():
        second = trained.second_pass(lambda batch=batch: _summed(task.loss(batch)[0]))
        found, size = task.loss(batch)
        parts = found if isinstance(found, dict) else {}
        loss = _summed(found)
        value, *each = torch.stack([loss.detach(), *(v.detach() for v in parts.values())]).tolist()  # one wait for all
        if value != value or abs(value) == float("inf"):
            raise EarmarkError(
                f"The loss is not finite ({value}) in epoch {epoch}, in the batch of "
                f"{', '.join(task.names(batch)[:8])}; look at these recordings, or lower train.lr."
            )
        trained.step(loss, second)
        total.update({"train/loss": value * size})
        total.update({f"train/loss_{name}": part * size for name, part in zip(parts, each, strict=True)})
        n += size
    return {name: value / n for name, value in total.items()}


def _summed(loss: Tensor | dict[str, Tensor]) -> Tensor:
    return torch.stack(list(loss.values())).sum() if isinstance(loss, dict) else loss


def _keep_best(state: Fit, row: Row, model: nn.Module, keep: str) -> None:
    worth = {"loss": row.get("val/loss"), "accuracy": -row.get("val/accuracy", 0), "last": -row["epoch"]}[keep]
    if worth < state.best or not state.weights:
        state.best, state.best_epoch = worth, row["epoch"]
        state.weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}


def _finished(state: Fit, settings: LoopSettings) -> bool:
    waited = state.epoch - state.best_epoch
    return state.epoch >= settings.epochs or (settings.patience > 0 and waited >= settings.patience)


def _save(path: Path, state: Fit, trained: Trained) -> None:
    """Write beside, flush to the disk, then rename: a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".partial")
    with beside.open("wb") as file:
        torch.save({"fit": vars(state)} | {k: v.state_dict() for k, v in trained.parts().items()}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _resume(path: Path | None, trained: Trained) -> Fit | None:
    if path is None or not path.exists():
        return None
    saved = torch.load(path, map_location="cpu", weights_only=True)  # parts copy it to where they are
    for name, part in trained.parts().items():
        part.load_state_dict(saved[name])
    return Fit(**saved["fit"])
