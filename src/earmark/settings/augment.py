"""What is done to training crops, and to them alone; 0 switches an ingredient off."""

from dataclasses import dataclass
from typing import Literal

from earmark.settings.checks import require


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
