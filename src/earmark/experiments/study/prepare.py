"""From a plan to jobs: each cell's settings, recordings, features and splits, or the sentence that refuses it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from earmark import config
from earmark.audio import Root
from earmark.config import Settings
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError, nearest
from earmark.experiments import crossval
from earmark.experiments.study import nested
from earmark.experiments.study.jobs import Split, TrainingJob
from earmark.experiments.study.plan import GridCell, StudyPlan
from earmark.experiments.study.splits import by_group, hold_out
from earmark.experiments.study.windowed import LastRows, Windowed
from earmark.tasks import catalog, overrides
from earmark.training import loop

BY_WINDOW = ("frame", "last_rows")  # splits of windows, not of recordings


@dataclass(frozen=True)
class ReadyCell:
    """A cell with its jobs; `refused` says why it has none."""

    cell: GridCell
    settings: Settings | None
    jobs: list[TrainingJob]
    refused: str = ""


class Preparer:
    """Reads recordings and extracts features once for all cells that share them.

    raw: params.yaml as nested dicts.
    """

    def __init__(self, plan: StudyPlan, raw: dict[str, Any], warn: Callable, progress: Callable):
        self.plan = plan
        self.raw = raw
        self.warn = warn
        self.progress = progress
        self.task = catalog.task(plan.task)
        # What every cell asks for again: one reading a source, one store a feature setting, one deal a split.
        self.recordings = cache(self._recordings)
        self.features = cache(self._features)
        self.split = cache(self._split)

    def cells(self) -> list[ReadyCell]:
        """All cells. Raises the first refusal when not one cell can be run."""
        ready = [self.cell(cell) for cell in self.plan.cells]
        if all(r.refused for r in ready):
            raise EarmarkError(ready[0].refused)
        return ready

    def cell(self, cell: GridCell) -> ReadyCell:
        """One cell's jobs, or its refusal."""
        try:
            settings = self.settings(cell)
            loop.pick_device(settings.train.device)
            folds = self.folds(settings.data)
            everything = self.fold_names(settings.data)
            nest, ring = self.plan.nested, self.plan.choose == "nested_ring"
            tests = nested.pairs(folds, everything, ring) if nest else [(fold,) for fold in folds]
            seeds = self.plan.seeds[: 1 if nest else None]
            return ReadyCell(cell, settings, [self.job(cell, settings, test, s) for test in tests for s in seeds])
        except EarmarkError as e:
            return ReadyCell(cell, None, [], str(e))

    def settings(self, cell: GridCell) -> Settings:
        """The settings of params.yaml with the cell's overrides."""
        raw = deepcopy(self.raw)
        overrides.put_all(raw, {f"tasks.{self.plan.task}.{key}": value for key, value in cell.overrides.items()})
        settings = config.parse_task(raw, self.plan.task, f"cell {cell.name}")
        # Random crops are drawn from whole recordings, so they would train on the very windows that are tested.
        by_window = cell.split in BY_WINDOW
        if by_window and self.plan.task != "genre":
            raise EarmarkError(f"cell {cell.name}: split '{cell.split}' is for genre only; leave it out.")
        if cell.split != "group" and hasattr(self.task.room("folds"), "with_trials"):
            raise EarmarkError(
                f"cell {cell.name}: a speaker is never divided between splits; leave split '{cell.split}' out."
            )
        if by_window and getattr(settings.train, "crops", "windows") != "windows":
            raise EarmarkError(f"cell {cell.name}: split '{cell.split}' needs train.crops 'windows'; set it.")
        return settings

    def folds(self, data: DataSettings) -> list[str]:
        """The folds that the study tests on."""
        known, named = self.fold_names(data), self.plan.folds
        for fold in named or ():
            if fold not in known:
                raise EarmarkError(f"There is no fold '{fold}'; {nearest(fold, known)}")
        if self.plan.nested and len(known) < 3:
            raise EarmarkError(f"A nested choice needs three folds, and there are {len(known)}; set choose to none.")
        return named or known

    def fold_names(self, data: DataSettings) -> list[str]:
        """All folds of the recordings."""
        return sorted(self.recordings(data)[0].fold.unique())

    def job(self, cell: GridCell, settings: Settings, test: tuple[str, ...], seed: int) -> TrainingJob:
        """The training of a cell that leaves the folds `test` out."""
        one = replace(settings.train, seed=seed)
        features = self.features(settings.data, settings.features)
        split = self.split(settings.data, test, cell.split)
        return TrainingJob.of(self.plan.task, test, settings.model, one, features, split)

    def _recordings(self, data: DataSettings) -> tuple[pd.DataFrame, Root]:
        return crossval.recordings(self.task, data, self.plan.k, self.warn, self.progress)

    def _features(self, data: DataSettings, features: Any) -> Path:
        table, root = self.recordings(data)
        return crossval.features_of(self.task, table, root, features, self.warn, self.progress, baselines=False)

    def _split(self, data: DataSettings, test: tuple[str, ...], kind: str) -> Split:
        table, folds = self.recordings(data)[0], self.fold_names(data)
        if kind == "group":
            return by_group(self.task, table, test, data)
        held = hold_out(table, test, data, kind)
        if kind == "frame":
            return Split.of(held, Windowed(folds.index(test[0]), len(folds), data.val_share, data.seed))
        return Split.of(held, LastRows(data.val_share, data.seed) if kind == "last_rows" else None)
