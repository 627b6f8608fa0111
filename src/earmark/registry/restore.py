"""A version that this store lacks, registered anew from the files that DVC keeps: nothing is trained."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml
from filelock import FileLock
from mlflow.entities.model_registry import ModelVersion

from earmark import config, paths
from earmark.errors import EarmarkError
from earmark.registry import outputs, publication, tracking, versions
from earmark.registry.entries import Identity
from earmark.registry.identities import short_name
from earmark.registry.outputs import GoneError
from earmark.registry.published import Published
from earmark.tasks.task import Task
from earmark.training import model_files
from earmark.training.key import flatten


def version(task: Task, wanted: Identity) -> ModelVersion:
    """Register a model with its run, figures and evaluation as the publish stage did, by DVC's hashes of its files.

    Raises EarmarkError that says what to run where its files are gone.
    """
    tracker = tracking.connect(task.name)
    paths.state().mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="restored-", dir=paths.state()) as folder:
        one = _files(task, wanted, Path(folder))
        with FileLock(paths.lock("publish")):
            run_id, _ = publication.training_run(tracker, one)
            found, _ = publication.register_version(tracker, task, run_id, one)
            publication.log_evaluation(tracker, run_id, one, versions.logged_model(found))
            publication.describe(tracker, task, run_id, one)
            if wanted.features_code:  # of then, or nobody would be told that it has changed since
                code = versions.FEATURES_CODE, wanted.features_code
                tracker.client.set_model_version_tag(found.name, found.version, *code)
            return found


def _files(task: Task, wanted: Identity, folder: Path) -> Published:
    """A model's files in a folder, and its settings of then."""
    if f"models/{task.name}" not in wanted.dvc:
        raise EarmarkError(_lost(task, wanted, "it was published before DVC's hashes were kept with a version"))
    try:
        outputs.restore(wanted.dvc, folder)
    except GoneError as e:
        raise EarmarkError(_lost(task, wanted, str(e))) from None
    facts = {"earmark.commit": wanted.commit, "earmark.dirty": wanted.dirty, "mlflow.source.git.commit": wanted.commit}
    data, model, reports = (folder / name / task.name for name in ("data", "models", "reports"))
    one = Published(data, model, reports, _params(task, wanted, model), wanted.dvc, facts)
    if (one.config.hashes["train_key"], one.sha256) != wanted.key:
        raise EarmarkError(_lost(task, wanted, "the files with its DVC hashes belong to another model"))
    return one


def _params(task: Task, wanted: Identity, model: Path) -> dict[str, str]:
    """The parameters of its run: those of params.yaml when its files were committed, else what the model says."""
    commit = outputs.commit_of(task.name, wanted.dvc)
    if commit and (then := _params_at(task, commit)):
        return then
    known = model_files.read_plain(model)
    return flatten({name: known[name] for name in ("features", "model", "train")})


def _params_at(task: Task, commit: str) -> dict[str, str] | None:
    """A task's parameters in the params.yaml of a commit; None where this earmark cannot read them."""
    try:
        raw = yaml.safe_load(outputs.at_commit(commit, "params.yaml"))
        known: dict[str, Any] = asdict(cast(Any, config.parse_task(raw, task.name)))
    except (EarmarkError, yaml.YAMLError):
        return None
    known.pop("gate", None)  # decides on a promotion, not on what a run does
    return flatten(known)


def _lost(task: Task, wanted: Identity, reason: str) -> str:
    """What to run where a model cannot be had from files."""
    commit = outputs.commit_of(task.name, wanted.dvc) or wanted.commit
    ways = ["run `dvc pull --all-commits` from a remote that has it"] if wanted.dvc else []
    if commit != "none":
        ways.append(f"run `git checkout {commit[:12]} && dvc repro publish@{task.name}`, which trains it again")
    ways = ways or [f"promote another one with `earmark promote {task.name} --version N`"]
    return (
        f"The model with {short_name(wanted)} is not in this store and cannot be restored: "
        f"{reason}; {', or '.join(ways)}."
    )
