"""On which recordings a setting is tried: folds that choose, and a fold that judges what was chosen.

The pipeline's test split has no part in it, unless the file says so. Of the other recordings' folds one is outer: it
judges the setting that was chosen, and no trial sees it. A trial is a training for each inner fold, on all recordings
but that fold's and the outer one's, of which a share validates; its figure is the mean of the inner folds'.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from earmark import config, paths
from earmark.audio import Root
from earmark.config import Settings
from earmark.data import dealt, record
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.experiments import crossval
from earmark.experiments.study.jobs import Split, TrainingJob
from earmark.experiments.study.splits import by_group
from earmark.experiments.tuning.plan import TuningPlan
from earmark.tasks import catalog, overrides
from earmark.training.key import flatten

LEAST = 3  # folds: one judges, one chooses, one is learnt from


class Ground:
    """Recordings, folds and jobs of a plan.

    raw: params.yaml as nested dicts. known: recordings that another process has read already, by their settings.
    """

    def __init__(
        self,
        plan: TuningPlan,
        raw: dict[str, Any],
        warn: Callable[[str], None],
        progress: Callable,
        known: Mapping[DataSettings, tuple[pd.DataFrame, Root]] | None = None,
    ):
        self.plan = plan
        self.raw = raw
        self.warn = warn
        self.progress = progress
        self.known = known or {}
        self.task = catalog.task(plan.task)
        self.recordings = cache(self._recordings)
        self.features = cache(self._features)
        self.split = cache(self._split)

    def settings(self, more: Mapping[str, Any] | None = None) -> Settings:
        """The settings of params.yaml with the plan's base and more overrides. Raises EarmarkError where a setting's
        own check refuses them."""
        raw = deepcopy(self.raw)
        for layer in (self.plan.base, more or {}):
            overrides.put_all(raw, {f"tasks.{self.plan.task}.{key}": value for key, value in layer.items()})
        return config.parse_task(raw, self.plan.task)

    def outers(self) -> list[str]:
        """The outer folds of the study. Raises EarmarkError where there are too few folds to choose by."""
        names = self._names()
        if len(names) < LEAST:
            raise EarmarkError(
                f"Tuning needs {LEAST} folds, one each to test, to choose and to train on, but there are "
                f"{len(names)}; add recordings of other groups, or raise k."
            )
        return names if self.plan.outer == "all" else names[:1]

    def inners(self, outer: str) -> list[str]:
        """The folds that choose for an outer one: the next ones, in turn."""
        names = self._names()
        after = names.index(outer) + 1
        others = (names[after:] + names[:after])[:-1]
        return others[: min(self.plan.inner, len(names) - 2)]

    def inner_job(self, settings: Settings, outer: str, inner: str, seed: int | None = None) -> TrainingJob:
        """The training of a setting that is tested on an inner fold; nobody sees the outer one."""
        return self._job(settings, (inner,), outer, seed)

    def outer_job(self, settings: Settings, outer: str, seed: int) -> TrainingJob:
        """The training of a setting on everything but the outer fold, which it is tested on."""
        return self._job(settings, (outer,), "", seed)

    def digest(self) -> str:
        """Hash of the recordings and their folds."""
        table = self.recordings(self.settings().data)[0]
        return Split.of(table.assign(split="")).sha256

    def _job(self, settings: Settings, test: tuple[str, ...], without: str, seed: int | None) -> TrainingJob:
        train = settings.train if seed is None else replace(settings.train, seed=seed)
        features = self.features(settings.data, settings.features)
        split = self.split(settings.data, test, without)
        return TrainingJob.of(self.plan.task, test, settings.model, train, features, split)

    def _names(self) -> list[str]:
        return sorted(self.recordings(self.settings().data)[0].fold.unique())

    def _recordings(self, data: DataSettings) -> tuple[pd.DataFrame, Root]:
        if data in self.known:
            return self.known[data]
        keep = self._not_tested if self.plan.recordings == "training" else lambda table: table
        return crossval.recordings(self.task, data, self.plan.k, self.warn, self.progress, keep)

    def _not_tested(self, table: pd.DataFrame) -> pd.DataFrame:
        """The recordings that the pipeline does not test on."""
        data, key = self.settings().data, self.task.room("corpora").CORPORA.key
        before = record.find(Path("splits") / f"{self.plan.task}.csv", paths.main_repository())
        before = record.NOTHING if data.source == "demo" else before
        split = dealt.assign(table, data, key, before)[0]["split"]
        return table[split != "test"].reset_index(drop=True)

    def _features(self, data: DataSettings, features: Any) -> Path:
        table, root = self.recordings(data)
        return crossval.features_of(self.task, table, root, features, self.warn, self.progress, baselines=False)

    def _split(self, data: DataSettings, test: tuple[str, ...], without: str) -> Split:
        table = self.recordings(data)[0]
        return by_group(self.task, table[table.fold != without].reset_index(drop=True), test, data)


def deciding(raw: Any, task: str) -> dict[str, str]:
    """The settings of params.yaml that decide a training of a task, by dotted key; raw: the file as nested dicts."""
    return _deciding(config.parse_task(raw, task))


def _deciding(settings: Any) -> dict[str, str]:
    blocks = ("data.", "features.", "model.", "train.")
    return {key: value for key, value in flatten(asdict(settings)).items() if key.startswith(blocks)}


def outside(ground: Ground) -> dict[str, str]:
    """Those of a plan that no trial changes."""
    drawn = {key for p in ground.plan.space.parameters for key in p.sets_keys()}
    blocks = tuple(key.removesuffix("name") for key in drawn if key.endswith(".name"))  # whose kind is drawn
    found = _deciding(ground.settings())
    return {k: v for k, v in found.items() if k not in drawn and not (blocks and k.startswith(blocks))}
