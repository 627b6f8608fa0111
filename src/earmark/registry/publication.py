"""A trained model and its evaluation in MLflow: their run, found or made of files, and the registered version."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from earmark.evaluation import metrics
from earmark.registry import cards, tracking, versions
from earmark.registry.tracking import Tracker
from earmark.tasks import model_folder
from earmark.tasks.task import Task
from earmark.training import model_files
from earmark.training.model_files import ModelConfig

WEIGHTS = "model.safetensors"
DATA = ("summary.csv", "clip_lengths.csv", "manifest.csv")
REPORTS = ("metrics.json", "predictions.parquet", "outcomes.parquet", "listening.html", "plots")
DVC = "earmark.dvc"  # a version's tag: DVC's hashes of its files, by path


@dataclass(frozen=True)
class Published:
    """What the stages before leave of one model: its folders of prepared data, model files and reports.

    params: of its run. dvc: DVC's hashes of the files. facts: tags of a run that is made of the files, over those of
    the present commit.
    """

    data: Path
    model: Path
    reports: Path
    params: dict[str, str]
    dvc: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def config(self) -> ModelConfig:
        """The model's settings."""
        return model_folder.read_config(self.model)

    @cached_property
    def sha256(self) -> str:
        """Of the weights."""
        return model_files.weights_sha256(self.model)

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What metrics.json holds."""
        found: dict[str, Any] = json.loads((self.reports / "metrics.json").read_text())
        return found

    @property
    def identity(self) -> dict[str, str]:
        """The tags that tell its version from others."""
        return {"earmark.model_sha256": self.sha256, "earmark.train_key": self.config.hashes["train_key"]}


def training_run(tracker: Tracker, one: Published) -> tuple[str, list[str]]:
    """The finished run of the model, made of its files where this store has none: its id, and what was done."""
    config, key = one.config, one.config.hashes["train_key"]
    found = tracker.find(one.identity, ("FINISHED",))
    if found:
        run_id, said = found[0].info.run_id, []
    else:
        tags = tracking.run_tags("pipeline", config.hashes) | {"earmark.rebuilt": "true"} | dict(one.facts)
        run_id = tracker.create(tracking.run_name(config.task, key), tags, one.params)
        said = ["This tracking store had no run of this model: made it from models/*/history.csv."]
    tracker.log_missing(run_id, model_files.read_history(one.model))
    if not found:
        tracker.tag(run_id, **model_files.identity(one.model))
        tracker.client.set_terminated(run_id, "FINISHED")
    _log_files(tracker, run_id, one)
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


def log_evaluation(tracker: Tracker, run_id: str, one: Published) -> bool:
    """Log figures and files under the hash of metrics.json; a later, different evaluation stands beside the first."""
    sha, found = hashlib.sha256((one.reports / "metrics.json").read_bytes()).hexdigest(), one.figures
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
    tracker.log(run_id, tracking.numbers(prefix, found))
    _log_reports(tracker, run_id, one.reports, sha)
    tracker.client.set_tag(run_id, f"earmark.evaluation.{sha[:8]}", found["test_manifest_sha256"])
    return True


def _has_figures(run: Run, found: dict[str, Any]) -> bool:
    """Whether a run has these very figures of these recordings: earlier releases wrote the file in another order."""
    test, had = found["test_manifest_sha256"], run.data.metrics
    shas = [k[-8:] for k, v in run.data.tags.items() if k.startswith("earmark.evaluation.") and v == test]
    apart = {name.partition("/")[0] for name in had}
    prefixes = {f"test-{sha}" if f"test-{sha}" in apart else "test" for sha in shas}
    return any(tracking.numbers(prefix, found).items() <= had.items() for prefix in prefixes)


def _log_reports(tracker: Tracker, run_id: str, reports: Path, sha: str) -> None:
    for name in REPORTS:
        if not (reports / name).exists():  # an evaluation by an earlier release has no outcomes
            continue
        at = f"evaluation/{sha[:8]}/{name}" if (reports / name).is_dir() else f"evaluation/{sha[:8]}"
        log = tracker.client.log_artifacts if (reports / name).is_dir() else tracker.client.log_artifact
        log(run_id, str(reports / name), at)


def _has(tracker: Tracker, run_id: str, file: str) -> bool:
    """Whether a run has an artifact; somebody may have deleted what was logged."""
    folder = file.rpartition("/")[0]
    return any(found.path == file for found in tracker.client.list_artifacts(run_id, folder or None))


def registered(tracker: Tracker, task: Task, run_id: str, one: Published) -> tuple[ModelVersion, list[str]]:
    """The version of the model, made where there is none with its files, and what was done; no alias moves."""
    client, name = tracker.client, task.registered_model
    tracker.activate()
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
    cards.attach(tracker, task, version, run_id, one.data, one.model, one.reports, one.figures, one.dvc)
    return version, said
