"""What the training loop wants to know, the same for every task; standard library only, as all of `settings` is."""

from dataclasses import dataclass
from typing import Literal

from earmark.errors import require


@dataclass(frozen=True)
class ScheduleSettings:
    """A learning-rate schedule; each uses the keys named with it.

    constant: `train.lr` throughout.
    step: multiplied by `gamma` after every `step_epochs` epochs.
    plateau: multiplied by `gamma` once `monitor` has not improved for more than `patience` epochs, not below
        `min_lr`. `monitor` is the validation `loss` (falling is better) or `accuracy` (rising is better);
        `loss_rising` takes a rising loss for progress, the mistake of seed 003.
    cosine: rises linearly for `warmup_epochs`, then falls along a half cosine to `min_lr`; moves every step.
    onecycle: rises to `train.lr` during the first three tenths and falls towards zero; moves every step.
    """

    name: Literal["constant", "step", "plateau", "cosine", "onecycle"]
    step_epochs: int
    gamma: float
    patience: int
    monitor: Literal["loss", "accuracy", "loss_rising"]
    min_lr: float
    warmup_epochs: int

    def __post_init__(self) -> None:
        require(self.step_epochs > 0, "step_epochs", "must be at least 1")
        require(0 < self.gamma < 1, "gamma", "must lie between 0 and 1: the rate is multiplied by it")
        require(self.patience >= 0, "patience", "must be at least 0")
        require(self.min_lr >= 0, "min_lr", "must be at least 0")
        require(self.warmup_epochs >= 0, "warmup_epochs", "must be at least 0")


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
