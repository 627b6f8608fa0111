"""Frames of one recording in a file of their own, on their way from whoever computes them into the store.

A recording of hours then passes from a worker to the store without being in memory as a whole.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

ROWS = 4096  # that are read at once


def write(part: Path, blocks: Iterable[np.ndarray], dtype: str) -> Path:
    """Put blocks of rows (n, width) into a new file, as a type."""
    with part.open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).tobytes())
    return part


def take_rows(part: Path, width: int, dtype: str) -> Iterator[np.ndarray]:
    """Its rows in blocks (n, width); then the file goes."""
    with part.open("rb") as file:
        while data := file.read(ROWS * width * np.dtype(dtype).itemsize):
            yield np.frombuffer(data, dtype).reshape(-1, width)
    part.unlink()
