"""Work on several recordings at once, each on one thread of torch, in the order of the jobs."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from earmark.features import heap

CORES = "EARMARK_CORES"  # a process's share of the machine, where several work side by side
AHEAD = 4  # jobs that are under way or done for every worker, until somebody asks for them
WORTH_THREADS = 10  # recordings; threads cost nothing to start
WORTH_PROCESSES_S = 3600.0  # starting processes costs seconds of imports, and they never wait for each other


def workers_for(seconds: float, recordings: int = 0) -> int:
    """How many workers so many seconds of audio are worth, or so many recordings whose work can be left to threads."""
    return cores() if seconds > WORTH_PROCESSES_S or recordings >= WORTH_THREADS else 1


def cores() -> int:
    """The cores that this process may use: those that it was told of, else those that the system lets it have."""
    if told := os.environ.get(CORES):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_ordered(function: Callable, jobs: Iterable[tuple], workers: int, seconds: float = math.inf) -> Iterator:
    """Results in the jobs' order, with a bounded number of jobs under way.

    seconds: of audio in all; so few of them that processes are not worth it are left to threads.
    """
    heap.keep()
    if workers == 1:
        with one_thread():
            yield from (function(*job) for job in jobs)
        return
    with _processes(workers) if seconds > WORTH_PROCESSES_S else _threads(workers) as pool:
        waiting: deque = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(function, *job))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    # spawn: a fork of a process that has used torch's threads can hang
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        yield pool


def _begin() -> None:
    """What a process of the pool does first."""
    import torch

    heap.keep()
    torch.set_num_threads(1)


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    import torch

    with one_thread(), ThreadPoolExecutor(workers, "recordings", torch.set_num_threads, (1,)) as pool:
        yield pool


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes by one thread: the same sums in the same order wherever a job runs, and no slower."""
    import torch  # what counts cores alone does without

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
