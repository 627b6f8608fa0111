"""siamese_blstm's loss of all pairs and its gradient by matrix products, beside a double loop over the same segments.

    OMP_NUM_THREADS=1 python benchmarks/all_pairs.py [--segments 256] [--times 15] [--loops 3]

Embeddings of 128 values from a softplus, 8 segments a speaker, the fixed loss (symmetric, soft hinge). Median seconds
of each in the same process; the loop is the published text's own arithmetic, one pair after the other.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.settings import PairSettings

SETTINGS = PairSettings("symmetric", "add", "distance", True, 1.0, "sum", 1.0, 1.0, False)
VALUES, PER_SPEAKER = 128, 8


def double_loop(x: Tensor, labels: list[int]) -> Tensor:
    total, n = x.new_zeros(()), len(x)
    for i in range(n):
        for j in range(i + 1, n):
            p, q = x[i] + pairs.EPSILON, x[j] + pairs.EPSILON
            distance = (p * torch.log(p / q)).sum() + (q * torch.log(q / p)).sum()
            same = labels[i] == labels[j]
            total = total + (distance if same else torch.nn.functional.softplus(SETTINGS.margin - distance))
    return total / (n * (n - 1) / 2)


def timed(loss: Callable[[Tensor], Tensor], x: Tensor, times: int) -> tuple[float, float, Tensor]:
    """Median seconds of loss and gradient, the loss, and the gradient."""
    seconds = []
    for _ in range(times):
        x.grad = None
        began = time.perf_counter()
        value = loss(x)
        value.backward()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), value.item(), x.grad.clone()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=256)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--loops", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(0)
    labels = torch.arange(args.segments) // PER_SPEAKER
    x = torch.nn.functional.softplus(torch.randn(args.segments, VALUES)).requires_grad_()
    timed(lambda v: pairs.loss(v, labels, SETTINGS), x, 3)  # warm-up
    fast, value, slope = timed(lambda v: pairs.loss(v, labels, SETTINGS), x, args.times)
    slow, expected, reference = timed(lambda v: double_loop(v, labels.tolist()), x, args.loops)
    off = ((slope - reference).abs().max() / reference.abs().max()).item()
    print(f"{args.segments} segments, {args.segments * (args.segments - 1) // 2} pairs of {VALUES} values")
    print(f"matrix products  {1e3 * fast:10.2f} ms   loss {value:.6f}")
    print(f"double loop      {1e3 * slow:10.2f} ms   loss {expected:.6f}")
    print(f"ratio of medians {slow / fast:10.0f}      largest difference of the gradients {off:.1e} of the largest")


if __name__ == "__main__":
    main()
