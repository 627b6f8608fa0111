"""Log-mel and constant-Q features computed on a device: how much faster than real time, and how near the CPU's."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from earmark.features.cqt import CQT, TRANSPOSING
from earmark.features.settings import FeatureSettings
from earmark.features.spectral import LogMel
from gpu_parts.checks import CheckError
from gpu_parts.devices import median_s, tf32

BATCH = {"cuda": (32, 30.0), "cpu": (2, 4.0)}  # recordings, and seconds of each
COMPARED_S = 4.0  # of one recording, on both
APART_DB = 0.01  # log-mel, of sound that is nowhere near silence
APART = 1e-4  # magnitudes, as share of the largest
LOG_MEL = FeatureSettings(
    kind="log_mel", sample_rate=44100, n_fft=4096, hop_length=441, n_mels=64, f_min=0.0, f_max=None, top_db=80.0,
    log_floor="top_db", normalize="none", trim_db=None, framing="recording", fill="tile", window_s=2.5,
    window_hop_s=0.5, max_seconds=None, dtype="float32",
)  # fmt: skip
CQT_RATE = 22050


@dataclass(frozen=True)
class Feature:
    """real_time: seconds of audio a second; apart: the largest difference from the CPU's, in `unit`."""

    name: str
    audio_s: float
    seconds: float
    real_time: float
    apart: float
    unit: str

    def line(self) -> str:
        """For people."""
        return (
            f"{self.audio_s:g} s of audio in {1000 * self.seconds:.3g} ms, at most {self.apart:.2g} {self.unit} apart"
        )


def sound(recordings: int, seconds: float, rate: int) -> Tensor:
    """Made-up music: chords of decaying tones over noise, (recordings, samples) within +-1."""
    random = torch.Generator().manual_seed(0)
    t = torch.arange(round(seconds * rate)) / rate
    hz = 110 * 2 ** (torch.randint(0, 36, (recordings, 4, 1), generator=random) / 12)
    tones = (torch.sin(2 * torch.pi * hz * t) * torch.exp(-2 * (t % 0.5))).sum(1) / 8
    return tones + 0.05 * torch.randn(recordings, len(t), generator=random)


def transforms() -> Iterator[tuple[str, nn.Module, int, int]]:
    """Name, module, sample rate in Hz, and channels (0: without that axis)."""
    yield "log-mel", LogMel(LOG_MEL), LOG_MEL.sample_rate, 0
    yield "CQT", CQT(gamma=0.5, extra=TRANSPOSING), CQT_RATE, 1


def measured(device: torch.device, seconds: float) -> Iterator[Feature]:
    """Both, about so many seconds each. Raises CheckError where one is not the CPU's."""
    recordings, length = BATCH[device.type]
    for name, transform, rate, channels in transforms():
        x = sound(recordings, length, rate)
        x = x[:, None] if channels else x
        with torch.no_grad(), tf32(allowed=False):
            apart, unit = _apart(name, transform, x[:1, ..., : round(COMPARED_S * rate)], device)
            moved, given = transform.to(device), x.to(device)
            took = median_s(lambda moved=moved, given=given: moved(given), device, seconds)
        yield Feature(name, recordings * length, took, recordings * length / took, apart, unit)


def _apart(name: str, transform: nn.Module, x: Tensor, device: torch.device) -> tuple[float, str]:
    """The largest difference of the device's features of x from the CPU's, and its unit."""
    here = transform.to("cpu")(x)
    there = transform.to(device)(x.to(device)).cpu()
    apart = float((here - there).abs().max())
    unit, allowed = ("dB", APART_DB) if name == "log-mel" else ("of the largest", APART)
    apart = apart if name == "log-mel" else apart / float(here.max())
    if not apart <= allowed:
        raise CheckError(f"{name} is {apart:.3g} {unit} from the CPU's")
    return apart, unit
