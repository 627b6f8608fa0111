"""Training steps of every network against the roofline: the time that its operations or its bytes take at least.

The roofline's time is the larger of operations / peak of the precision and bytes / bandwidth, both ceilings measured on
the device (ceilings.py), both counts of counting.py.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from gpu_parts import counting
from gpu_parts.devices import median_s, precisions, rounding
from gpu_parts.networks import NETWORKS, Network, Training

SMALL = 2  # examples of a step on a CPU; one where it has this many frames
MANY = 500
AIMED = {"ResNetish18": 0.4, "ChordNet": 0.4}  # share of the roofline on a GPU, in bfloat16 and large batches


@dataclass(frozen=True)
class Step:
    """A timed step. roofline: share of it that is reached; per_s: crops, frames or segments a second."""

    network: str
    precision: str
    batch: int
    weights: int
    seconds: float
    flops: int
    bytes: int
    tflops: float
    gbytes_s: float
    roofline: float
    bound: str
    per_s: float
    unit: str
    asked: float | None

    def line(self) -> str:
        """For people."""
        return (
            f"{1000 * self.seconds:.3g} ms, {self.tflops:.3g} TFLOP/s, {self.gbytes_s:.3g} GB/s, "
            f"bound by {self.bound}, {self.per_s:,.0f} {self.unit}/s"
        )


def batches(of: Network, device: torch.device) -> tuple[int, ...]:
    """Sizes that are timed."""
    return of.batches if device.type == "cuda" else (SMALL if of.each < MANY else 1,)


def planned(device: torch.device) -> Iterator[tuple[Network, int, str]]:
    """Network, batch and precision of every step that is timed."""
    for of in NETWORKS:
        for batch in batches(of, device):
            for precision in precisions(device):
                yield of, batch, precision


def timed(
    of: Network, batch: int, precision: str, device: torch.device, ceilings: dict[str, float], seconds: float
) -> Step:
    """One network's."""
    with rounding(device, precision):
        training = Training(of, batch, device, precision)
        flops, moved = counting.counted(training.step)
        took = median_s(training.step, device, seconds)
    loss = training.loss().item()
    if not math.isfinite(loss):
        raise ArithmeticError(f"{of.name} in {precision} has a loss of {loss}")
    by_flops, by_bytes = flops / ceilings[precision] / 1e12, moved / ceilings["copy"] / 1e9
    return Step(
        network=of.name,
        precision=precision,
        batch=batch,
        weights=training.n_weights,
        seconds=took,
        flops=flops,
        bytes=moved,
        tflops=flops / took / 1e12,
        gbytes_s=moved / took / 1e9,
        roofline=max(by_flops, by_bytes) / took,
        bound="operations" if by_flops > by_bytes else "bytes",
        per_s=batch * of.each / took,
        unit=of.unit,
        asked=_asked(of, batch, precision, device),
    )


def _asked(of: Network, batch: int, precision: str, device: torch.device) -> float | None:
    large = device.type == "cuda" and batch == max(of.batches) and precision == "bfloat16"
    return AIMED.get(of.name) if large else None
