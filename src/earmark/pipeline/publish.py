"""The publish stage: make MLflow show what the files say. Quick, and the same when run again."""

import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from earmark import paths
from earmark.evaluation import metrics
from earmark.pipeline import to_commit
from earmark.registry import tracking, versions
from earmark.registry.tracking import Tracker
from earmark.tasks import model_folder
from earmark.tasks.task import Task
from earmark.training import model_files
from earmark.training.model_files import ModelConfig

if TYPE_CHECKING:  # `earmark.registry` sets MLflow's environment, before it is imported
    from mlflow.entities import Run

WEIGHTS = "model.safetensors"
DATA = ("summary.csv", "clip_lengths.csv", "manifest.csv")
REPORTS = ("metrics.json", "predictions.parquet", "listening.html", "plots")


def run(task: Task, data: Path, folder: Path, reports: Path, params: dict[str, str]) -> list[str]:
    """Find or rebuild the run of the model in `folder`, log its `data` and the evaluation in `reports`, register it.

    Inside a DVC experiment nothing is registered and no alias moves. Returns sentences about what was done.
    """
    config, sha256 = model_folder.read_config(folder), model_files.weights_sha256(folder)
    tracker = tracking.connect(task.name)
    with FileLock(paths.lock("publish")):
        run_id, said = _training_run(tracker, config, sha256, data, folder, params)
        found = json.loads((reports / "metrics.json").read_text())
        if _log_evaluation(tracker, run_id, reports, found):
            said.append(f"Logged the evaluation: {task.headline} {found[task.headline]:.3f}.")
            said += filter(None, [task.outdone(found)])
        if name := os.environ.get("DVC_EXP_NAME"):
            said.append(f"Inside the DVC experiment {name}: nothing registered, no alias moved.")
        else:
            said += _register(tracker, task, run_id, folder, config, sha256, found)
            said += to_commit.sentence(task.name)
    shutil.rmtree(paths.checkpoint(config.hashes["train_key"]).parent, ignore_errors=True)
    return said


def _training_run(
    tracker: Tracker, config: ModelConfig, sha256: str, data: Path, folder: Path, params: dict[str, str]
) -> tuple[str, list[str]]:
    key = config.hashes["train_key"]
    found = tracker.find({"earmark.train_key": key, "earmark.model_sha256": sha256}, ("FINISHED",))
    if found:
        run_id, said = found[0].info.run_id, []
    else:
        tags = tracking.run_tags("pipeline", config.hashes) | {"earmark.rebuilt": "true"}
        run_id = tracker.create(tracking.run_name(config.task, key), tags, params)
        said = ["This tracking store had no run of this model: made it from models/*/history.csv."]
    tracker.log_missing(run_id, model_files.read_history(folder))
    if not found:
        tracker.tag(run_id, **model_files.identity(folder))
        tracker.client.set_terminated(run_id, "FINISHED")
    logged = "earmark.files" in tracker.client.get_run(run_id).data.tags
    # The manifest is asked for, too, because earlier releases did not log it; the train key says that it is the same.
    if not logged or not all(_has(tracker, run_id, file) for file in ("config.json", "data/manifest.csv")):
        for path in sorted(p for p in folder.iterdir() if p.name != WEIGHTS):  # which a version has
            tracker.client.log_artifact(run_id, str(path))
        for name in DATA:
            tracker.client.log_artifact(run_id, str(data / name), "data")
        epochs = metrics.epochs_to(model_files.read_history(folder))
        tracker.log(run_id, {"val/epochs_to_60_percent": epochs} if math.isfinite(epochs) else {})
        tracker.tag(run_id, files="logged")
    return run_id, said


def _log_evaluation(tracker: Tracker, run_id: str, reports: Path, found: dict[str, Any]) -> bool:
    """Log figures and files under the hash of metrics.json; a later, different evaluation stands beside the first."""
    sha = hashlib.sha256((reports / "metrics.json").read_bytes()).hexdigest()
    run = tracker.client.get_run(run_id)
    tags = run.data.tags
    if f"earmark.evaluation.{sha[:8]}" in tags:
        if not _has(tracker, run_id, f"evaluation/{sha[:8]}/metrics.json"):
            _log_reports(tracker, run_id, reports, sha)
        return False
    if _has_figures(run, found):
        return False
    first = not any(k.startswith("earmark.evaluation.") for k in tags)
    prefix = "test" if first else f"test-{sha[:8]}"
    tracker.log(run_id, tracking.numbers(prefix, found))
    _log_reports(tracker, run_id, reports, sha)
    tracker.client.set_tag(run_id, f"earmark.evaluation.{sha[:8]}", found["test_manifest_sha256"])
    return True


def _has_figures(run: "Run", found: dict[str, Any]) -> bool:
    """Whether a run has these very figures of these recordings: earlier releases wrote the file in another order."""
    test, had = found["test_manifest_sha256"], run.data.metrics
    shas = [k[-8:] for k, v in run.data.tags.items() if k.startswith("earmark.evaluation.") and v == test]
    apart = {name.partition("/")[0] for name in had}
    prefixes = {f"test-{sha}" if f"test-{sha}" in apart else "test" for sha in shas}
    return any(tracking.numbers(prefix, found).items() <= had.items() for prefix in prefixes)


def _log_reports(tracker: Tracker, run_id: str, reports: Path, sha: str) -> None:
    for name in REPORTS:
        at = f"evaluation/{sha[:8]}/{name}" if (reports / name).is_dir() else f"evaluation/{sha[:8]}"
        log = tracker.client.log_artifacts if (reports / name).is_dir() else tracker.client.log_artifact
        log(run_id, str(reports / name), at)


def _has(tracker: Tracker, run_id: str, file: str) -> bool:
    """Whether a run has an artifact; somebody may have deleted what was logged."""
    folder = file.rpartition("/")[0]
    return any(found.path == file for found in tracker.client.list_artifacts(run_id, folder or None))


def _register(
    tracker: Tracker, task: Task, run_id: str, folder: Path, config: ModelConfig, sha256: str, found: dict[str, Any]
) -> list[str]:
    client, name = tracker.client, task.registered_model
    tracker.activate()
    identity = {"earmark.model_sha256": sha256, "earmark.train_key": config.hashes["train_key"]}
    version, said = versions.find(client, task, identity), []
    if version and not versions.has_files(version):
        said.append(f"The files of {name} version {version.version} are gone from MLflow's artifacts.")
        version = None
    if version is None:
        version = versions.register(client, task, run_id, folder, config, identity)
        said.append(f"Registered {name} version {version.version}.")
    for key, value in versions.evaluation_tags(task, found).items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(name, version.version, key, value)
    versions.link_all(client, task)
    champion, challenger = (versions.by_alias(client, task, a) for a in ("champion", "challenger"))
    if champion:
        versions.forget_rollback(client, champion)
    held = {int(v.version) for v in (champion, challenger) if v}
    if int(version.version) not in held:
        client.set_registered_model_alias(name, "challenger", version.version)
        said.append(f"It is the challenger; `earmark promote {task.name}` makes it champion.")
    return said
