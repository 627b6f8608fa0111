"""A device and its arithmetic: how products are rounded, what repeats exactly, and how long a step takes."""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

WARM_UP = {"cuda": 3, "cpu": 1}  # steps before any is timed
LEAST, MOST = 2, 100  # steps that are timed, whatever the budget


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """CUDA's products of float32 by TF32, or in full; torch's default is TF32 for convolutions and LSTMs alone."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = allowed, allowed
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Full float32, and kernels that repeat their results where there are such."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with tf32(allowed=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*deterministic.*")
        torch.use_deterministic_algorithms(device.type == "cuda", warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def precisions(device: torch.device) -> tuple[str, ...]:
    """Those that steps are timed in."""
    return ("float32", "tf32", "bfloat16") if device.type == "cuda" else ("float32", "bfloat16")


def rounding(device: torch.device, precision: str) -> AbstractContextManager:
    """A context of products of one of `precisions`; leaves bfloat16, which is autocast's, to `autocast`."""
    return tf32(precision == "tf32") if device.type == "cuda" else nullcontext()


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """bfloat16 products where `precision` says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_s(step: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Median time in seconds of a step that is repeated for about so many seconds, once it is warm.

    On CUDA from one event to the next: with what the device waits for between its kernels, and no longer.
    """
    for _ in range(WARM_UP[device.type]):
        step()
    wait(device)
    began = time.perf_counter()
    times = []
    events = []
    while len(times) < LEAST or (len(times) < MOST and time.perf_counter() - began < seconds):
        start = time.perf_counter()
        if device.type == "cuda":
            ends = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            ends[0].record()
            step()
            ends[1].record()
            events.append(ends)
            if len(events) % 10 == 0:  # else the queue, and with it the whole, outgrows its seconds
                wait(device)
        else:
            step()
        times.append(time.perf_counter() - start)
    wait(device)
    if events:
        times = [start.elapsed_time(end) / 1000 for start, end in events]
    return statistics.median(times)
