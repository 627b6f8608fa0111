"""The network and how it is trained; standard library only, so that a bare GPU machine reads it."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.checks import require

Optimizer = Literal["sgd", "rmsprop", "adam", "adamw"]
Pooling = Literal["mean_prob", "mean_logit", "attention"]


@dataclass(frozen=True)
class ModelSettings:
    """A window model and how its answers become a recording's.

    variant: `seed000` is the article's network (no activation after its convolutions, nothing
        normalised); `sound` adds batch normalisation, activations and dropout.
    pooling: mean of window probabilities, mean of logits, or gated attention over windows.
    """

    name: Literal["cnn", "mlp"]
    variant: Literal["seed000", "sound"]
    channels: int
    hidden: int
    dropout: float
    pooling: Pooling

    def __post_init__(self) -> None:
        require(self.channels > 0 and self.hidden > 0, "channels", "and hidden must be above 0")
        require(0 <= self.dropout < 1, "dropout", "must be a share from 0 up to 1")


@dataclass(frozen=True)
class TrainSettings:
    """One training.

    loss: `frame` judges windows one by one, `song` the pooled answer of a whole recording.
    batch_size: windows for the frame loss, recordings for the song loss.
    patience: epochs without a better validation loss before stopping; 0 never stops early.
    device: `auto` takes CUDA where there is one; bf16 autocast is used there alone.
    """

    loss: Literal["frame", "song"]
    optimizer: Optimizer
    lr: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    seed: int
    device: Literal["auto", "cpu", "cuda"]

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "must be above 0")
        require(self.weight_decay >= 0, "weight_decay", "must be at least 0")
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        require(self.epochs > 0, "epochs", "must be above 0")
        require(self.patience >= 0, "patience", "must be at least 0")
        require(self.seed >= 0, "seed", "must be at least 0")
