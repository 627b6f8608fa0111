"""One fold's outcome, of whichever task, and the clock that times its training."""

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Fold:
    """One fold's outcome; `judged` is what the task's figures need beside the predictions."""

    name: str
    predictions: pd.DataFrame
    judged: Any
    history: list[dict]
    best_epoch: int


class Clock:
    """Runs from the moment it is made."""

    def __init__(self):
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def seconds(self) -> dict[str, float]:
        """CPU seconds of this process, and seconds on the wall."""
        return {"cpu_seconds": time.process_time() - self.cpu, "wall_seconds": time.perf_counter() - self.wall}
