"""Extraction by worker processes, in the order of the jobs."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

WORTH_A_POOL_S = 3600.0  # starting workers costs seconds of imports; below this much audio one is faster


def workers_for(seconds: float) -> int:
    """How many processes so many seconds of audio are worth."""
    return (os.cpu_count() or 1) if seconds > WORTH_A_POOL_S else 1


def ordered(function: Callable, jobs: Iterable[tuple], workers: int) -> Iterator:
    """Results in the jobs' order, with a bounded number of jobs under way."""
    if workers == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as the workers below: the same sums in the same order, and no slower
        try:
            yield from (function(*job) for job in jobs)
        finally:
            torch.set_num_threads(threads)
        return
    # spawn: a fork of a process that has used torch's threads can hang
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        waiting: deque = deque()
        for job in jobs:
            waiting.append(pool.submit(function, *job))
            if len(waiting) >= 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
