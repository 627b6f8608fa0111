"""What the training loop wants to know, the same for every task; standard library only, as all settings."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from earmark.errors import require


@dataclass(frozen=True)
class ConstantSchedule:
    """`train.lr` in every epoch."""

    name: Literal["constant"] = "constant"


@dataclass(frozen=True)
class StepSchedule:
    """The rate is multiplied by `gamma` after every `step_epochs` epochs."""

    name: Literal["step"] = "step"
    step_epochs: int = 10
    """Epochs between two steps."""
    gamma: float = 0.1
    """Factor on the rate at each step."""

    def __post_init__(self) -> None:
        require(self.step_epochs > 0, "step_epochs", "must be at least 1")
        _require_share(self.gamma)


@dataclass(frozen=True)
class PlateauSchedule:
    """The rate is multiplied by `gamma`, but not below `min_lr`, whenever `monitor` has not improved for more than
    `patience` epochs."""

    name: Literal["plateau"] = "plateau"
    gamma: float = 0.1
    """Factor on the rate at each step."""
    patience: int = 10
    """Epochs without improvement to wait before a step."""
    monitor: Literal["loss", "accuracy", "loss_rising"] = "loss"
    """What must improve on validation: `loss` (lower is better) or `accuracy` (higher is better). `loss_rising`
    treats a rising loss as an improvement, which repeats a mistake of the article that the study sound_cnns is
    about."""
    min_lr: float = 0.0
    """The lowest rate."""

    def __post_init__(self) -> None:
        _require_share(self.gamma)
        require(self.patience >= 0, "patience", "must be at least 0")
        require(self.min_lr >= 0, "min_lr", "must be at least 0")


@dataclass(frozen=True)
class CosineSchedule:
    """The rate rises linearly for `warmup_epochs`, then falls along a half cosine to `min_lr`; updated at every
    optimizer step."""

    name: Literal["cosine"] = "cosine"
    warmup_epochs: int = 1
    """Number of epochs of the rise; 0 for none."""
    min_lr: float = 0.0
    """The rate at the end."""

    def __post_init__(self) -> None:
        require(self.warmup_epochs >= 0, "warmup_epochs", "must be at least 0")
        require(self.min_lr >= 0, "min_lr", "must be at least 0")


@dataclass(frozen=True)
class OneCycleSchedule:
    """The rate rises to `train.lr` during the first three tenths of the training, then falls towards zero; updated
    at every optimizer step."""

    name: Literal["onecycle"] = "onecycle"


ScheduleSettings = ConstantSchedule | StepSchedule | PlateauSchedule | CosineSchedule | OneCycleSchedule


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent."""

    name: Literal["sgd"] = "sgd"
    momentum: float = 0.0
    """Momentum: share of the last step that is carried over into the next."""

    def __post_init__(self) -> None:
        require(0 <= self.momentum < 1, "momentum", "must be at least 0 and below 1")


@dataclass(frozen=True)
class RmsProp:
    """RMSprop with Keras's constants, rho .9."""

    name: Literal["rmsprop"] = "rmsprop"


@dataclass(frozen=True)
class Adam:
    """Adam, with weight decay added to the gradient (L2)."""

    name: Literal["adam"] = "adam"


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay."""

    name: Literal["adamw"] = "adamw"


OptimizerSettings = Sgd | RmsProp | Adam | AdamW


@dataclass(frozen=True)
class LoopSettings:
    """How a network is fitted; a task's own settings come on top."""

    FORMER: ClassVar[dict[str, str]] = {"momentum": "optimizer.momentum"}

    optimizer: OptimizerSettings
    """The optimizer."""
    lr: float
    """Learning rate; with a schedule, its highest value."""
    weight_decay: float
    """Weight decay; 0 for none."""
    sam_rho: float = field(default=0.0, kw_only=True)
    """Radius rho of sharpness-aware minimisation (SAM), which doubles the training time; .05 is usual, 0 switches it
    off."""
    epochs: int
    """Number of epochs: each is a pass over the training recordings or, for speaker, `train.batches` batches."""
    average: float
    """Decay of an exponential moving average of the weights; the averaged weights are the ones that are validated
    and saved; 0 switches it off. The decay warms up, so that the first weights do not hold back a short training:
    the average never spans more than about the last eighteenth of the steps done, and 1 / (1 - average) steps at
    most."""
    keep: Literal["loss", "accuracy", "last"]
    """Which epoch's weights are saved: the one with the lowest validation `loss`, the one with the highest
    validation `accuracy`, or the `last`."""
    patience: int
    """Early stopping: number of epochs without improvement (by `keep`) before training stops; 0 never stops early."""
    seed: int
    """Random seed of everything that is drawn in a training."""
    device: Literal["auto", "cpu", "cuda"]
    """`auto` uses CUDA if the machine has it, else the CPU."""
    precision: Literal["auto", "float32", "bfloat16"]
    """Number format of the network's matrix products; `auto` is bfloat16 where the device computes it natively, else
    float32."""
    schedule: ScheduleSettings
    """How the learning rate changes over the epochs."""

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "must be above 0")
        require(self.weight_decay >= 0, "weight_decay", "must be at least 0")
        require(self.sam_rho >= 0, "sam_rho", "must be at least 0")
        require(self.epochs > 0, "epochs", "must be above 0")
        require(0 <= self.average < 1, "average", "must be at least 0 and below 1")
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
