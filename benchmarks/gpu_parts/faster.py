"""Training steps with torch.compile and as CUDA graphs, beside plain ones. What cannot be done is said, and why."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from gpu_parts.devices import WARM_UP, median_s, wait
from gpu_parts.networks import NETWORKS, Network, Training
from gpu_parts.steps import batches

NAMED = ("compact", "ResNetish18", "pitch_net", "speaker resnet", "ChordNet of the demo", "ChordNet")
PRECISION = "bfloat16"


@dataclass(frozen=True)
class Way:
    """A step of a network one way; ratio: the plain one's time to this one's. reason: why there is no figure."""

    network: str
    way: str
    batch: int
    seconds: float | None
    ratio: float | None
    ready_s: float | None
    reason: str = ""

    def line(self) -> str:
        """For people."""
        if self.seconds is None:
            return self.reason
        return f"{1000 * self.seconds:.3g} ms, x {self.ratio:.2f}, ready after {self.ready_s:.3g} s"


def compiled(device: torch.device, seconds: float, left: Callable[[], bool]) -> Iterator[Way]:
    """Forward and backward of networks, compiled, as long as `left()` says that time is left: each takes a minute."""
    for of in _named():
        batch = batches(of, device)[0]
        if not left():
            yield Way(of.name, "compile", batch, None, None, None, "left out, for the time was up")
            continue
        plain = median_s(Training(of, batch, device, PRECISION).slopes, device, seconds)
        yield _tried("compile", of, batch, plain, lambda of=of, batch=batch: _compiled(of, batch, device, seconds))


def graphs(device: torch.device, seconds: float, left: Callable[[], bool]) -> Iterator[Way]:
    """Whole steps, the optimizer's too, captured as one CUDA graph each."""
    for of in _named():
        batch = batches(of, device)[0]
        if device.type != "cuda":
            yield Way(of.name, "CUDA graph", batch, None, None, None, "left out, for there is no CUDA device")
            continue
        if not left():
            yield Way(of.name, "CUDA graph", batch, None, None, None, "left out, for the time was up")
            continue
        plain = median_s(Training(of, batch, device, PRECISION, capturable=True).step, device, seconds)
        yield _tried("CUDA graph", of, batch, plain, lambda of=of, batch=batch: _captured(of, batch, device, seconds))


def _named() -> list[Network]:
    return sorted((of for of in NETWORKS if of.name in NAMED), key=lambda of: NAMED.index(of.name))


def _tried(way: str, of: Network, batch: int, plain: float, measure: Callable[[], tuple[float, float]]) -> Way:
    """A way's seconds, and those until it was ready; measure: gives both, or fails with a reason."""
    try:
        took, ready = measure()
    except Exception as error:  # a compiler or a driver says no in many ways, and the others are still to be timed
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Way(of.name, way, batch, None, None, None, f"not possible: {reason[:200]}")
    return Way(of.name, way, batch, took, plain / took, ready)


def _compiled(of: Network, batch: int, device: torch.device, seconds: float) -> tuple[float, float]:
    torch._dynamo.reset()
    training = Training(of, batch, device, PRECISION)
    training.model = torch.compile(training.model)
    began = time.perf_counter()
    training.slopes()
    wait(device)
    ready = time.perf_counter() - began
    return median_s(training.slopes, device, seconds), ready


def _captured(of: Network, batch: int, device: torch.device, seconds: float) -> tuple[float, float]:
    training = Training(of, batch, device, PRECISION, capturable=True)
    began, aside = time.perf_counter(), torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP["cuda"]):
            training.step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    training.optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        training.step()
    wait(device)
    ready = time.perf_counter() - began
    return median_s(graph.replay, device, seconds), ready
