"""What the training loop wants to know, the same for every task; standard library only, as all of `settings` is."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.checks import require
from earmark.settings.schedule import ScheduleSettings


@dataclass(frozen=True)
class LoopSettings:
    """How a network is fitted; a task's own settings come on top.

    lr: the highest rate of the schedule. momentum: of SGD.
    average: decay of an exponential moving average of the weights, which is then judged and kept; 0: none.
    keep: the weights of the epoch with the lowest validation `loss`, the highest `accuracy`, or the `last`.
    patience: epochs without a better one (by `keep`) before stopping; 0 never stops early.
    device: `auto` takes CUDA where there is one.
    precision: of the network's products; `auto` is bfloat16 where the device computes it natively.
    """

    optimizer: Literal["sgd", "rmsprop", "adam", "adamw"]
    lr: float
    momentum: float
    weight_decay: float
    epochs: int
    average: float
    keep: Literal["loss", "accuracy", "last"]
    patience: int
    seed: int
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    schedule: ScheduleSettings

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "must be above 0")
        require(self.weight_decay >= 0, "weight_decay", "must be at least 0")
        require(self.epochs > 0, "epochs", "must be above 0")
        require(0 <= self.momentum < 1, "momentum", "must be a share from 0 up to 1")
        require(0 <= self.average < 1, "average", "must be a share from 0 up to 1")
        require(self.patience >= 0, "patience", "must be at least 0")
        early = self.patience > 0 and self.keep == "last"
        require(not early, "patience", "must be 0 where keep is last: nothing says which epoch is better")
        require(self.seed >= 0, "seed", "must be at least 0")

    @property
    def needs_validation(self) -> bool:
        """Whether anything is decided on validation recordings."""
        return self.keep != "last" or self.schedule.name == "plateau"
