"""Settings of the chord task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings, GateSettings
from earmark.tasks.chord.networks.settings import (
    ChordModelSettings,
    ChordNetModel,
    PitchNetModel,
    QualityWeights,
    require_weights,
)
from earmark.training.settings import LoopSettings

DOWN, UP = 5, 6  # semitones that a training crop may be transposed: all twelve keys


@dataclass(frozen=True)
class ChordFeatureSettings:
    """A constant-Q spectrogram in decibels."""

    sample_rate: int
    """Sample rate in Hz that recordings are resampled to."""
    hop_length: int
    """Samples between frames; 2048 at 22,050 Hz are 93 ms."""
    f_min: float
    """The lowest note, in Hz."""
    octaves: int
    """Number of octaves, from f_min up."""
    filter_scale: float
    """Length of the filters relative to librosa's; below 1 they are shorter and less selective."""
    gamma: float
    """Hz added to every filter's bandwidth, which shortens the lowest filters most (variable Q)."""
    floor_db: float
    """Level below the recording's maximum, in decibels, from which a value counts as silence."""
    channels: Literal[1, 2] = 1
    """1 (for pitch_net) is the mean of left and right; 2 (for chordnet) adds their difference, which is silence in a
    mono file."""
    normalize: Literal["share", "deviation"] = "share"
    """`share` maps decibels linearly, from `floor_db` below the recording's maximum (0) to the maximum (1).
    `deviation` subtracts each channel's mean and divides by the recording's standard deviation (function to_db of
    earmark/features/cqt.py)."""
    bins_per_octave: int = 36
    """Bins per octave, a multiple of 12; pitch_net requires 36."""
    local_s: float = 0.0
    """If above 0, levels are relative to the maximum within this many seconds before and after, not to the maximum
    of the whole recording, so that quiet passages are not lost."""
    local_db: float = 45.0
    """The local maximum of `local_s` is taken to be at most this many decibels below the recording's maximum, so
    that silence stays silent."""

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "f_min", "octaves", "filter_scale", "floor_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
        whole = self.bins_per_octave > 0 and self.bins_per_octave % 12 == 0
        require(whole, "bins_per_octave", "must be a multiple of 12, so that a semitone is a whole number of bins")
        require(self.gamma >= 0, "gamma", "must be at least 0 Hz")
        require(self.local_s >= 0 and self.local_db >= 0, "local_s", "and local_db must be at least 0")
        whole = self.normalize == "share" or not self.local_s
        require(whole, "local_s", "must be 0 where normalize is deviation, which uses the whole recording")
        top = self.f_min * 2 ** (self.octaves + (UP + DOWN) / 12)
        fits = top < self.sample_rate / 2
        require(fits, "octaves", f"must end below the Nyquist frequency (they end at {top:.0f} Hz)")

    @property
    def hop_s(self) -> float:
        """Seconds between frames."""
        return self.hop_length / self.sample_rate

    @property
    def n_bins(self) -> int:
        """Bins that a network sees."""
        return self.bins_per_octave * self.octaves

    @property
    def transposing(self) -> tuple[int, int]:
        """Bins below and above them, for transposition by UP and by DOWN semitones."""
        return UP * self.bins_per_octave // 12, DOWN * self.bins_per_octave // 12


@dataclass(frozen=True)
class HeadWeights:
    """Weights of the losses beside the chord's, whose weight is 1; each kind of loss adds its own settings."""

    name: str = ""
    weight_bass: float = 1.0
    """Weight of the bass loss; the chord loss has weight 1."""
    weight_tones: float = 1.0
    """Weight of the loss on the notes that sound; with chordnet, of each of its two note vectors: without smoothing,
    there is one vector, which counts twice."""
    weight_change: float = 1.0
    """Weight of the loss on where a chord begins."""
    weight_key: float = 0.3
    """Weight of the loss on the song's key."""
    quality_weights: QualityWeights = field(default_factory=dict)
    """Weight of each chord quality in the chord loss, 1 for a quality that is not listed; those for decoding are
    model.quality_weights."""

    def __post_init__(self) -> None:
        weights = (self.weight_bass, self.weight_tones, self.weight_change, self.weight_key)
        require(min(weights) >= 0, "weight_bass", "and the other weights must be at least 0")
        require_weights(self.quality_weights)


@dataclass(frozen=True)
class CrossEntropy(HeadWeights):
    """For pitch_net: cross-entropy of chords and basses."""

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: float = 0.05
    """Share of a chord's target probability that is spread evenly over all chords."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.label_smoothing < 1, "label_smoothing", "must be at least 0 and below 1")


@dataclass(frozen=True)
class Tversky(HeadWeights):
    """For chordnet: the Tversky loss of its vectors, as ChordNet's author wrote it or computed from logits."""

    name: Literal["tversky", "tversky_of_logits"] = "tversky_of_logits"
    alpha: float = 0.4
    """Weight of false positives, .4 in ChordNet; false negatives have weight 1 - alpha."""
    focal_gamma: float = 2.0
    """Exponent gamma of the focal losses of changes and key."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.alpha <= 1, "alpha", "must be a share from 0 to 1")
        require(self.focal_gamma >= 0, "focal_gamma", "must be at least 0")


@dataclass(frozen=True)
class FocalTversky(Tversky):
    """For chordnet: the focal Tversky loss of its vectors, as ChordNet's author wrote it or computed from logits."""

    name: Literal["focal_tversky", "focal_tversky_of_logits"] = "focal_tversky"  # type: ignore[assignment]
    power: float = 3.0
    """Focal exponent of the loss, 1 or more: the higher, the less a nearly right answer costs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        steep = "must be at least 1: below it the slope at a perfect answer is infinite"
        require(self.power >= 1, "power", steep)


ChordLossSettings = CrossEntropy | Tversky | FocalTversky
WEIGHTS = ("weight_bass", "weight_tones", "weight_change", "weight_key")


@dataclass(frozen=True)
class ChordTrainSettings(LoopSettings):
    """One training on random crops of recordings."""

    # `vector_loss` was the name of chordnet's loss; pitch_net had none to name.
    FORMER: ClassVar[dict[str, str]] = (
        LoopSettings.FORMER
        | {name: f"loss.{name}" for name in WEIGHTS}
        | {
            "vector_loss": "loss.name",
            "label_smoothing": "loss.label_smoothing",
            "tversky_alpha": "loss.alpha",
            "tversky_power": "loss.power",
            "focal_gamma": "loss.focal_gamma",
        }
    )

    loss: ChordLossSettings
    """The training loss."""
    batch_size: int
    """Number of crops in a training batch."""
    crop_frames: int
    """Length of a crop, in frames."""
    transpose: bool
    """Whether crops are transposed at random into all twelve keys, which costs no time (a shifted slice of the
    spectrogram)."""
    tilt: float
    """Largest random slope over a crop's bins, as a share of the value range; must be 0 where features.normalize is
    `deviation`."""
    floor: float
    """Largest random rise of a crop's floor, as a share of the value range; must be 0 where features.normalize is
    `deviation`."""
    time_masks: int
    """Number of time masks per crop (SpecAugment)."""
    time_mask: int
    """Longest time mask, in frames."""
    band_masks: int
    """Number of frequency masks per crop."""
    band_mask: int
    """Widest frequency mask, in bins."""
    crops: Literal["random", "changes", "chords"] = "random"
    """Where crops start: `random` anywhere in a song, `changes` where a chord begins. `chords` also ends crops at a
    chord change, as ChordNet's author asks, so that no chord is cut unless it is longer than the crop."""
    short: float = 0.0
    """Share of the batches whose crops are cut to between a tenth and a third of their length, to prepare for short
    recordings, which have no context."""
    initial_model: str | None = None
    """Folder of a chord model (with model.safetensors) whose weights the training starts from; at its end they are
    averaged with the trained ones, in the proportion that the validation songs choose. Null: random weights."""
    initial_sha256: str | None = None
    """SHA-256 that this model.safetensors must have."""

    def __post_init__(self) -> None:
        super().__post_init__()
        named = (self.initial_model is None) == (self.initial_sha256 is None)
        require(named, "initial_sha256", "must be set if, and only if, initial_model is")
        require(0 <= self.short <= 1, "short", "must be a share from 0 to 1")
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        require(self.crop_frames > 0, "crop_frames", "must be above 0")
        require(0 <= self.floor < 1 and 0 <= self.tilt < 1, "tilt", "and floor must be at least 0 and below 1")
        masks = (self.time_masks, self.time_mask, self.band_masks, self.band_mask)
        require(min(masks) >= 0, "time_masks", "and the other masks' numbers and sizes must be at least 0")


@dataclass(frozen=True)
class ChordSettings:
    """Chords over time with their bass, and the key of a song; blocks in the order of the stages."""

    data: DataSettings
    features: ChordFeatureSettings
    model: ChordModelSettings
    """The chord network, and how its output is decoded into segments."""
    train: ChordTrainSettings
    evaluate: EvaluateSettings
    gate: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        channels = 1 if isinstance(self.model, PitchNetModel) else 2
        fits = self.features.channels == channels
        require(fits, "features.channels", f"must be {channels} for model.name {self.model.name}")
        read = isinstance(self.model, ChordNetModel) or self.features.bins_per_octave == 36
        require(read, "features.bins_per_octave", f"must be 36 for model.name {self.model.name}")
        ranged = self.features.normalize == "share" or not (self.train.tilt or self.train.floor)
        require(ranged, "train.tilt", "and train.floor must be 0 where features.normalize is deviation")
        require_chunks(self.model, self.train)
        own = isinstance(self.train.loss, CrossEntropy) == isinstance(self.model, PitchNetModel)
        losses = "cross_entropy" if isinstance(self.model, PitchNetModel) else "one of those with tversky"
        require(own, "train.loss.name", f"must be {losses} for model.name {self.model.name}")


def require_chunks(model: ChordModelSettings, train: ChordTrainSettings) -> None:
    """Raise ValueError for crops in which the dual path's two LSTMs would read the same frames."""
    if isinstance(model, ChordNetModel) and model.core == "dprnn":
        n, crop = model.chunk_frames, train.crop_frames
        rule = (
            f"must be at most {crop // 2}, so that a crop of train.crop_frames ({crop}) holds two chunks, or 0 for none"
        )
        require(2 * n <= crop, "model.chunk_frames", f"{rule} (it is {n})")
