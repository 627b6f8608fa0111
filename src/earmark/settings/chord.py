"""Settings of the chord task; standard library only, so that a bare GPU machine reads them."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.checks import require
from earmark.settings.schedule import ScheduleSettings
from earmark.settings.training import Optimizer

DOWN, UP = 5, 6  # semitones that a training crop may be transposed: all twelve keys


@dataclass(frozen=True)
class ChordFeatureSettings:
    """A constant-Q spectrogram in decibels.

    hop_length: samples between frames; 2048 at 22,050 Hz are 93 ms.
    octaves: from f_min up; 36 bins each.
    filter_scale: length of the filters against librosa's; below 1 they are shorter and less selective.
    gamma: Hz added to every filter's bandwidth, which shortens the low ones most (variable Q).
    floor_db: decibels below the recording's maximum that become 0; the maximum becomes 1.
    """

    sample_rate: int
    hop_length: int
    f_min: float
    octaves: int
    filter_scale: float
    gamma: float
    floor_db: float

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "f_min", "octaves", "filter_scale", "floor_db"):
            require(getattr(self, name) > 0, name, "must be above 0")
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
        return 36 * self.octaves


@dataclass(frozen=True)
class ChordModelSettings:
    """channels, stem: widths on pitch classes and on the semitone axis. blocks: dilated 1, 2, 4 ... frames."""

    name: Literal["pitch_net"]
    channels: int
    stem: int
    blocks: int

    def __post_init__(self) -> None:
        for name in ("channels", "stem", "blocks"):
            require(getattr(self, name) > 0, name, "must be above 0")


@dataclass(frozen=True)
class ChordTrainSettings:
    """One training on random crops of recordings.

    crop_frames, batch_size: of the training batches.
    transpose: whether crops are heard in all twelve keys, a slice of the spectrogram that costs nothing.
    tilt, floor: random slope over the bins and random raised floor of a crop, in shares of the range.
    time_masks, band_masks: SpecAugment's, of up to time_mask frames and band_mask bins.
    weight_bass, weight_tones, weight_change, weight_key: of the losses beside the chord's.
    The rest as in `settings.training.TrainSettings`.
    """

    optimizer: Optimizer
    lr: float
    momentum: float
    weight_decay: float
    batch_size: int
    crop_frames: int
    epochs: int
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
    average: float
    keep: Literal["loss", "accuracy", "last"]
    patience: int
    seed: int
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    schedule: ScheduleSettings

    def __post_init__(self) -> None:
        require(self.lr > 0, "lr", "must be above 0")
        require(self.batch_size > 1, "batch_size", "must be at least 2, for batch normalisation")
        require(self.crop_frames > 0, "crop_frames", "must be above 0")
        require(self.epochs > 0, "epochs", "must be above 0")
        require(0 <= self.label_smoothing < 1, "label_smoothing", "must be a share from 0 up to 1")
        require(0 <= self.average < 1, "average", "must be a share from 0 up to 1")
        require(0 <= self.floor < 1 and 0 <= self.tilt < 1, "tilt", "and floor must be shares from 0 up to 1")
