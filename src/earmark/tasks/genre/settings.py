"""Settings of the genre (or sound class) task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings, GateSettings
from earmark.features.settings import FeatureSettings
from earmark.training.settings import LoopSettings

Pooling = Literal["mean_prob", "mean_logit", "majority_vote", "attention"]


@dataclass(frozen=True)
class WindowModelSettings:
    """A window model and how its answers become a recording's; each network comes on top."""

    name: str = ""
    pooling: Pooling = "mean_prob"
    """How the windows' outputs are pooled into the recording's answer: `mean_prob`, the mean of their probabilities;
    `mean_logit`, the mean of their logits; `majority_vote`, the share of windows that vote for a class; or
    `attention`, gated attention over windows (Ilse et al. 2018). Evaluation and prediction always pool. Of the
    losses only the song loss does: it cannot be used with `majority_vote`, which has no gradient, and `attention`
    cannot be used with the frame loss, which would leave it untrained."""


@dataclass(frozen=True)
class CompactSettings(WindowModelSettings):
    """A small residual network, the default."""

    name: Literal["compact"] = "compact"
    width: float = 1.0
    """Factor on the number of channels."""
    dropout: float = 0.2
    """Dropout on the features before the output layer."""

    def __post_init__(self) -> None:
        _require_width(self.width)
        _require_dropout(self.dropout)


@dataclass(frozen=True)
class SongMilSettings(WindowModelSettings):
    """The networks of the study song_mil: `cnn`, or `mlp`, a multilayer perceptron over the whole window."""

    FORMER_VALUES: ClassVar[dict[str, dict[str, str]]] = {"variant": {"seed000": "song_mil"}}

    name: Literal["cnn", "mlp"] = "cnn"
    variant: Literal["sound", "song_mil"] = "sound"
    """`song_mil` is the network of the question that the study song_mil is about, without activations after its
    convolutions and without normalisation; `sound` adds batch normalisation, activations and dropout."""
    channels: int = 16
    """Channels of the first convolution; unused by `mlp`."""
    hidden: int = 32
    """Units of the dense layers."""
    dropout: float = 0.2
    """Dropout; the network of the question that the study song_mil is about has none."""

    def __post_init__(self) -> None:
        require(self.channels > 0 and self.hidden > 0, "channels", "and hidden must be above 0")
        _require_dropout(self.dropout)


@dataclass(frozen=True)
class SoundCnnsSettings(WindowModelSettings):
    """The networks of the study sound_cnns: `net` (AlexNet-like), `resnetish18`, `resnetish34` or `vggish`, with
    their authors' dropout."""

    name: Literal["net", "resnetish18", "resnetish34", "vggish"] = "net"
    width: float = 1.0
    """Factor on the number of channels."""
    filter: Literal["none", "forward", "test"] = "none"
    """When the network replaces values that are not finite, such as the minus infinity of features.log_floor `none`,
    by 0: `forward` always, `test` only outside training, as in the code of the article that the study sound_cnns is
    about, `none` never."""

    def __post_init__(self) -> None:
        _require_width(self.width)


ModelSettings = CompactSettings | SongMilSettings | SoundCnnsSettings


@dataclass(frozen=True)
class Unmixed:
    """No mixing."""

    name: Literal["none"] = "none"


@dataclass(frozen=True)
class Mixed:
    """Two crops mixed into one: `mixup` (Zhang et al. 2018) adds feature values, `between_class` (Tokozume et al. 2018)
    adds powers.

    Labels are mixed in the same proportion.
    """

    name: Literal["mixup", "between_class"] = "mixup"
    alpha: float = 1.0
    """The mixing proportion is drawn from Beta(alpha, alpha)."""
    share: float = 1.0
    """Share of the batches that are mixed."""

    def __post_init__(self) -> None:
        require(self.alpha > 0, "alpha", "must be above 0")
        require(0 <= self.share <= 1, "share", "must be a share from 0 to 1")


MixSettings = Unmixed | Mixed


@dataclass(frozen=True)
class AugmentSettings:
    """Random changes of a training crop, drawn anew for every crop; 0 switches each off."""

    FORMER: ClassVar[dict[str, str]] = {"mix_alpha": "mix.alpha", "mix_share": "mix.share"}

    stretch: float
    """Random playback speed of a crop, from 1/(1+stretch) to 1+stretch."""
    mel_roll: int
    """Random shift up or down by at most this many mel bands, with the edges repeated (a transposition)."""
    shift: float
    """Random rotation of a crop in time, by at most this share of its length."""
    gain_db: float
    """Random gain of a crop, uniform between -gain_db and +gain_db."""
    equalizer_db: float
    """Random equaliser: standard deviation of a smooth curve over the bands, in decibels."""
    time_masks: int
    """Number of time masks per crop (SpecAugment, Park et al. 2019)."""
    time_mask_s: float
    """Longest time mask, in seconds."""
    band_masks: int
    """Number of frequency masks per crop."""
    band_mask: int
    """Widest frequency mask, in mel bands."""
    mix: MixSettings
    """Whether and how a crop is mixed with another."""

    def __post_init__(self) -> None:
        for name in ("stretch", "mel_roll", "gain_db", "equalizer_db", "time_masks", "time_mask_s"):
            require(getattr(self, name) >= 0, name, "must be at least 0")
        require(self.stretch <= 1, "stretch", "must be at most 1 (double speed)")
        require(0 <= self.shift <= 1, "shift", "must be a share from 0 to 1")
        require(self.band_masks >= 0 and self.band_mask >= 0, "band_masks", "and band_mask must be at least 0")


@dataclass(frozen=True)
class FrameLoss:
    """The loss is computed on each window."""

    name: Literal["frame"] = "frame"
    label_smoothing: float = 0.1
    """Share of each target probability that is spread evenly over all classes."""

    def __post_init__(self) -> None:
        require(0 <= self.label_smoothing < 1, "label_smoothing", "must be at least 0 and below 1")


@dataclass(frozen=True)
class SongLoss:
    """The loss is computed on the pooled answer for a whole recording."""

    name: Literal["song"] = "song"


@dataclass(frozen=True)
class TrainSettings(LoopSettings):
    """One training of a genre network."""

    FORMER: ClassVar[dict[str, str]] = LoopSettings.FORMER | {"label_smoothing": "loss.label_smoothing"}

    loss: FrameLoss | SongLoss
    """What the loss is computed on."""
    crops: Literal["windows", "random"]
    """`windows` trains on the fixed windows of the feature settings; `random` trains, in each epoch, on one window
    per recording that may start at any frame. Validation and test use the fixed windows, unless `judged_on` says
    otherwise."""
    batch_size: int
    """Number of windows or crops in a batch for the frame loss, of recordings for the song loss."""
    augment: AugmentSettings
    """Random changes of a training crop."""
    judged_on: Literal["windows", "crop"] = "windows"
    """What validation and test use of a recording: all its fixed `windows`, or one `crop` that may start at any
    frame and is drawn anew each time, as in the article that the study sound_cnns is about; the test then also reports
    how its accuracy varies from draw to draw. Prediction always uses the windows."""
    balance: Literal["none", "weights", "sampling"] = "none"
    """For classes of unequal size: `weights` multiplies a recording's loss by the inverse frequency of its class (1
    on average); `sampling` draws an epoch of the same length in which all classes are equally frequent. Validation
    is not changed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        by_song = self.crops == "random" and not self.by_frame
        require(not by_song, "crops", "must be windows for the song loss, which needs whole recordings")
        cropped = self.judged_on == "windows" or self.crops == "random"
        require(cropped, "judged_on", "must be windows where crops is windows")
        require(
            self.by_frame or isinstance(self.augment.mix, Unmixed),
            "loss.name",
            "must be frame unless augment.mix is none",
        )

    @property
    def by_frame(self) -> bool:
        """Whether windows are judged one by one."""
        return isinstance(self.loss, FrameLoss)

    @property
    def label_smoothing(self) -> float:
        """Share of every target that is spread evenly; 0 for a loss that has none."""
        return self.loss.label_smoothing if isinstance(self.loss, FrameLoss) else 0.0


@dataclass(frozen=True)
class GenreSettings:
    """Music genres or sound classes, one label per recording; blocks in the order of the stages."""

    data: DataSettings
    features: FeatureSettings
    model: ModelSettings
    """The network, which classifies windows, and how its answers are pooled over a recording."""
    train: TrainSettings
    evaluate: EvaluateSettings
    gate: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        trained = self.model.pooling != "attention" or not self.train.by_frame
        require(trained, "model.pooling", "'attention' is trained only by the song loss; set train.loss.name to song")
        voted = self.model.pooling != "majority_vote" or self.train.by_frame
        rule = "'majority_vote' has no gradient, which the song loss needs; set train.loss.name to frame"
        require(voted, "model.pooling", rule)
        filtered = isinstance(self.model, SoundCnnsSettings) and self.model.filter != "none"
        require(
            filtered or self.features.log_floor != "none",
            "features.log_floor",
            "'none' leaves minus infinity in the features, which only net, resnetish and vggish accept, with "
            "model.filter forward or test",
        )
        sliced = self.features.framing == "recording" or self.train.judged_on == "windows"
        require(sliced, "train.judged_on", "must be windows for features.framing window")


def _require_width(width: float) -> None:
    require(0 < width <= 8, "width", "must be above 0 and at most 8")


def _require_dropout(dropout: float) -> None:
    require(0 <= dropout < 1, "dropout", "must be at least 0 and below 1")
