"""Several recordings at a time, each on one thread: beside other work two threads on one wait for each other."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def in_order(function: Callable[[A], B], items: Iterable[A], workers: int) -> Iterator[B]:
    """What the function says of each item, in the items' order, by so many threads, which may be as many items ahead.

    Meanwhile torch has one thread for each. A single item is worked on without a pool.
    """
    import torch  # by now loaded, or seconds away from being so

    threads, coming = torch.get_num_threads(), iter(items)
    torch.set_num_threads(1)
    try:
        first = list(islice(coming, 2))
        if len(first) < 2:
            yield from map(function, first)
            return
        with ThreadPoolExecutor(workers) as pool:
            waiting: deque[Future[B]] = deque(pool.submit(function, item) for item in first)
            try:
                for item in coming:
                    while len(waiting) >= 2 * workers:
                        yield waiting.popleft().result()
                    waiting.append(pool.submit(function, item))
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        torch.set_num_threads(threads)
