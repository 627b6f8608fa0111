"""Log-mel and MFCC as torch modules over torchaudio's transforms; librosa's conventions, if not told otherwise.

Power spectrogram with a periodic Hann window, Slaney mel scale and area normalisation, decibels with
a floor, orthonormal DCT-II: what `librosa.feature.melspectrogram` and `librosa.feature.mfcc` compute.
The settings' mel_scale, mel_norm and padding give torchaudio's own conventions instead.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from earmark.errors import EarmarkError
from earmark.features.settings import FeatureSettings
from earmark.features.torchaudio_lite import torchaudio

AMIN = 1e-10  # librosa's floor of power in power_to_db
AMIN_RELATIVE = 1e-30  # where levels are relative: out of the way of any audible sound, yet no -inf
NORMS = {"slaney": "slaney", "none": None}  # mel_norm, as torchaudio calls it
PADDINGS = {"zeros": "constant", "reflect": "reflect"}  # padding, as torch calls it


class MelPower(nn.Module):
    """Samples (..., n) -> mel power (..., n_mels, frames).

    `center` pads n_fft // 2 samples on both sides, of which kind the settings say. Raises EarmarkError when a mel
    filter would be empty and `empty_filters` does not keep it.
    """

    def __init__(self, settings: FeatureSettings, center: bool = True):
        super().__init__()
        empty = empty_filters(settings)
        if empty and settings.empty_filters == "refuse":
            raise EarmarkError(
                f"{len(empty)} of {settings.n_mels} mel filters are empty at n_fft {settings.n_fft} "
                f"(the first is band {empty[0]}); set features.n_fft to {2 * settings.n_fft} or lower n_mels."
            )
        with _quiet():
            self.transform = torchaudio.transforms.MelSpectrogram(
                sample_rate=settings.sample_rate,
                n_fft=settings.n_fft,
                hop_length=settings.hop_length,
                f_min=settings.f_min,
                f_max=settings.f_high,
                n_mels=settings.n_mels,
                center=center,
                pad_mode=PADDINGS[settings.padding],
                norm=NORMS[settings.mel_norm],
                mel_scale=settings.mel_scale,
            )

    def forward(self, samples: Tensor) -> Tensor:
        return self.transform(samples)


class Dct(nn.Module):
    """Log-mel (..., frames, n_mels) -> MFCC (..., frames, n_mfcc), orthonormal DCT-II."""

    def __init__(self, n_mfcc: int, n_mels: int):
        super().__init__()
        self.register_buffer("basis", torchaudio.functional.create_dct(n_mfcc, n_mels, norm="ortho"))

    def forward(self, log_mel: Tensor) -> Tensor:
        return log_mel @ self.basis


def power_to_db(power: Tensor, amin: float = AMIN) -> Tensor:
    """10 log10(max(power, amin)), any shape."""
    return 10 * torch.log10(power.clamp_min(amin))


class LogMel(nn.Module):
    """Samples (..., n) -> decibels (..., n_mels, frames), floored `top_db` below each example's maximum."""

    def __init__(self, settings: FeatureSettings):
        super().__init__()
        self.mel = MelPower(settings)
        self.top_db = settings.top_db

    def forward(self, samples: Tensor) -> Tensor:
        db = power_to_db(self.mel(samples))
        return torch.maximum(db, db.amax(dim=(-2, -1), keepdim=True) - self.top_db)


class Mfcc(nn.Module):
    """Samples (..., n) -> MFCC (..., n_mfcc, frames) of the log-mel above."""

    def __init__(self, settings: FeatureSettings):
        super().__init__()
        self.log_mel = LogMel(settings)
        self.dct = Dct(settings.n_mfcc, settings.n_mels)

    def forward(self, samples: Tensor) -> Tensor:
        return self.dct(self.log_mel(samples).mT).mT


def _filters(settings: FeatureSettings) -> Tensor:
    """Mel filterbank (n_fft // 2 + 1, n_mels)."""
    with _quiet():
        return torchaudio.functional.melscale_fbanks(
            settings.n_fft // 2 + 1,
            settings.f_min,
            settings.f_high,
            settings.n_mels,
            settings.sample_rate,
            NORMS[settings.mel_norm],
            settings.mel_scale,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """torchaudio warns of empty filters; here they are refused, or said once, by number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def empty_filters(settings: FeatureSettings) -> list[int]:
    """Indices of mel filters that no FFT bin falls into."""
    return torch.nonzero(_filters(settings).sum(0) == 0).flatten().tolist()


def bands_above(settings: FeatureSettings, frequency: float) -> list[int]:
    """Mel bands that lie wholly above `frequency` Hz: empty in a recording upsampled from twice that rate."""
    bins = torch.linspace(0, settings.sample_rate / 2, settings.n_fft // 2 + 1)
    return torch.nonzero(_filters(settings)[bins <= frequency].sum(0) == 0).flatten().tolist()
