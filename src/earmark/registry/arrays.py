"""Samples in memory, as a microphone, a data set or another library gives them, made a recording that earmark reads."""

import io
import math
from typing import Any

import numpy as np
import soundfile as sf

from earmark.audio import AudioError

RATES = (1_000, 1_000_000)  # Hz; below it are kHz, or the rates of other things than sound
MOST_CHANNELS = 16
LOUDEST = 100.0  # times full scale: what is beyond was never divided by the full scale of its integers
PCM = {"int16": "PCM_16", "int32": "PCM_32", "uint8": "PCM_16"}  # types whose full scale is known
LARGEST_WAV = 2**32 - 2**16  # bytes of samples


def wav(array: Any, sample_rate: Any) -> bytes:
    """The bytes of a WAV file of these samples, not one of them changed.

    array: (samples,), (channels, samples) or (samples, channels), of floats where 1.0 is full scale, or PCM as int16,
    int32 or uint8, whose full scale is the type's. sample_rate: in Hz.
    Raises AudioError with the reason where that is not clear, or a sample is not finite.
    """
    rate, samples = _rate(sample_rate), _oriented(_numbers(array))
    subtype = PCM.get(samples.dtype.name, "FLOAT")
    kind = "WAV" if samples.size * 4 <= LARGEST_WAV else "RF64"
    file = io.BytesIO()
    sf.write(file, _scaled(samples), rate, format=kind, subtype=subtype)
    return file.getvalue()


def _rate(value: Any) -> int:
    low, high = RATES
    number = value.item() if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1 else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise AudioError(f"its 'sample_rate' must be a number of Hz, not {number!r:.40}")
    if number != int(number) or not low <= number <= high:
        raise AudioError(f"its 'sample_rate' must be a whole number of Hz from {low} to {high}, not {number:g}")
    return int(number)


def _numbers(array: Any) -> np.ndarray:
    """The samples as an array of a type that has a full scale."""
    if isinstance(array, list | tuple) and any(isinstance(part, np.ndarray) for part in array):
        raise AudioError("its 'array' is a list of arrays; give one array per recording")
    try:
        numbers = np.asarray(array)
    except (ValueError, TypeError, RuntimeError):
        raise AudioError("its 'array' is not an array of numbers: its parts differ in length or kind") from None
    if numbers.dtype.kind == "f":
        return numbers
    name = numbers.dtype.newbyteorder("=").name
    if name in PCM:
        return numbers.astype(name)
    if numbers.dtype.kind in "iu":
        raise AudioError(
            f"its 'array' is {name}, whose full scale is not known; give int16, int32 or uint8, or floats up to 1.0"
        )
    raise AudioError(f"its 'array' holds {'text' if numbers.dtype.kind in 'US' else name}, not samples")


def _oriented(samples: np.ndarray) -> np.ndarray:
    """The samples as (samples, channels): of two axes, channels are the short one."""
    if samples.size == 0:
        raise AudioError("its 'array' holds no samples")
    if samples.ndim == 1:
        return samples[:, None]
    shape = " x ".join(map(str, samples.shape))
    if samples.ndim != 2:
        raise AudioError(f"its 'array' is {shape}; it must have one axis, or two, one of them for channels")
    if not min(samples.shape) <= MOST_CHANNELS < max(samples.shape):
        raise AudioError(
            f"its 'array' is {shape}, so it is not clear which axis holds the channels (at most {MOST_CHANNELS})"
        )
    return samples.T if samples.shape[0] < samples.shape[1] else samples


def _scaled(samples: np.ndarray) -> np.ndarray:
    """What is written: float32, or the integers of a PCM file."""
    if samples.dtype.kind == "i":
        return np.ascontiguousarray(samples)
    if samples.dtype.kind == "u":  # 128 is its zero
        return np.ascontiguousarray((samples.astype(np.int16) - 128) * 256)
    peak = float(np.abs(samples).max())
    if not math.isfinite(peak):
        raise AudioError("its 'array' holds samples that are not finite")
    if peak > LOUDEST:
        raise AudioError(
            f"its 'array' has a peak of {peak:.4g}, where 1.0 is full scale; divide by the full scale of its integers"
        )
    return np.ascontiguousarray(samples, dtype=np.float32)
