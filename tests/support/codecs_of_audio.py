"""One signal in many containers and codecs, and how near a decoded one comes to it."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

SECONDS = 2.3
LAG = 4000  # samples by which a lossy codec may be late or early

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def signal(rate: int, channels: int = 1, seconds: float = SECONDS) -> np.ndarray:
    """A rising tone and noise below it (n, channels), float32; every channel has a level of its own."""
    t = np.arange(round(seconds * rate)) / rate
    chirp = 0.3 * np.sin(2 * np.pi * (200 + 0.04 * rate * t) * t)
    hiss = 0.01 * np.random.default_rng(0).standard_normal(len(t))
    return ((chirp + hiss)[:, None] * (1 - 0.2 * np.arange(channels))).astype(np.float32)


def encoded(path: Path, x: np.ndarray, rate: int, *options: str) -> Path:
    """Write samples (n, channels) by ffmpeg, in the format of the file's name."""
    wav = path.with_name("original.wav")
    sf.write(wav, x, rate, subtype="FLOAT")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", wav, *options, path]
    subprocess.run(command, check=True, capture_output=True)
    return path


def piped(x: np.ndarray, rate: int, *options: str) -> bytes:
    """What ffmpeg writes into a pipe, where it cannot go back to state a length."""
    data = x.astype("<f4").tobytes()
    given = ["-f", "f32le", "-ar", str(rate), "-ac", str(x.shape[1]), "-i", "pipe:0"]
    command = ["ffmpeg", "-v", "error", *given, *options, "pipe:1"]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def closeness(decoded: np.ndarray, original: np.ndarray) -> float:
    """Decibels of the signal above the difference, at the lag that fits best; both (n,)."""
    size = 2 ** int(np.ceil(np.log2(len(decoded) + len(original))))
    spectra = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size))
    found = np.fft.irfft(spectra, size)
    lags = np.r_[0 : LAG + 1, size - LAG : size]
    lag = int(lags[np.argmax(found[lags])])
    lag = lag - size if lag > LAG else lag
    a, b = decoded[max(0, lag) :], original[max(0, -lag) :]
    n = min(len(a), len(b))
    edge = n // 20  # where codecs fade in
    a, b = a[edge : n - edge], b[edge : n - edge]
    return float(10 * np.log10(np.sum(b**2) / max(np.sum((a - b) ** 2), 1e-12)))
