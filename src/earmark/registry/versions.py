"""Registered models: one version per (weights, train key), found by tags or alias, with its files."""

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
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from earmark.errors import EarmarkError
from earmark.tasks.task import Task
from earmark.training.code import PACKAGE, code_sha256
from earmark.training.model_files import ModelConfig

FEATURES_CODE, ROLLED_BACK = "earmark.features_code", "earmark.rolled_back"
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


def by_number(client: MlflowClient, task: Task, number: int | str) -> ModelVersion | None:
    """A version by its number, or None."""
    try:
        return client.get_model_version(task.registered_model, str(number))
    except MlflowException as e:
        if e.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def register(
    client: MlflowClient, task: Task, run_id: str, folder: Path, config: ModelConfig, tags: dict[str, str]
) -> ModelVersion:
    """Log the pyfunc model into a run and make a version of it."""
    _ensure_model(client, task)
    mlflow.set_experiment(experiment_id=client.get_run(run_id).info.experiment_id)  # where `Model.log` logs
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
    tags = tags | {FEATURES_CODE: features_code(task)}
    version = client.create_model_version(
        task.registered_model, logged.model_uri, run_id, tags=tags, model_id=logged.model_id
    )
    link(client, version)
    return version


def link(client: MlflowClient, version: ModelVersion) -> bool:
    """Make the page of the logged model name its version, as MLflow's own `register_model` does.

    Says whether it did so already. A version whose model was deleted, or that has none, is left.
    """
    if (model := logged_model(version)) is None:
        return False
    try:
        tags = client.get_logged_model(model).tags
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    known = json.loads(tags.get(MLFLOW_MODEL_VERSIONS, "[]"))
    if any(v["name"] == version.name and str(v["version"]) == str(version.version) for v in known):
        return True
    known.append({"name": version.name, "version": version.version})
    client.set_logged_model_tags(model, {MLFLOW_MODEL_VERSIONS: json.dumps(known)})
    return False


def logged_model(version: ModelVersion) -> str | None:
    """The id of the logged model that a version was made of; stores in a database have it in its source alone."""
    scheme, _, id_ = (version.source or "").partition("models:/")
    return version.model_id or (id_ if not scheme and id_.startswith("m-") and "/" not in id_ else None)


def link_all(client: MlflowClient, task: Task) -> None:
    """`link` of every version, where earlier releases registered some without; else nothing but a look at one."""
    found = client.search_model_versions(f"name = '{task.registered_model}'")
    for version in sorted(found, key=lambda v: int(v.version)):
        if link(client, version):
            return


def _ensure_model(client: MlflowClient, task: Task) -> None:
    try:
        client.get_registered_model(task.registered_model)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(task.registered_model)


def signature(task: Task) -> ModelSignature:
    """What comes out, a column an answer; with a schema of inputs, MLflow would empty a list before the model sees it.

    What may go in, the model's own code says (`registry.inputs`), and a parameter: the sample rate of arrays, in Hz.
    """
    outputs = Schema([ColSpec(kind, name) for name, kind in task.answers.items()])
    return ModelSignature(outputs=outputs, params=ParamSchema([ParamSpec("sample_rate", "double", None)]))


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
    beside = [name for one in task.baselines for name in (one, task.difference_from(one))]
    figures |= {k: metrics[k] for k in ("n_recordings", *beside, *(f"{name}_ci95" for name in beside)) if k in metrics}
    return {evaluation_tag(metrics["test_manifest_sha256"]): json.dumps(figures)}


def evaluation_tag(sha256: str) -> str:
    """The tag that holds what a version makes of the test recordings with this hash."""
    return f"earmark.test.{sha256[:16]}"


def evaluations(version: ModelVersion) -> dict[str, dict[str, Any]]:
    """What `evaluation_tags` kept of a version, by test set; versions of before have the headline figure alone."""
    tests = {k: v for k, v in version.tags.items() if re.fullmatch(r"earmark\.test\.[0-9a-f]{16}", k)}
    return {k: json.loads(v) for k, v in tests.items()}


def features_code(task: Task) -> str:
    """Hash of the code that computes a task's features, as a version's tag FEATURES_CODE has it."""
    return code_sha256(f"earmark.tasks.{task.name}.features")


def forget_rollback(client: MlflowClient, version: ModelVersion) -> None:
    """A champion is none that was rolled back."""
    if ROLLED_BACK in version.tags:
        client.delete_model_version_tag(version.name, version.version, ROLLED_BACK)


def remedy_for_lost_files(task: Task) -> str:
    """What can be done where `has_files` says no."""
    return (
        f"its files are gone from MLflow's artifacts. Put them back from a copy, name another version, or, if "
        f"models/{task.name} still holds this model, run `earmark publish {task.name}` to register it again."
    )


def lost_alias(client: MlflowClient, task: Task, alias: str) -> str | None:
    """The sentence about an alias whose version was deleted; None where there is no such alias, or it answers."""
    try:
        aliases = client.get_registered_model(task.registered_model).aliases
    except MlflowException as e:
        if e.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    if alias not in aliases or by_alias(client, task, alias):
        return None
    known = known_versions(client, task, task.registered_model)
    return (
        f"The {alias} of {task.registered_model} is version {aliases[alias]}, which was deleted in MLflow; run "
        f"`earmark promote {task.name} --version N` to make another one champion; {known}."
    )


def known_versions(client: MlflowClient, task: Task, who: str = "it") -> str:
    """Which versions there are, in words. who: what the sentence calls the registered model."""
    numbers = sorted(int(v.version) for v in client.search_model_versions(f"name = '{task.registered_model}'"))
    if not numbers:
        return f"{who} has no versions"
    return f"{who} has the version{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def has_files(version: ModelVersion) -> bool:
    """Whether the artifacts of a version are there; somebody may have deleted them."""
    uri = f"models:/{version.name}/{version.version}"
    try:
        return bool(mlflow.artifacts.list_artifacts(artifact_uri=uri))
    except (MlflowException, OSError) as e:
        if getattr(e, "error_code", "RESOURCE_DOES_NOT_EXIST") != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


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
