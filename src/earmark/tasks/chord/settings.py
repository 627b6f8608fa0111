"""Settings of the chord task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass
from typing import Literal

from earmark.data.settings import DataSettings
from earmark.errors import require
from earmark.evaluation.settings import EvaluateSettings
from earmark.training.settings import LoopSettings

VectorLoss = Literal["focal_tversky", "tversky", "focal_tversky_of_logits", "tversky_of_logits"]
DOWN, UP = 5, 6  # semitones that a training crop may be transposed: all twelve keys


@dataclass(frozen=True)
class ChordFeatureSettings:
    """A constant-Q spectrogram in decibels.

    hop_length: samples between frames; 2048 at 22,050 Hz are 93 ms.
    octaves: from f_min up.
    bins_per_octave: a multiple of 12; pitch_net reads 36 alone.
    filter_scale: length of the filters against librosa's; below 1 they are shorter and less selective.
    gamma: Hz added to every filter's bandwidth, which shortens the low ones most (variable Q).
    floor_db: decibels below the recording's maximum that count as nothing.
    channels: 1 is the mean of left and right; 2 adds their difference, which is silence where a file is mono.
    normalize: `share` makes `floor_db` below the recording's maximum 0 and the maximum 1; `deviation` takes each
        channel's mean away and divides by the recording's deviation (features.cqt.to_db).
    """

    sample_rate: int
    hop_length: int
    f_min: float
    octaves: int
    filter_scale: float
    gamma: float
    floor_db: float
    channels: Literal[1, 2] = 1
    normalize: Literal["share", "deviation"] = "share"
    bins_per_octave: int = 36

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "f_min", "octaves", "filter_scale", "floor_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
        whole = self.bins_per_octave > 0 and self.bins_per_octave % 12 == 0
        require(whole, "bins_per_octave", "must be a multiple of 12, so that a semitone is a whole number of bins")
        require(self.gamma >= 0, "gamma", "must be at least 0 Hz")
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
class ChordModelSettings:
    """A chord network and how its word becomes segments.

    name: `pitch_net` reads one channel and names 56 qualities; `chordnet` is seed 002's, reads two channels and names
        44 qualities.
    channels, stem, blocks: of pitch_net alone: widths on pitch classes and on the semitone axis, and blocks, dilated
        1, 2, 4 ... frames.
    width, core, vector, drop_features, smoothing, direct: of chordnet alone, as in models.chordnet.ChordNetSettings.
    decoder: `switch` asks a price for every change, less where the network hears one; `crf` knows which chords
        follow which, from the training songs, and how far the network can be believed, from the validation songs.
    """

    name: Literal["pitch_net", "chordnet"]
    channels: int
    stem: int
    blocks: int
    width: float = 1.0
    core: Literal["dprnn", "blstm"] = "dprnn"
    vector: Literal["clip", "sigmoid"] = "clip"
    drop_features: bool = True
    smoothing: bool = True
    direct: bool = False
    decoder: Literal["switch", "crf"] = "switch"

    def __post_init__(self) -> None:
        for name in ("channels", "stem", "blocks"):
            require(getattr(self, name) > 0, name, "must be above 0")
        require(0.08 <= self.width <= 8, "width", "must lie from 0.08, below which too few features are left, to 8")


@dataclass(frozen=True)
class ChordTrainSettings(LoopSettings):
    """One training on random crops of recordings.

    crops: `random` starts anywhere in a song, `changes` where a chord begins, as seed 002 does.
    crop_frames, batch_size: of the training batches.
    transpose: whether crops are heard in all twelve keys, a slice of the spectrogram that costs nothing.
    tilt, floor: random slope over the bins and random raised floor of a crop, in shares of the range; both 0 where
        features.normalize is `deviation`.
    time_masks, band_masks: SpecAugment's, of up to time_mask frames and band_mask bins.
    weight_bass, weight_tones, weight_change, weight_key: of the losses beside the chord's.
    vector_loss, tversky_alpha, tversky_power, focal_gamma: of chordnet alone, as in chords.losses.LossSettings; its
        vectors count by weight_tones. label_smoothing is of pitch_net alone.
    The rest as in `settings.loop.LoopSettings`.
    """

    batch_size: int
    crop_frames: int
    label_smoothing: float
    weight_bass: float
    weight_tones: float
    weight_change: float
    weight_key: float
    transpose: bool
    tilt: float
    floor: float
    time_masks: int
    time_mask: int
    band_masks: int
    band_mask: int
    crops: Literal["random", "changes"] = "random"
    vector_loss: VectorLoss = "focal_tversky"
    tversky_alpha: float = 0.4
    tversky_power: float = 3.0
    focal_gamma: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        require(self.crop_frames > 0, "crop_frames", "must be above 0")
        require(0 <= self.label_smoothing < 1, "label_smoothing", "must be a share from 0 up to 1")
        require(0 <= self.floor < 1 and 0 <= self.tilt < 1, "tilt", "and floor must be shares from 0 up to 1")
        masks = (self.time_masks, self.time_mask, self.band_masks, self.band_mask)
        require(min(masks) >= 0, "time_masks", "and the other masks' numbers and sizes must be at least 0")
        weights = (self.weight_bass, self.weight_tones, self.weight_change, self.weight_key)
        require(min(weights) >= 0, "weight_bass", "and the other weights must be at least 0")
        require(0 <= self.tversky_alpha <= 1, "tversky_alpha", "must be a share from 0 to 1")
        steep = "must be at least 1: below it the slope at a perfect answer is infinite"
        require(self.tversky_power >= 1, "tversky_power", steep)
        require(self.focal_gamma >= 0, "focal_gamma", "must be at least 0")


@dataclass(frozen=True)
class ChordSettings:
    """All settings of the chord task, in the order of its stages."""

    data: DataSettings
    features: ChordFeatureSettings
    model: ChordModelSettings
    train: ChordTrainSettings
    evaluate: EvaluateSettings

    def __post_init__(self) -> None:
        channels = {"pitch_net": 1, "chordnet": 2}[self.model.name]
        fits = self.features.channels == channels
        require(fits, "features.channels", f"must be {channels} for model.name {self.model.name}")
        read = self.model.name == "chordnet" or self.features.bins_per_octave == 36
        require(read, "features.bins_per_octave", f"must be 36 for model.name {self.model.name}")
        ranged = self.features.normalize == "share" or not (self.train.tilt or self.train.floor)
        require(ranged, "train.tilt", "and train.floor must be 0 where features.normalize is deviation")
