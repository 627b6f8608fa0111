"""The settings that a run was logged with, written back into params.yaml."""

from ast import literal_eval
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from typing import Any, cast, get_args

import yaml
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark import config
from earmark.errors import EarmarkError
from earmark.tasks import edited, overrides
from earmark.tasks.task import Task
from earmark.training.key import flatten


def put(text: str, task: Task, logged: Mapping[str, str], run: str) -> str:
    """params.yaml's text with the settings of a run in its task's block; every other byte stays.

    logged: the run's settings by dotted key, as MLflow has them; those that it does not name stay as they are. run: how
    sentences call it. Raises EarmarkError where this release reads the settings otherwise than the run did, and where
    the file cannot be edited so.
    """
    raw = yaml.safe_load(text)
    kinds = overrides.keys(task.settings)
    try:
        now = _flat(raw, task)
        other = {key for key, value in logged.items() if now.get(key) != value}
        other_kind = tuple(key.removesuffix("name") for key in other if key.endswith(".name"))
        changed = {
            key: _value(value, kinds.get(key))
            for key, value in logged.items()
            if key in other or key.startswith(other_kind)
        }
        values = {f"tasks.{task.name}.{key}": value for key, value in changed.items()}
        asked = deepcopy(raw)
        overrides.put_all(asked, values)
        then = _flat(asked, task)
        if wrong := [key for key, value in logged.items() if then.get(key) != value]:
            raise EarmarkError(
                f"'{wrong[0]}' was {logged[wrong[0]]} in that run, but this release reads it as "
                f"{then.get(wrong[0])}; set it in params.yaml by hand."
            )
        return edited.put(text, values)
    except EarmarkError as e:
        raise EarmarkError(f"The settings of {run} cannot be written into params.yaml: {e}") from None


def trained(settings: Mapping[str, str]) -> dict[str, str]:
    """Of settings as a run logs them those that a model depends on: of features, model and train."""
    return {key: value for key, value in settings.items() if key.split(".")[0] in ("features", "model", "train")}


def differ(client: MlflowClient, version: ModelVersion, now: Mapping[str, str]) -> bool:
    """Whether a version was trained with other settings than these; False where its run is gone.

    now: settings as a run logs them; those of `trained` count.
    """
    try:
        logged = client.get_run(str(version.run_id)).data.params
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return any(now.get(key) != value for key, value in trained(logged).items())


def _flat(raw: Any, task: Task) -> dict[str, str]:
    """A task's settings as a run logs them."""
    return flatten(asdict(cast(Any, config.parse_task(raw, task.name))))


def _value(text: str, kind: Any) -> Any:
    """What a logged text stands for: null, a number, a truth value, a list, or itself where the key takes any text."""
    if text == "None":
        return None
    kinds = {kind, *get_args(kind)}
    if str in kinds and not kinds & {int, float}:
        return text
    try:
        found = literal_eval(text)
    except (ValueError, SyntaxError):  # one of several words
        return text
    return list(found) if isinstance(found, tuple) else found
