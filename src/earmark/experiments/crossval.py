"""Cross-validation over official or dealt folds: every recording is judged once by a model that never saw its group."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from filelock import FileLock

from earmark import audio, paths
from earmark.audio import Root
from earmark.config import Settings
from earmark.data import manifest, splits
from earmark.data.reading import read
from earmark.data.settings import DataSettings
from earmark.data.walking import counted
from earmark.errors import EarmarkError, nearest
from earmark.evaluation import metrics
from earmark.evaluation.fold import Fold
from earmark.features import cache
from earmark.registry import stale, tracking
from earmark.tasks.task import Task
from earmark.training.key import recipe


def check_k(k: int) -> None:
    """Raise EarmarkError for a number of folds with which nothing would be trained on."""
    if k < 2:
        raise EarmarkError(f"--k is {k}, but must be at least 2: each fold is tested by a model trained on the others.")


def recordings(
    task: Task,
    data: DataSettings,
    k: int,
    warn: Callable,
    progress: Callable,
    keep: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
) -> tuple[pd.DataFrame, Root]:
    """The usable recordings of the source with their folds, and the audio's root. keep: those that are used."""
    check_k(k)
    corpora, root = task.room("corpora").CORPORA, paths.audio_root(data.root)
    table, quarantined = read(corpora, data, root, warn, progress)
    if len(quarantined):
        n, first = counted(len(quarantined), "recording"), quarantined.iloc[0]
        warn(f"{n} cannot be used; the first is {first.path}: {first.reason}.")
    table = keep(table)
    table = splits.with_folds(table, k, data.seed, corpora.key)
    if len(folds := set(table.fold)) < k and folds <= {f"fold{i + 1}" for i in range(k)}:
        warn(
            f"{k} folds were asked for, but only {len(folds)} can be made: no class has more {corpora.key}s than that."
        )
    task.room("folds").check(table, quarantined, root, data, warn)
    return table, audio.folder(root, data.channels)


def features_of(
    task: Task,
    table: pd.DataFrame,
    root: Root,
    settings: Any,
    warn: Callable,
    progress: Callable,
    baselines: bool = True,
) -> Path:
    """A folder with the feature store of a manifest, extracted once for each manifest and settings of features.

    Settings whose frames are the same (a task's `folds.frames_of` says so) share what was extracted. baselines: whether
    what they read lies beside it.
    """
    folds, place = task.room("folds"), paths.state() / "features"
    frames = getattr(folds, "frames_of", lambda s, _: s)(settings, table)
    extract = lambda out: folds.extract(table, root, frames, out, warn, progress)  # noqa: E731
    found = cache.features_of(extract, table, frames, place)
    if baselines and hasattr(folds, "beside"):
        with FileLock(place / f"{found.name}.lock"):  # as of the store
            folds.beside(table, root, frames, found, progress)
    return found if frames == settings else cache.seen_with(found, settings)


def run(
    task: Task, table: pd.DataFrame, features: Path, settings: Settings, some: list[str] | None = None
) -> Iterator[tuple[Any, Fold]]:
    """Train and judge fold by fold; `table` has `fold`, and `features` is a folder of `features_of` for its rows.

    Yields each fold's dataset, in the task's own form, and its outcome.
    """
    known = sorted(table.fold.unique())
    folds = task.room("folds")
    key = task.room("corpora").CORPORA.key
    for fold in some or known:
        if fold not in known:
            raise EarmarkError(f"There is no fold '{fold}'; {nearest(fold, known)}")
    for fold in some or known:
        split = splits.split_fold(table, fold, settings.data, key)
        dataset = folds.gather(split, features, settings)
        yield dataset, folds.train_and_test(dataset, fold, features, settings)


def pooled_figures(task: Task, some: list[Fold], settings: Settings) -> dict:
    """The figures over several folds; intervals over groups."""
    found = task.room("folds").figures(some, settings.evaluate)
    return found | {"best_epoch_mean": float(np.mean([f.best_epoch for f in some]))} | speed(some)


def speed(some: list[Fold]) -> dict[str, float]:
    """How fast a setting learns: mean epochs until validation accuracy reached .6, and 99 % of its maximum.

    A fold that never came to .6 counts as all its epochs; without validation recordings there is nothing to say.
    """
    judged = [f.history for f in some if "val/accuracy" in f.history[0]]
    if not judged:
        return {}
    sixty = [min(metrics.epochs_to(h), len(h)) for h in judged]
    nearly = [metrics.epochs_to(h, 0.99 * max(row["val/accuracy"] for row in h)) for h in judged]
    return {
        "epochs_to_60_percent_mean": float(np.mean(sixty)),
        "epochs_to_99_percent_mean": float(np.mean(nearly)),
    }


class CrossvalReport:
    """Collects the folds of one cross-validation, each as a nested run, and ends in files and a parent run."""

    def __init__(self, task: Task, settings: Settings, out: Path, tracker: tracking.Tracker, run_id: str):
        self.task = task
        self.settings = settings
        self.out = out
        self.of = task.room("folds")
        self.tracker = tracker
        self.run_id = run_id
        self.folds = []
        self.data_sha256 = ""

    @classmethod
    def start(cls, task: Task, settings: Settings, params: dict[str, str], out: Path) -> "CrossvalReport":
        """Open the parent run; an unreachable store is said before any work is done."""
        tracker = tracking.connect(task.name)
        run_id = tracker.create(f"crossval-{task.name}", tracking.run_tags("crossval", {}), params)
        return cls(task, settings, out, tracker, run_id)

    def add(self, dataset: Any, fold: Fold) -> str:
        """Log a fold as a nested run; a sentence about it."""
        self.folds.append(fold)
        self.data_sha256 = manifest.digest(dataset.table)
        tags = tracking.run_tags("fold", self.of.hashes(dataset, self.settings.model, self.settings.train))
        tags |= {"mlflow.parentRunId": self.run_id, "earmark.fold": fold.name}
        run_id = self.tracker.create(f"crossval-{self.task.name}-{fold.name}", tags, {"fold": fold.name})
        with stale.ending(self.tracker.client, run_id):
            self.tracker.log_missing(run_id, fold.history)
            found = pooled_figures(self.task, [fold], self.settings)
            self.tracker.log(run_id, _numbers(found))
        said = [f"{word} {found[name]:.3f}" for name, word in self.of.SAID.items() if name in found]
        return f"{fold.name}: {', '.join(said)}"

    def finish(self) -> dict:
        """Pooled figures, predictions and pictures below `out` and in the parent run.

        metrics.json says by which recipe and on which recordings, so that a release can hold itself to it.
        """
        found = pooled_figures(self.task, self.folds, self.settings)
        found |= {"data_sha256": self.data_sha256, "folds": sorted(f.name for f in self.folds)}
        predictions = pd.concat([f.predictions for f in self.folds], ignore_index=True)
        self.of.write(self.out, predictions, found | {"recipe": recipe(self.settings)})
        files = [self.out / "metrics.json", self.out / "predictions.parquet", *self.of.pictures(self.out, self.folds)]
        self.tracker.log(self.run_id, _numbers(found))
        for file in files:
            self.tracker.client.log_artifact(self.run_id, str(file))
        self.tracker.client.set_terminated(self.run_id, "FINISHED")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        """End the parent run where something breaks the cross-validation off."""
        if error:
            stale.break_off(self.tracker.client, self.run_id, error)


def _numbers(found: dict) -> dict[str, float]:
    return {f"test/{k}": v for k, v in found.items() if isinstance(v, int | float)}
