"""The publish stage: make MLflow show what the files say. Quick, and the same when run again."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from earmark import paths
from earmark.console import warn
from earmark.pipeline import to_commit
from earmark.registry import arrangement, crowning, glance, outputs, publication, tracking, versions, view
from earmark.registry.published import Published
from earmark.tasks.task import Task

if TYPE_CHECKING:  # `earmark.registry` sets MLflow's environment, before it is imported
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def run(task: Task, data: Path, folder: Path, reports: Path, params: dict[str, str]) -> list[str]:
    """Find or rebuild the run of the model in `folder`, log its `data` and the evaluation in `reports`, register it.

    Inside a DVC experiment nothing is registered and no alias moves. Returns sentences about what was done.
    """
    one = Published(data, folder, reports, params)
    _ = one.config, one.sha256  # what is wrong with them is said first
    tracker, experiment = tracking.connect(task.name), os.environ.get("DVC_EXP_NAME")
    with FileLock(paths.lock("publish")):
        run_id, said = publication.training_run(tracker, one)
        model_id: str | None = None
        done: list[str] = []
        if not experiment:
            dvc = outputs.hashes(task.name, data, folder, reports, publication.REPORTS)
            version, done = publication.register_version(tracker, task, run_id, replace(one, dvc=dvc))
            model_id = versions.logged_model(version)
        if publication.log_evaluation(tracker, run_id, one, model_id):
            said.append(f"Logged the evaluation: {task.headline} {one.figures[task.headline]:.3f}.")
            said += filter(None, [task.outdone(one.figures)])
        said += done
        publication.describe(tracker, task, run_id, one)
        arrangement.arrange(tracker, task)
    if experiment:
        said.append(f"This is the DVC experiment {experiment}, so no version was registered and no alias moved.")
    else:
        settled, moved = _aliases(tracker.client, task, version)
        said += settled + moved + to_commit.sentence(task.name)
    shutil.rmtree(paths.checkpoint(one.config.hashes["train_key"]).parent, ignore_errors=True)
    if experiment or settled:  # what is found is to be said again
        glance.forget(task.name)
    else:
        glance.keep(task.name, glance.PublishedState(run_id, one.sha256, task.registered_model))
    return said


def _aliases(client: "MlflowClient", task: Task, version: "ModelVersion") -> tuple[list[str], list[str]]:
    """The champion as the ledger has it, and the version as challenger, unless it is champion; what is said of each."""
    said: list[str] = []
    with crowning.alone(task.name, warn):
        settled = view.settle(client, task)
        champion, challenger = (versions.by_alias(client, task, a) for a in ("champion", "challenger"))
        if champion:
            versions.forget_rollback(client, champion)
        if int(version.version) not in {int(v.version) for v in (champion, challenger) if v}:
            client.set_registered_model_alias(task.registered_model, "challenger", version.version)
            asks = f"`earmark promote {task.name}` asks whether it becomes champion"
            said.append(f"Version {version.version} is the challenger: {asks}.")
    return settled, said
