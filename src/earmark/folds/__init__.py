"""What cross-validations, studies and releases ask of a task: `folds.genre`, `folds.chord`, `folds.speaker`.

Each module has TRUTH (what prepare.read needs to know of a recording), KEY (the manifest's column whose values stay in
one fold), SAID (figures of a fold for people), `check` (of the dealt recordings), `extract` (the feature store of a
manifest), `gather`, `hashes`, `one` (train on a split, judge its test part), `figures`, `write` and `pictures`.
"""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
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


def of(task: str) -> ModuleType:
    """The module of a task."""
    return import_module(f"earmark.folds.{task}")
