"""How near a training step on a CPU comes to what the machine does with its products alone: one row a network.

    python benchmarks/training.py [--rounds 7] [--only compact] [--json FILE]

On one thread, in CPU seconds. Share of the ceiling: what the step's convolutions, dense layers, LSTMs and pitch_net's
products by frequency take by themselves, each of its own size, number format and memory order, forward and backward,
over the whole step with its loss and optimizer. pitch_net's Fourier transforms do not count. Networks are those of
gpu_parts/networks.py, with the batches that are usual on a CPU. GFLOP/s count multiplications and additions of these
layers, forward and backward.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from gpu_parts.networks import NETWORKS, Network, Training
from rows import Row, write
from torch import Tensor, nn

from earmark.nn.layers import WeightNormDense
from earmark.tasks.chord.networks.pitch_net import Around
from earmark.training import loop

COUNTED = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.LSTM, WeightNormDense, Around)
ASKED = ">= 0.5"
CPU = torch.device("cpu")
FLOAT32 = ("ChordNet", "ChordNet of the demo", "pitch_net")  # as params.yaml and the recipes train them
BATCHES = {"ChordNet of the demo": 4, "pitch_net": 16, "ChordNet": 2}
BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="Networks, by their names in the table, with commas between them.")
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    chosen = [of for of in NETWORKS if not args.only or of.name in args.only.split(",")]
    write(args.json, (row(of, args.rounds) for of in chosen))


def row(of: Network, rounds: int) -> Row:
    """One network's row."""
    native = torch.cpu._is_avx512_bf16_supported()  # where `precision: auto` takes bfloat16
    precision = "bfloat16" if native and of.name not in FLOAT32 else "float32"
    batch = BATCHES.get(of.name, BATCH)
    training = Training(of, batch, CPU, precision)
    parts = list(counted(training.model, training.step))
    spent: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        alone = sum(seconds(by_itself(*part, precision)) for part in parts)
        spent.append((seconds(training.step), alone))
    step, alone = (statistics.median(times[1:]) for times in zip(*spent, strict=True))
    gflop = sum(flop(*part) for part in parts) / 1e9
    detail = (
        f"{precision}, batch {batch}: step {1e3 * step:.0f} ms, {gflop / step:.0f} GFLOP/s; its layers alone "
        f"{1e3 * alone:.0f} ms, {gflop / alone:.0f} GFLOP/s"
    )
    return Row("5 Training", f"{of.name}: its layers' share of a step", alone / step, ASKED, detail)


def counted(model: nn.Module, step: Callable[[], None]) -> Iterator[tuple[nn.Module, Tensor]]:
    """The modules of `COUNTED` with what each was given in one step."""
    met: list[tuple[nn.Module, Tensor]] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].detach()
        met.append(by_frequency(module, x) if isinstance(module, Around) else (module, x))

    hooks = [module.register_forward_pre_hook(note) for module in model.modules() if isinstance(module, COUNTED)]
    step()
    for hook in hooks:
        hook.remove()
    yield from met


class Products(nn.Module):
    """A matrix product a frequency: (6, rows, n) -> (6, rows, n)."""

    def __init__(self, n: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, n, n))

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight)


def by_frequency(module: Around, x: Tensor) -> tuple[Products, Tensor]:
    """What pitch_net's layer around the pitch classes multiplies for x (batch, channels, frames, 12), and with what."""
    n = 2 * len(module.weight)
    return Products(n), torch.randn(6, x.shape[0] * x.shape[2], n)


def by_itself(module: nn.Module, x: Tensor, precision: str) -> Callable[[], None]:
    """A module forward and backward without the others."""
    x = x.clone().requires_grad_()
    wanted = [x, *(p for p in module.parameters() if p.requires_grad)]

    def run() -> None:
        with loop.autocast(CPU, precision):
            y = module(x)
        y = y[0] if isinstance(y, tuple) else y
        torch.autograd.grad(y, wanted, torch.ones_like(y))

    return run


def flop(module: nn.Module, x: Tensor) -> float:
    """Multiplications and additions of a module, forward and twice as many backward."""
    match module:
        case nn.LSTM():
            each = 4 * module.hidden_size * (module.input_size + module.hidden_size)
            return 6.0 * each * x.shape[0] * x.shape[1]
        case nn.Conv1d() | nn.Conv2d():
            with torch.no_grad():
                places = module(x.to(module.weight.dtype)).numel() / module.out_channels
            return 6.0 * module.weight.numel() * places
        case Products():
            return 6.0 * module.weight.numel() * x.shape[1]
        case _:
            return 6.0 * module.weight.numel() * x.numel() / x.shape[-1]


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
