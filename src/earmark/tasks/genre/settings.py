"""Settings of the genre (or sound class) task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass
from typing import Literal

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings
from earmark.features.settings import FeatureSettings
from earmark.training.settings import LoopSettings

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
class AugmentSettings:
    """Random changes of a training crop, drawn anew for every crop.

    stretch: the crop is read at a speed from 1/(1+stretch) to 1+stretch.
    mel_roll: bands are shifted up or down by at most so many, edges repeated (a transposition).
    shift: the crop is rotated in time by at most this share of its length.
    gain_db: added level, uniform in +-gain_db. equalizer_db: deviation of a smooth curve over the bands.
    time_masks, time_mask_s, band_masks, band_mask: SpecAugment (Park et al. 2019), number and longest size.
    mix: `mixup` (Zhang et al. 2018) adds feature values, `between_class` (Tokozume et al. 2018) adds powers;
        labels are mixed alike. mix_alpha: the share is drawn from Beta(mix_alpha, mix_alpha).
        mix_share: the share of batches that are mixed.
    """

    stretch: float
    mel_roll: int
    shift: float
    gain_db: float
    equalizer_db: float
    time_masks: int
    time_mask_s: float
    band_masks: int
    band_mask: int
    mix: Literal["none", "mixup", "between_class"]
    mix_alpha: float
    mix_share: float

    def __post_init__(self) -> None:
        for name in ("stretch", "mel_roll", "gain_db", "equalizer_db", "time_masks", "time_mask_s"):
            require(getattr(self, name) >= 0, name, "must be at least 0")
        require(self.stretch <= 1, "stretch", "must be at most 1: double speed")
        require(0 <= self.shift <= 1, "shift", "must be a share from 0 to 1")
        require(self.band_masks >= 0 and self.band_mask >= 0, "band_masks", "and band_mask must be at least 0")
        require(self.mix_alpha > 0, "mix_alpha", "must be above 0")
        require(0 <= self.mix_share <= 1, "mix_share", "must be a share from 0 to 1")


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


@dataclass(frozen=True)
class GenreSettings:
    """All settings of the genre (or sound class) task, in the order of its stages."""

    data: DataSettings
    features: FeatureSettings
    model: ModelSettings
    train: TrainSettings
    evaluate: EvaluateSettings

    def __post_init__(self) -> None:
        trained = self.model.pooling != "attention" or self.train.loss == "song"
        require(trained, "model.pooling", "'attention' is trained by the song loss alone; set train.loss to song")
