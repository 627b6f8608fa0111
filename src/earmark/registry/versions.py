"""Registered models: one version per (weights, train key); champion, challenger, and the way back."""

import io
import json
import re
import shutil
import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import soundfile as sf
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

from earmark.errors import EarmarkError
from earmark.tasks.task import Task
from earmark.training.code import PACKAGE
from earmark.training.model_files import ModelConfig

# What answering needs; training, DVC and MLflow's server stay out.
NEEDS = ("torch", "torchaudio", "numpy", "pandas", "soundfile", "soxr", "safetensors")


def by_alias(client: MlflowClient, task: Task, alias: str) -> ModelVersion | None:
    """The version with an alias, or None."""
    try:
        return client.get_model_version_by_alias(task.registered_model, alias)
    except MlflowException as e:
        if e.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def find(client: MlflowClient, task: Task, tags: dict[str, str]) -> ModelVersion | None:
    """The newest version that has all these tags, or None."""
    versions = client.search_model_versions(f"name = '{task.registered_model}'")
    fitting = [v for v in versions if all(v.tags.get(k) == x for k, x in tags.items())]
    return max(fitting, key=lambda v: int(v.version), default=None)


def register(
    client: MlflowClient, task: Task, run_id: str, folder: Path, config: ModelConfig, tags: dict[str, str]
) -> ModelVersion:
    """Log the pyfunc model into a run and make a version of it."""
    _ensure_model(client, task)
    with tempfile.TemporaryDirectory() as beside:
        code = Path(beside) / PACKAGE.name  # released bundles are other models: megabytes in every version
        shutil.copytree(PACKAGE, code, ignore=shutil.ignore_patterns("bundles", "__pycache__"))
        logged = Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            name="model",
            run_id=run_id,
            python_model=str(PACKAGE / "registry/pyfunc.py"),
            artifacts={"model": str(folder)},
            code_paths=[str(code)],
            signature=signature(task),
            input_example=example(),
            pip_requirements=requirements(),
            metadata={"task": task.name, "labels": config.labels, "train_key": config.hashes["train_key"]},
        )
    return client.create_model_version(
        task.registered_model, logged.model_uri, run_id, tags=tags, model_id=logged.model_id
    )


def _ensure_model(client: MlflowClient, task: Task) -> None:
    try:
        client.get_registered_model(task.registered_model)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(task.registered_model)


def signature(task: Task) -> ModelSignature:
    """Audio bytes or a local path in; out come label, probability and runner-up, or chords as JSON and the key."""
    inputs = Schema([ColSpec("binary", "audio", required=False), ColSpec("string", "path", required=False)])
    return ModelSignature(inputs, Schema([ColSpec(kind, name) for name, kind in task.answers.items()]))


def example() -> pd.DataFrame:
    """One row of audio bytes: a second of a 440 Hz tone as WAV."""
    time = np.arange(8000) / 8000
    file = io.BytesIO()
    sf.write(file, 0.5 * np.sin(2 * np.pi * 440 * time), 8000, format="WAV", subtype="PCM_16")
    return pd.DataFrame({"audio": [file.getvalue()]})


def requirements() -> list[str]:
    """Exact versions of what answering needs; a local build's suffix (torch's +cpu) is no part of them."""
    return [f"{name}=={installed(name).split('+')[0]}" for name in NEEDS]


def evaluation_tags(task: Task, metrics: dict[str, Any]) -> dict[str, str]:
    """Tags of a version that record one evaluation, by the test set it was made on."""
    name = task.headline
    figures = {name: metrics[name], f"{name}_ci95": metrics[f"{name}_ci95"]}
    return {_test_tag(metrics["test_manifest_sha256"]): json.dumps(figures)}


def _test_tag(sha256: str) -> str:
    return f"earmark.test.{sha256[:16]}"


def evaluations(task: Task, version: ModelVersion) -> dict[str, float]:
    """Headline figure of a version by test set."""
    tests = {k: v for k, v in version.tags.items() if re.fullmatch(r"earmark\.test\.[0-9a-f]{16}", k)}
    return {k: json.loads(v)[task.headline] for k, v in tests.items()}


def promote(client: MlflowClient, task: Task, number: int | None, force: bool, why: str | None) -> str:
    """Make a version (the challenger by default) champion and remember the one before. Returns what was done.

    Raises EarmarkError when the test sets differ or the figure is lower, unless forced with a reason.
    """
    if force and not why:
        raise EarmarkError("--force needs --why, which is kept with the version.")
    new = _version(client, task, number)
    old = by_alias(client, task, "champion")
    if old and int(old.version) == int(new.version):
        return f"Version {new.version} is champion already."
    objection = old and _objection(task, new, old)
    if objection and not force:
        raise EarmarkError(f"Version {new.version} is not promoted: {objection} Use --force --why '...' to insist.")
    if old:
        client.set_model_version_tag(task.registered_model, new.version, "earmark.previous_champion", str(old.version))
    if why:
        client.set_model_version_tag(task.registered_model, new.version, "earmark.promoted_because", why)
    client.set_registered_model_alias(task.registered_model, "champion", new.version)
    challenger = by_alias(client, task, "challenger")
    if challenger and int(challenger.version) == int(new.version):
        client.delete_registered_model_alias(task.registered_model, "challenger")
    return f"Version {new.version} is champion" + (f"; before it was version {old.version}." if old else ".")


def rollback(client: MlflowClient, task: Task) -> str:
    """Give the champion alias back to the version that had it before."""
    now = by_alias(client, task, "champion")
    if now is None:
        raise EarmarkError(f"{task.registered_model} has no champion; promote a version first.")
    before = now.tags.get("earmark.previous_champion")
    if before is None:
        raise EarmarkError(
            f"Version {now.version} of {task.registered_model} is the first champion; there is none before it."
        )
    client.set_registered_model_alias(task.registered_model, "champion", before)
    client.delete_model_version_tag(task.registered_model, now.version, "earmark.previous_champion")
    client.set_model_version_tag(task.registered_model, now.version, "earmark.rolled_back", "true")
    return f"Version {before} is champion again; version {now.version} was rolled back."


def _version(client: MlflowClient, task: Task, number: int | None) -> ModelVersion:
    if number is None:
        version = by_alias(client, task, "challenger")
        if version is None:
            raise EarmarkError(
                f"{task.registered_model} has no challenger; run `dvc repro`, or name one with --version."
            )
        return version
    try:
        return client.get_model_version(task.registered_model, str(number))
    except MlflowException:
        raise EarmarkError(f"{task.registered_model} has no version {number}.") from None


def _objection(task: Task, new: ModelVersion, old: ModelVersion) -> str | None:
    theirs, ours = evaluations(task, old), evaluations(task, new)
    shared = sorted(set(theirs) & set(ours))
    if not shared:
        return f"it was tested on other recordings than the champion (version {old.version})."
    worse = [k for k in shared if task.better(theirs[k], ours[k])]
    if worse:
        now, before = ours[worse[0]], theirs[worse[0]]
        return f"its {task.headline} is {now:.3f}, the champion's (version {old.version}) {before:.3f}."
    return None


def download(uri: str) -> Path:
    """The model folder inside a pyfunc model that earmark registered, on this machine."""
    try:
        model = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as e:
        reason = str(e).split("\n")[0].rstrip(".")[:160]
        raise EarmarkError(f"There is no model {uri} to fetch ({reason}); name another with --model.") from None
    folders = [path.parent for path in sorted((model / "artifacts").glob("*/config.json"))]
    if not folders:
        raise EarmarkError(f"{uri} is not a model that earmark registered; it holds no artifacts/*/config.json.")
    return folders[0]
