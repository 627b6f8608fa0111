"""How the learning rate moves during a training."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.checks import require


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
