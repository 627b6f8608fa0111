"""A trained model and its evaluation in MLflow: their run, found or made of files, and the registered version."""

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Run
from mlflow.entities.model_registry import ModelVersion

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.evaluation import metrics
from earmark.registry import cards, tracking, versions
from earmark.registry.published import Published
from earmark.registry.tracking import Tracker
from earmark.tasks.task import Task
from earmark.training import model_files

WEIGHTS = "model.safetensors"
DATA = ("summary.csv", "clip_lengths.csv", "manifest.csv")
REPORTS = ("metrics.json", "predictions.parquet", "outcomes.parquet", "listening.html", "plots")
DIGEST = 36  # characters that MLflow takes of a dataset's hash
DVC = "earmark.dvc"  # a version's tag: DVC's hashes of its files, by path


def training_run(tracker: Tracker, one: Published) -> tuple[str, list[str]]:
    """The finished run of the model, made of its files where this store has none: its id, and what was done."""
    config, key = one.config, one.config.hashes["train_key"]
    found = tracker.find(one.identity, ("FINISHED",))
    if found:
        run_id, said = found[0].info.run_id, []
    else:
        tags = tracking.run_tags("pipeline", config.hashes) | {"earmark.rebuilt": "true"} | dict(one.facts)
        run_id = tracker.create(tracking.run_name(config.task, key), tags, one.params)
        said = ["This tracking store had no run of this model: one was made from models/*/history.csv."]
    tracker.log_missing(run_id, model_files.read_history(one.model))
    if not found:
        tracker.tag(run_id, **model_files.identity(one.model))
        tracker.client.set_terminated(run_id, "FINISHED")
    _log_files(tracker, run_id, one)
    _log_inputs(tracker, run_id, one)
    return run_id, said


def _log_files(tracker: Tracker, run_id: str, one: Published) -> None:
    """The model's files but its weights, which a version has, and facts about its data; once."""
    logged = "earmark.files" in tracker.client.get_run(run_id).data.tags
    # The manifest is asked for, too, because earlier releases did not log it; the train key says that it is the same.
    if logged and all(_has(tracker, run_id, file) for file in ("config.json", "data/manifest.csv")):
        return
    for path in sorted(p for p in one.model.iterdir() if p.name != WEIGHTS):
        tracker.client.log_artifact(run_id, str(path))
    for name in DATA:
        tracker.client.log_artifact(run_id, str(one.data / name), "data")
    epochs = metrics.epochs_to(model_files.read_history(one.model))
    tracker.log(run_id, {"val/epochs_to_60_percent": epochs} if math.isfinite(epochs) else {})
    tracker.tag(run_id, files="logged")


def _log_inputs(tracker: Tracker, run_id: str, one: Published) -> None:
    """The recordings of each split as the run's datasets, once: how many there are, and the hash that tells them."""
    had = tracker.client.get_run(run_id).inputs
    if had and had.dataset_inputs:
        return
    try:
        table = manifest.load(one.data / "manifest.csv")
        parts = {split: table[table["split"] == split] for split in ("train", "val", "test")}
    except (EarmarkError, KeyError, ValueError):  # missing, or as another release writes it
        return
    source = json.dumps(
        {"uri": f"data/{one.config.task}/manifest.csv"}
    )  # as in the run's artifacts; nobody's own folders
    tracker.client.log_inputs(
        run_id,
        [
            DatasetInput(
                Dataset(_set(one, split), manifest.digest(part)[:DIGEST], "local", source, None, _profile(part)),
                [InputTag("mlflow.data.context", split)],
            )
            for split, part in parts.items()
            if len(part)
        ],
    )


def _set(one: Published, split: str) -> str:
    return f"{one.config.task}-{split}"


def _profile(part: pd.DataFrame) -> str:
    minutes = round(float(part.duration_s.sum()) / 60, 1)
    return json.dumps({"recordings": len(part), "groups": int(part.group.nunique()), "minutes": minutes})


def log_evaluation(tracker: Tracker, run_id: str, one: Published, model_id: str | None = None) -> bool:
    """Log figures and files under the hash of metrics.json; a later, different evaluation stands beside the first.

    model_id: of the logged model, whose page then has the figures, too.
    """
    sha, found = one.evaluation_sha256, one.figures
    run = tracker.client.get_run(run_id)
    tags = run.data.tags
    if f"earmark.evaluation.{sha[:8]}" in tags:
        if not _has(tracker, run_id, f"evaluation/{sha[:8]}/metrics.json"):
            _log_reports(tracker, run_id, one.reports, sha)
        return False
    if _has_figures(run, found):
        return False
    first = not any(k.startswith("earmark.evaluation.") for k in tags)
    prefix = "test" if first else f"test-{sha[:8]}"
    of = {"model_id": model_id, "dataset_name": _set(one, "test")}
    of["dataset_digest"] = found["test_manifest_sha256"][:DIGEST]
    tracker.log(run_id, tracking.numbers(prefix, found), of=of)
    _log_reports(tracker, run_id, one.reports, sha)
    tracker.client.set_tag(run_id, f"earmark.evaluation.{sha[:8]}", found["test_manifest_sha256"])
    return True


def _has_figures(run: Run, found: dict[str, Any]) -> str | None:
    """Under which first digits of its hash a run has these very figures of these recordings, if it has.

    Earlier releases wrote the file in another order.
    """
    test, had = found["test_manifest_sha256"], run.data.metrics
    shas = [k[-8:] for k, v in run.data.tags.items() if k.startswith("earmark.evaluation.") and v == test]
    apart = {name.partition("/")[0] for name in had}
    for sha in shas:
        prefix = f"test-{sha}" if f"test-{sha}" in apart else "test"
        if tracking.numbers(prefix, found).items() <= had.items():
            return sha
    return None


def describe(tracker: Tracker, task: Task, run_id: str, one: Published) -> None:
    """Say on the run's page what it is and how good, and beside its first figures, in tables, the best baseline's."""
    run = tracker.client.get_run(run_id)
    found = one.figures
    name = task.headline
    sha = one.evaluation_sha256[:8]
    if f"earmark.evaluation.{sha}" not in run.data.tags:
        sha = _has_figures(run, found) or sha
    tags = {}
    if run.data.metrics.get(f"test/{name}") == found[name]:
        low, high = found[f"{name}_ci95"]
        tags["earmark.interval"] = f"{low:.3f} to {high:.3f}"
        there = [key for key in task.baselines if key in found]
        best = (min if task.lower_is_better else max)(there, key=lambda key: found[key], default=None)
        tags |= {"earmark.baseline": f"{found[best]:.3f} {task.baselines[best]}"} if best else {}
    cards.describe_run(tracker, task, run, one, f"evaluation/{sha}", tags)


def _log_reports(tracker: Tracker, run_id: str, reports: Path, sha: str) -> None:
    for name in REPORTS:
        if not (reports / name).exists():  # an evaluation by an earlier release has no outcomes
            continue
        at = f"evaluation/{sha[:8]}/{name}" if (reports / name).is_dir() else f"evaluation/{sha[:8]}"
        log = tracker.client.log_artifacts if (reports / name).is_dir() else tracker.client.log_artifact
        log(run_id, str(reports / name), at)
        if name.endswith(".parquet"):  # which MLflow's pages do not show
            _log_as_csv(tracker, run_id, reports / name, at)


def _log_as_csv(tracker: Tracker, run_id: str, file: Path, at: str) -> None:
    with tempfile.TemporaryDirectory() as beside:
        table = Path(beside) / f"{file.stem}.csv"
        pd.read_parquet(file).to_csv(table, index=False)
        tracker.client.log_artifact(run_id, str(table), at)


def _has(tracker: Tracker, run_id: str, file: str) -> bool:
    """Whether a run has an artifact; somebody may have deleted what was logged."""
    folder = file.rpartition("/")[0]
    return any(found.path == file for found in tracker.client.list_artifacts(run_id, folder or None))


def register_version(tracker: Tracker, task: Task, run_id: str, one: Published) -> tuple[ModelVersion, list[str]]:
    """The version of the model, made where there is none with its files, and what was done; no alias moves."""
    client, name = tracker.client, task.registered_model
    version, said = versions.find(client, task, one.identity), []
    if version and not versions.has_files(version):
        said.append(f"The files of {name} version {version.version} are gone from MLflow's artifacts.")
        version = None
    if version is None:
        version = versions.register(client, task, run_id, one.model, one.config, one.identity)
        said.append(f"Registered {name} version {version.version}.")
    tags = versions.evaluation_tags(task, one.figures)
    if one.dvc:
        tags[DVC] = json.dumps(dict(one.dvc), sort_keys=True)
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(name, version.version, key, value)
    versions.link_all(client, task)
    cards.attach(tracker, task, version, run_id, one)
    return version, said
