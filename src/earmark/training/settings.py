"""What the training loop wants to know, the same for every task; standard library only, as all settings."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from earmark.errors import require


@dataclass(frozen=True)
class ConstantSchedule:
    """`train.lr` throughout."""

    name: Literal["constant"] = "constant"


@dataclass(frozen=True)
class StepSchedule:
    """Multiplied by `gamma` after every `step_epochs` epochs."""

    name: Literal["step"] = "step"
    step_epochs: int = 10
    """Epochs between two steps."""
    gamma: float = 0.1
    """What the rate is multiplied by."""

    def __post_init__(self) -> None:
        require(self.step_epochs > 0, "step_epochs", "must be at least 1")
        _require_share(self.gamma)


@dataclass(frozen=True)
class PlateauSchedule:
    """Multiplied by `gamma` once `monitor` has not improved for more than `patience` epochs, not below `min_lr`."""

    name: Literal["plateau"] = "plateau"
    gamma: float = 0.1
    """What the rate is multiplied by."""
    patience: int = 10
    """Epochs without progress that are let pass."""
    monitor: Literal["loss", "accuracy", "loss_rising"] = "loss"
    """The validation `loss` (falling is better) or `accuracy` (rising is better); `loss_rising` takes a rising loss for
    progress, the mistake of the article on sound CNNs."""
    min_lr: float = 0.0
    """The lowest rate."""

    def __post_init__(self) -> None:
        _require_share(self.gamma)
        require(self.patience >= 0, "patience", "must be at least 0")
        require(self.min_lr >= 0, "min_lr", "must be at least 0")


@dataclass(frozen=True)
class CosineSchedule:
    """Rises linearly for `warmup_epochs`, then falls along a half cosine to `min_lr`; moves every step."""

    name: Literal["cosine"] = "cosine"
    warmup_epochs: int = 1
    """Epochs of the rise; 0: none."""
    min_lr: float = 0.0
    """The last rate."""

    def __post_init__(self) -> None:
        require(self.warmup_epochs >= 0, "warmup_epochs", "must be at least 0")
        require(self.min_lr >= 0, "min_lr", "must be at least 0")


@dataclass(frozen=True)
class OneCycleSchedule:
    """Rises to `train.lr` during the first three tenths and falls towards zero; moves every step."""

    name: Literal["onecycle"] = "onecycle"


ScheduleSettings = ConstantSchedule | StepSchedule | PlateauSchedule | CosineSchedule | OneCycleSchedule


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent."""

    name: Literal["sgd"] = "sgd"
    momentum: float = 0.0
    """Share of the last step that the next one keeps."""

    def __post_init__(self) -> None:
        require(0 <= self.momentum < 1, "momentum", "must be a share from 0 up to 1")


@dataclass(frozen=True)
class RmsProp:
    """RMSprop with Keras's constants, rho .9."""

    name: Literal["rmsprop"] = "rmsprop"


@dataclass(frozen=True)
class Adam:
    """Adam; weight decay is part of its gradient."""

    name: Literal["adam"] = "adam"


@dataclass(frozen=True)
class AdamW:
    """Adam whose weight decay is a step of its own."""

    name: Literal["adamw"] = "adamw"


OptimizerSettings = Sgd | RmsProp | Adam | AdamW


@dataclass(frozen=True)
class LoopSettings:
    """How a network is fitted; a task's own settings come on top."""

    FORMER: ClassVar[dict[str, str]] = {"momentum": "optimizer.momentum"}

    optimizer: OptimizerSettings
    """What makes a step of a gradient."""
    lr: float
    """Learning rate, the highest of the schedule."""
    weight_decay: float
    """Pull of the weights towards 0; 0: none."""
    sam_rho: float = field(default=0.0, kw_only=True)
    """Sharpness-aware minimisation: each step's gradient is taken this far uphill, in twice the time; .05 is usual, 0:
    none."""
    epochs: int
    """Passes over the training recordings."""
    average: float
    """Decay of an exponential moving average of the weights, which is then judged and kept; 0: none. It warms up, so
    that a short training is not held back by its first weights: the average never spans more than about the last
    eighteenth of the steps done, and 1 / (1 - average) steps at most."""
    keep: Literal["loss", "accuracy", "last"]
    """The weights of the epoch with the lowest validation `loss`, the highest `accuracy`, or the `last`."""
    patience: int
    """Epochs without a better one (by `keep`) before training stops; 0 never stops early."""
    seed: int
    """Decides every random draw of a training."""
    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA where there is one."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Of the network's products; `auto` is bfloat16 where the device computes it natively."""
    schedule: ScheduleSettings
    """How the learning rate goes over the epochs."""

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "must be above 0")
        require(self.weight_decay >= 0, "weight_decay", "must be at least 0")
        require(self.sam_rho >= 0, "sam_rho", "must be at least 0")
        require(self.epochs > 0, "epochs", "must be above 0")
        require(0 <= self.average < 1, "average", "must be a share from 0 up to 1")
        require(self.patience >= 0, "patience", "must be at least 0")
        early = self.patience > 0 and self.keep == "last"
        require(not early, "patience", "must be 0 where keep is last: nothing says which epoch is better")
        require(self.seed >= 0, "seed", "must be at least 0")

    @property
    def needs_validation(self) -> bool:
        """Whether anything is decided on validation recordings."""
        return self.keep != "last" or isinstance(self.schedule, PlateauSchedule)


def judged_weights(average: float) -> str:
    """Whose figures on validation and test recordings a training with this `average` has, for people."""
    return f"averaged weights (decay {average:g}, warmed up)" if average else "plain weights"


def _require_share(gamma: float) -> None:
    require(0 < gamma < 1, "gamma", "must lie between 0 and 1: the rate is multiplied by it")
