"""Cross-validation over official or dealt folds: every recording is judged once by a model that never saw its group."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import evaluate, manifest, metrics, paths, prepare, report, tracking, training
from earmark.config import GenreSettings
from earmark.errors import EarmarkError, nearest
from earmark.features import extract
from earmark.features import store as feature_store
from earmark.material import Material, gather


@dataclass(frozen=True)
class Fold:
    """One fold's outcome; `baseline` are its probabilities (recordings, classes)."""

    name: str
    predictions: pd.DataFrame
    baseline: np.ndarray
    history: list[dict]
    best_epoch: int


def recordings(settings: GenreSettings, k: int, warn: Callable, progress: Callable) -> tuple[pd.DataFrame, Path]:
    """The usable recordings of the source with their folds, and the audio's root."""
    root = paths.audio_root(settings.data.root)
    table, quarantined = prepare.read(settings.data, root, warn, progress)
    if len(quarantined):
        warn(f"{len(quarantined)} recordings cannot be used; the first is {quarantined.path.iloc[0]}.")
    table = with_folds(table, k, settings.data.seed)
    for sentence in manifest.lacking(table, "fold"):
        warn(sentence)
    return table, root


def with_folds(table: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """The manifest with a `fold` column: the official one, or groups dealt into k folds."""
    official = table["split"] if "split" in table else pd.Series("", index=table.index)
    if not set(official) <= {"", *manifest.SPLITS}:
        return table.assign(fold=official)
    return table.assign(fold=[f"fold{i + 1}" for i in manifest.deal(table, "group", k, seed)])


def features_of(
    table: pd.DataFrame, root: Path, settings: GenreSettings, cache: Path, warn: Callable, progress: Callable
) -> Path:
    """A folder with the feature store of a manifest, extracted once for each manifest and settings."""
    parts = [manifest.digest(table), list(table.path), settings.features.plain()]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    if not (cache / key / "store.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            extract.run(table, root, settings.features, Path(beside) / key, warn, progress)
            (Path(beside) / key).rename(cache / key)
    return cache / key


def run(
    task: str, table: pd.DataFrame, features: Path, settings: GenreSettings, folds: list[str] | None = None
) -> Iterator[tuple[Material, Fold]]:
    """Train and judge fold by fold; `table` has `fold`, and `features` holds the store and statistics of its rows."""
    known = sorted(table.fold.unique())
    for fold in folds or known:
        if fold not in known:
            raise EarmarkError(f"There is no fold '{fold}'; {nearest(fold, known)}")
    store, statistics = feature_store.load(features), np.load(features / "statistics.npy")
    for fold in folds or known:
        split = manifest.split_fold(table, fold, settings.data, "group")
        material = gather(task, split, store)
        yield material, one(material, fold, statistics, settings)


def one(material: Material, name: str, statistics: np.ndarray, settings: GenreSettings) -> Fold:
    """Train on a material's train split and judge its test split."""
    fitted, fit = training.run(material, settings.model, settings.train, out=None)
    test = material.rows("test")
    known = np.sort(np.concatenate([material.rows("train"), material.rows("val")]))
    predictions = evaluate.predict(material, fitted.model, fitted.data, test).assign(fold=name)
    return Fold(
        name,
        predictions,
        evaluate.baseline(material, statistics, known, test),
        fit.history,
        int(fit.best_epoch),
    )


def pooled(folds: list[Fold], classes: list[str], settings: GenreSettings) -> tuple[pd.DataFrame, dict]:
    """All folds' predictions and the figures over them; intervals by bootstrap over groups."""
    predictions = pd.concat([f.predictions for f in folds], ignore_index=True)
    baseline = np.concatenate([f.baseline for f in folds])
    found = evaluate.figures(predictions, baseline, classes, settings.evaluate)
    found["best_epoch_mean"] = float(np.mean([f.best_epoch for f in folds]))
    return predictions, found | speed(folds)


def speed(folds: list[Fold]) -> dict[str, float]:
    """How fast a setting learns: mean epochs until validation accuracy reached .6, and 99 % of its maximum.

    A fold that never came to .6 counts as all its epochs; without validation recordings there is nothing to say.
    """
    judged = [f.history for f in folds if "val/accuracy" in f.history[0]]
    if not judged:
        return {}
    sixty = [min(metrics.epochs_to(h), len(h)) for h in judged]
    nearly = [metrics.epochs_to(h, 0.99 * max(row["val/accuracy"] for row in h)) for h in judged]
    return {
        "epochs_to_60_percent_mean": float(np.mean(sixty)),
        "epochs_to_99_percent_mean": float(np.mean(nearly)),
    }


def recipe(settings: GenreSettings) -> dict[str, dict]:
    """What makes a model out of recordings, as plain JSON: features, model and train settings."""
    parts = {"features": settings.features, "model": settings.model, "train": settings.train}
    return json.loads(json.dumps({name: asdict(part) for name, part in parts.items()}))


class Report:
    """Collects the folds of one cross-validation, each as a nested run, and ends in files and a parent run."""

    def __init__(self, task: str, settings: GenreSettings, out: Path, tracker: tracking.Tracker, run_id: str):
        self.task, self.settings, self.out = task, settings, out
        self.tracker, self.run_id, self.folds, self.classes = tracker, run_id, [], []
        self.data_sha256 = ""

    @classmethod
    def start(cls, task: str, settings: GenreSettings, params: dict[str, str], out: Path) -> "Report":
        """Open the parent run; an unreachable store is said before any work is done."""
        tracker = tracking.connect(task)
        run_id = tracker.create(f"crossval-{task}", tracking.run_tags("crossval", {}), params)
        return cls(task, settings, out, tracker, run_id)

    def add(self, material: Material, fold: Fold) -> str:
        """Log a fold as a nested run; a sentence about it."""
        self.folds.append(fold)
        self.classes, self.data_sha256 = material.classes, manifest.digest(material.table)
        tags = tracking.run_tags("fold", training.hashes(material, self.settings.model, self.settings.train))
        tags |= {"mlflow.parentRunId": self.run_id, "earmark.fold": fold.name}
        run_id = self.tracker.create(f"crossval-{self.task}-{fold.name}", tags, {"fold": fold.name})
        self.tracker.log_missing(run_id, fold.history)
        _, found = pooled([fold], self.classes, self.settings)
        self.tracker.log(run_id, _numbers(found))
        self.tracker.client.set_terminated(run_id, "FINISHED")
        return f"{fold.name}: accuracy {found['accuracy']:.3f}, baseline {found['baseline_accuracy']:.3f}"

    def finish(self) -> dict:
        """Pooled figures, predictions and pictures below `out` and in the parent run.

        metrics.json says by which recipe and on which recordings, so that a release can hold itself to it.
        """
        predictions, found = pooled(self.folds, self.classes, self.settings)
        found |= {"data_sha256": self.data_sha256, "folds": sorted(f.name for f in self.folds)}
        evaluate.write(self.out, predictions, found | {"recipe": recipe(self.settings)})
        report.confusion(self.out / "confusion.png", predictions, self.classes)
        report.reliability(self.out / "reliability.png", predictions)
        self.tracker.log(self.run_id, _numbers(found))
        for name in ("metrics.json", "predictions.parquet", "confusion.png", "reliability.png"):
            self.tracker.client.log_artifact(self.run_id, str(self.out / name))
        self.tracker.client.set_terminated(self.run_id, "FINISHED")
        return found


def _numbers(found: dict) -> dict[str, float]:
    return {f"test/{k}": v for k, v in found.items() if isinstance(v, int | float)}


def random_split(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same labels and split sizes with recordings dealt at random, groups ignored: what leaks."""
    rng = np.random.default_rng(seed)
    shuffled = table.copy()
    for _, rows in table.groupby("label").groups.items():
        shuffled.loc[rows, "split"] = rng.permutation(table.loc[rows, "split"].to_numpy())
    return shuffled
