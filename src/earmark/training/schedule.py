"""Learning-rate schedules over torch's own; one interface for those that move by step and those by epoch."""

import math

from torch.optim import Optimizer, lr_scheduler

from earmark.training.settings import (
    ConstantSchedule,
    CosineSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    ScheduleSettings,
    StepSchedule,
)


class Schedule:
    """Moves the learning rate of an optimizer: call `step` after every batch and `epoch` after every epoch."""

    def __init__(self, optimizer: Optimizer, settings: ScheduleSettings, epochs: int, steps_per_epoch: int):
        self.settings, self.optimizer = settings, optimizer
        self.by_step = isinstance(settings, CosineSchedule | OneCycleSchedule)
        self.scheduler = _build(optimizer, settings, epochs, steps_per_epoch)

    @property
    def lr(self) -> float:
        """The rate that the next step will use."""
        return self.optimizer.param_groups[0]["lr"]

    def step(self) -> None:
        """After a batch."""
        if self.by_step:
            self.scheduler.step()

    def epoch(self, row: dict[str, float]) -> None:
        """After an epoch, with its figures."""
        if isinstance(self.settings, PlateauSchedule):
            self.scheduler.step(row["val/accuracy" if self.settings.monitor == "accuracy" else "val/loss"])
        elif not self.by_step:
            self.scheduler.step()

    def state_dict(self) -> dict:
        """What a resumed training needs."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on from `state_dict`."""
        self.scheduler.load_state_dict(state)


def _build(optimizer: Optimizer, s: ScheduleSettings, epochs: int, steps: int) -> lr_scheduler.LRScheduler:
    """Raises ValueError for a schedule that is not known here."""
    peak = optimizer.param_groups[0]["lr"]
    match s:
        case ConstantSchedule():
            return lr_scheduler.LambdaLR(optimizer, _always)
        case StepSchedule():
            return lr_scheduler.StepLR(optimizer, s.step_epochs, s.gamma)
        case PlateauSchedule():
            mode = "min" if s.monitor == "loss" else "max"
            return lr_scheduler.ReduceLROnPlateau(optimizer, mode, s.gamma, s.patience, min_lr=s.min_lr)
        case CosineSchedule():
            half = HalfCosine(s.warmup_epochs * steps, epochs * steps, s.min_lr / peak)
            return lr_scheduler.LambdaLR(optimizer, half)
        case OneCycleSchedule():
            return lr_scheduler.OneCycleLR(optimizer, peak, total_steps=epochs * steps, cycle_momentum=False)
    raise ValueError(f"unknown schedule {s!r}")


def _always(_epoch: int) -> float:
    return 1.0


class HalfCosine:
    """Factor of the rate by step: linear from 1/warmup to 1, then half a cosine down to `end` at the last step."""

    def __init__(self, warmup: int, total: int, end: float):
        self.warmup = warmup
        self.total = total
        self.end = end

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.total - 1 - self.warmup))
        return self.end + (1 - self.end) * (1 + math.cos(math.pi * done)) / 2
