"""The network and how it is trained; standard library only, so that a bare GPU machine reads it."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.augment import AugmentSettings
from earmark.settings.checks import require
from earmark.settings.loop import LoopSettings

Pooling = Literal["mean_prob", "mean_logit", "attention"]


@dataclass(frozen=True)
class ModelSettings:
    """A window model and how its answers become a recording's.

    name: `compact` is the default, a small residual network; `cnn` and `mlp` are seed 000's; `net`
        (AlexNet-like), `resnetish18`, `resnetish34` and `vggish` are seed 003's.
    width: multiplies the channels of `compact` and of seed 003's networks.
    variant, channels, hidden: of `cnn` and `mlp` alone; `seed000` is the article's network (no activation
        after its convolutions, nothing normalised), `sound` adds batch normalisation, activations and dropout.
    dropout: of `compact` and the `sound` variants; the other networks keep their authors'.
    pooling: mean of window probabilities, mean of logits, or gated attention over windows.
    """

    name: Literal["compact", "cnn", "mlp", "net", "resnetish18", "resnetish34", "vggish"]
    width: float
    variant: Literal["seed000", "sound"]
    channels: int
    hidden: int
    dropout: float
    pooling: Pooling

    def __post_init__(self) -> None:
        require(0 < self.width <= 8, "width", "must lie above 0 and be at most 8")
        require(self.channels > 0 and self.hidden > 0, "channels", "and hidden must be above 0")
        require(0 <= self.dropout < 1, "dropout", "must be a share from 0 up to 1")


@dataclass(frozen=True)
class TrainSettings(LoopSettings):
    """One training.

    loss: `frame` judges windows one by one, `song` the pooled answer of a whole recording.
    crops: `windows` trains on the fixed windows of the feature settings, `random` on one window a
        recording and epoch that may start at any frame. Validation and test always use the fixed ones.
    batch_size: windows or crops for the frame loss, recordings for the song loss.
    The rest as in `settings.loop.LoopSettings`.
    """

    loss: Literal["frame", "song"]
    crops: Literal["windows", "random"]
    batch_size: int
    label_smoothing: float
    augment: AugmentSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        require(0 <= self.label_smoothing < 1, "label_smoothing", "must be a share from 0 up to 1")
        by_song = self.crops == "random" and self.loss == "song"
        require(not by_song, "crops", "must be windows for the song loss, which wants whole recordings")
        soft = self.label_smoothing > 0 or self.augment.mix != "none"
        require(self.loss == "frame" or not soft, "loss", "must be frame for label_smoothing or augment.mix")
