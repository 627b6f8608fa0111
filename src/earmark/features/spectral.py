"""Log-mel and MFCC as torch modules over torchaudio's transforms; librosa's conventions, if not told otherwise.

Power spectrogram with a periodic Hann window, Slaney mel scale and area normalisation, decibels with
a floor, orthonormal DCT-II: what `librosa.feature.melspectrogram` and `librosa.feature.mfcc` compute.
The settings' mel_scale, mel_norm and padding give torchaudio's own conventions instead.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earmark.errors import EarmarkError
from earmark.features.settings import FeatureSettings
from earmark.features.torchaudio_lite import torchaudio

ONE_AT_A_TIME = Lock()
AMIN = 1e-10  # librosa's floor of power in power_to_db
AMIN_RELATIVE = 1e-30  # where levels are relative: out of the way of any audible sound, yet no -inf
NORMS = {"slaney": "slaney", "none": None}  # mel_norm, as torchaudio calls it
BANDS = 16  # mel bands in one matrix product, which leaves out the bins that none of them hears
FRAMES = 128  # transformed at once: what is made of them stays in the cache
PADDINGS = {"zeros": "constant", "reflect": "reflect"}  # padding, as torch calls it


class MelPower(nn.Module):
    """Samples (..., n) -> mel power (..., n_mels, frames).

    `center` pads n_fft // 2 samples on both sides, of which kind the settings say. What torchaudio's MelSpectrogram
    computes, several times faster: squares instead of the square of a root, of as many frames at once as the processor
    keeps near it, and each group of bands from the bins alone that it hears. Raises EarmarkError when a mel filter
    would be empty and `empty_filters` does not keep it.
    """

    def __init__(self, settings: FeatureSettings, center: bool = True):
        super().__init__()
        empty = empty_filters(settings)
        if empty and settings.empty_filters == "refuse":
            raise EarmarkError(
                f"{len(empty)} of {settings.n_mels} mel filters are empty at n_fft {settings.n_fft} "
                f"(the first is band {empty[0]}); set features.n_fft to {2 * settings.n_fft} or lower n_mels."
            )
        self.n_fft, self.hop_length = settings.n_fft, settings.hop_length
        self.around = settings.n_fft // 2 if center else 0
        self.padding = PADDINGS[settings.padding]
        self.register_buffer("window", torch.hann_window(settings.n_fft), persistent=False)
        filters = _filters(settings)  # (bins, n_mels)
        self.register_buffer("filters", filters, persistent=False)
        bands = (slice(i, i + BANDS) for i in range(0, settings.n_mels, BANDS))
        self.groups = [(_heard(filters[:, some]), some) for some in bands]

    def forward(self, samples: Tensor) -> Tensor:
        rows = samples.reshape(-1, samples.shape[-1])
        if self.around:
            rows = F.pad(rows, (self.around, self.around), mode=self.padding)
        frames = rows.unfold(-1, self.n_fft, self.hop_length)  # (rows, frames, n_fft)
        mel = []
        for some in frames.split(max(1, FRAMES // frames.shape[1])):
            mel.append(torch.cat([self._of_frames(part) for part in some.split(FRAMES, dim=1)], dim=1))
        return torch.cat(mel).view(*samples.shape[:-1], *mel[0].shape[1:]).mT

    def _of_frames(self, frames: Tensor) -> Tensor:
        """Frames (rows, frames, n_fft) -> (rows, frames, n_mels)."""
        squares = torch.view_as_real(torch.fft.rfft(frames * self.window)).square_()
        power = squares[..., 0] + squares[..., 1]
        return torch.cat([power[..., bins] @ self.filters[bins, bands] for bins, bands in self.groups], dim=-1)


def _heard(filters: Tensor) -> slice:
    """The bins from the first to the last that any of the filters (bins, bands) hears."""
    heard = torch.nonzero(filters.sum(1)).flatten().tolist() or [0]
    return slice(heard[0], heard[-1] + 1)


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
    with ONE_AT_A_TIME, warnings.catch_warnings():  # what is caught is caught for all threads
        warnings.simplefilter("ignore")
        yield


def empty_filters(settings: FeatureSettings) -> list[int]:
    """Indices of mel filters that no FFT bin falls into."""
    return torch.nonzero(_filters(settings).sum(0) == 0).flatten().tolist()


def bands_above(settings: FeatureSettings, frequency: float) -> list[int]:
    """Mel bands that lie wholly above `frequency` Hz: empty in a recording upsampled from twice that rate."""
    bins = torch.linspace(0, settings.sample_rate / 2, settings.n_fft // 2 + 1)
    return torch.nonzero(_filters(settings)[bins <= frequency].sum(0) == 0).flatten().tolist()
