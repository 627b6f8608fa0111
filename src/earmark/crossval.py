"""Cross-validation over official or dealt folds: every recording is judged once by a model that never saw its group."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark import folds, manifest, metrics, paths, prepare, tracking
from earmark.config import Settings
from earmark.errors import EarmarkError, nearest
from earmark.folds import Fold
from earmark.settings.data import DataSettings


def recordings(task: str, data: DataSettings, k: int, warn: Callable, progress: Callable) -> tuple[pd.DataFrame, Path]:
    """The usable recordings of the source with their folds, and the audio's root."""
    of, root = folds.of(task), paths.audio_root(data.root)
    table, quarantined = prepare.read(data, root, warn, progress, of.TRUTH)
    if len(quarantined):
        warn(f"{len(quarantined)} recordings cannot be used; the first is {quarantined.path.iloc[0]}.")
    table = with_folds(table, k, data.seed, of.KEY)
    of.check(table, quarantined, root, data, warn)
    return table, root


def with_folds(table: pd.DataFrame, k: int, seed: int, key: str = "group") -> pd.DataFrame:
    """The manifest with a `fold` column: the official one, or groups (speakers where the key is label) in k folds."""
    official = table["split"] if "split" in table else pd.Series("", index=table.index)
    if not set(official) <= {"", *manifest.SPLITS}:
        return table.assign(fold=official)
    return table.assign(fold=[f"fold{i + 1}" for i in manifest.deal(table, key, k, seed)])


def features_of(
    task: str, table: pd.DataFrame, root: Path, settings: Any, cache: Path, warn: Callable, progress: Callable
) -> Path:
    """A folder with the feature store of a manifest, extracted once for each manifest and settings of features."""
    parts = [manifest.digest(table), list(table.path), asdict(settings)]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    if not (cache / key / "store.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            folds.of(task).extract(table, root, settings, Path(beside) / key, warn, progress)
            (Path(beside) / key).rename(cache / key)
    return cache / key


def run(
    task: str, table: pd.DataFrame, features: Path, settings: Settings, some: list[str] | None = None
) -> Iterator[tuple[Any, Fold]]:
    """Train and judge fold by fold; `table` has `fold`, and `features` is a folder of `features_of` for its rows.

    Yields each fold's material, in the task's own form, and its outcome.
    """
    known = sorted(table.fold.unique())
    for fold in some or known:
        if fold not in known:
            raise EarmarkError(f"There is no fold '{fold}'; {nearest(fold, known)}")
    for fold in some or known:
        split = manifest.split_fold(table, fold, settings.data, folds.of(task).KEY)
        material = folds.of(task).gather(split, features, settings)
        yield material, folds.of(task).one(material, fold, features, settings)


def pooled(task: str, some: list[Fold], settings: Settings) -> dict:
    """The figures over several folds; intervals by bootstrap over groups."""
    found = folds.of(task).figures(some, settings.evaluate)
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


def recipe(settings: Settings) -> dict[str, dict]:
    """What makes a model out of recordings, as plain JSON: features, model and train settings."""
    parts = {"features": settings.features, "model": settings.model, "train": settings.train}
    return json.loads(json.dumps({name: asdict(part) for name, part in parts.items()}))


class Report:
    """Collects the folds of one cross-validation, each as a nested run, and ends in files and a parent run."""

    def __init__(self, task: str, settings: Settings, out: Path, tracker: tracking.Tracker, run_id: str):
        self.task, self.settings, self.out, self.of = task, settings, out, folds.of(task)
        self.tracker, self.run_id, self.folds, self.data_sha256 = tracker, run_id, [], ""

    @classmethod
    def start(cls, task: str, settings: Settings, params: dict[str, str], out: Path) -> "Report":
        """Open the parent run; an unreachable store is said before any work is done."""
        tracker = tracking.connect(task)
        run_id = tracker.create(f"crossval-{task}", tracking.run_tags("crossval", {}), params)
        return cls(task, settings, out, tracker, run_id)

    def add(self, material: Any, fold: Fold) -> str:
        """Log a fold as a nested run; a sentence about it."""
        self.folds.append(fold)
        self.data_sha256 = manifest.digest(material.table)
        tags = tracking.run_tags("fold", self.of.hashes(material, self.settings.model, self.settings.train))
        tags |= {"mlflow.parentRunId": self.run_id, "earmark.fold": fold.name}
        run_id = self.tracker.create(f"crossval-{self.task}-{fold.name}", tags, {"fold": fold.name})
        self.tracker.log_missing(run_id, fold.history)
        found = pooled(self.task, [fold], self.settings)
        self.tracker.log(run_id, _numbers(found))
        self.tracker.client.set_terminated(run_id, "FINISHED")
        said = [f"{word} {found[name]:.3f}" for name, word in self.of.SAID.items() if name in found]
        return f"{fold.name}: {', '.join(said)}"

    def finish(self) -> dict:
        """Pooled figures, predictions and pictures below `out` and in the parent run.

        metrics.json says by which recipe and on which recordings, so that a release can hold itself to it.
        """
        found = pooled(self.task, self.folds, self.settings)
        found |= {"data_sha256": self.data_sha256, "folds": sorted(f.name for f in self.folds)}
        predictions = pd.concat([f.predictions for f in self.folds], ignore_index=True)
        self.of.write(self.out, predictions, found | {"recipe": recipe(self.settings)})
        files = [self.out / "metrics.json", self.out / "predictions.parquet", *self.of.pictures(self.out, self.folds)]
        self.tracker.log(self.run_id, _numbers(found))
        for file in files:
            self.tracker.client.log_artifact(self.run_id, str(file))
        self.tracker.client.set_terminated(self.run_id, "FINISHED")
        return found


def _numbers(found: dict) -> dict[str, float]:
    return {f"test/{k}": v for k, v in found.items() if isinstance(v, int | float)}


def random_split(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same labels and split sizes with recordings dealt at random, groups ignored: what leaks."""
    rng = np.random.default_rng(seed)
    shuffled = table.copy()
    classes = table if "label" in table else table.assign(label="")
    for _, rows in classes.groupby("label").groups.items():
        shuffled.loc[rows, "split"] = rng.permutation(table.loc[rows, "split"].to_numpy())
    return shuffled
