"""What cross-validations, studies and releases ask of a task: `folds.genre`, `folds.chord`, and which tasks answer.

Each module has TRUTH (what prepare.read needs to know of a recording), SAID (figures of a fold for people), `extract`
(the feature store of a manifest), `gather`, `hashes`, `one` (train on a split, judge its test part), `figures`,
`write` and `pictures`.
"""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd

from earmark.errors import EarmarkError

TASKS = ("genre", "chord")


@dataclass(frozen=True)
class Fold:
    """One fold's outcome; `judged` is what the task's figures need beside the predictions."""

    name: str
    predictions: pd.DataFrame
    judged: Any
    history: list[dict]
    best_epoch: int


def of(task: str) -> ModuleType:
    """The module of a task. Raises EarmarkError for a task that has none."""
    if task not in TASKS:
        raise EarmarkError(
            f"Folds, studies and releases work for the tasks {' and '.join(TASKS)}; {task} has none of them yet."
        )
    return import_module(f"earmark.folds.{task}")
