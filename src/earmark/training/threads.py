"""How many threads a training step is worth on a CPU.

Threads wait for each other after every layer. Where a layer is little work a second thread saves next to nothing, and
costs a lot beside other processes: whoever waits for a thread that is not let in waits as long as it does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Operations of a batch's forward pass from which on threads pay. A short training on two cores takes, with a second,
# 4 % less at .3e9 (ChordNet of the demo), 6 % at 2.7e9 (its speaker network), 23 % at 5.8e9 (compact).
WORTH_THREADS = 4e9


@contextmanager
def as_many_as_pay(task) -> Iterator[None]:
    """One thread while a small network is trained, all there are for others; a GPU's threads are its own affair."""
    threads = torch.get_num_threads()
    if threads > 1 and next(task.model.parameters()).is_cpu and 0 < operations(task) < WORTH_THREADS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def operations(task) -> int:
    """Floating-point operations of the forward pass of a batch, 0 where there is none; draws random numbers."""
    from torch.utils.flop_counter import FlopCounterMode

    training, batch = task.model.training, next(iter(task.batches()), None)
    if batch is None:
        return 0
    task.model.eval()  # running statistics are not to hear it
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        task.loss(batch)
    task.model.train(training)
    found: int = counter.get_total_flops()
    return found
