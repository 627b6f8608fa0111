"""One fold's outcome, of whichever task, who watches its training, and the clock that times it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd


@dataclass(frozen=True)
class Fold:
    """One fold's outcome; `judged` is what the task's figures need beside the predictions."""

    name: str
    predictions: pd.DataFrame
    judged: Any
    history: list[dict]
    best_epoch: int


class TrainingHooks(NamedTuple):
    """What the training loop (`training.loop.fit`) is told of a training that is watched: what goes on may be ended."""

    checkpoint: Path | None = None
    on_start: Callable | None = None
    on_epoch: Callable | None = None


UNWATCHED = TrainingHooks()


class Clock:
    """Runs from the moment it is made."""

    def __init__(self):
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def seconds(self) -> dict[str, float]:
        """CPU seconds of this process, and seconds on the wall."""
        return {"cpu_seconds": time.process_time() - self.cpu, "wall_seconds": time.perf_counter() - self.wall}
