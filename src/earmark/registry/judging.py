"""A registered version judged on recordings of the working tree, as the pipeline would judge it."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from mlflow.entities.model_registry import ModelVersion

from earmark import audio, paths
from earmark.audio import Root
from earmark.audio.source import file_of
from earmark.data.corpus import Warn
from earmark.data.reading import Progress
from earmark.errors import EarmarkError
from earmark.registry import versions
from earmark.tasks import model_folder, rooms
from earmark.tasks.task import Task
from earmark.training.model_files import ModelConfig


def judge_version(
    task: Task, version: ModelVersion, rows: pd.DataFrame, settings: Any, say: Warn, progress: Progress
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Figures and outcomes of a version on rows of the prepared manifest, by its own settings of features.

    settings: of the task today, which say where the audio lies and how intervals are found. Raises EarmarkError,
    without a full stop, where the audio, the settings or the weights are not what they should be.
    """
    root = audio.folder(paths.audio_root(settings.data.root), settings.data.channels)
    _require_audio(task, rows, root)
    model = versions.download(f"models:/{version.name}/{version.version}")
    config = model_folder.read_config(model)
    for sentence in _remarks(task, version, config, rows):
        say(sentence)
    paths.state().mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="judged-", dir=paths.state()) as folder:
        try:
            task.room("features").run(rows, root, config.features, Path(folder), _said_already, progress)
        except audio.AudioError as e:  # as without a program that decodes them
            raise EarmarkError(f"a recording cannot be read ({e})") from None
        return _figures(task, model, rows, Path(folder), settings)


def _figures(
    task: Task, model: Path, rows: pd.DataFrame, features: Path, settings: Any
) -> tuple[dict[str, Any], pd.DataFrame]:
    room = task.room("evaluate")
    if not hasattr(room, "evaluate_model"):  # a task of the user's own, from before there was such a function
        raise EarmarkError(
            f"the task's evaluate.py has no function `evaluate_model`; write it as {rooms.__file__} says"
        )
    try:
        found = room.evaluate_model(model, rows, features, settings.evaluate)
    except RuntimeError as e:
        if "state_dict" not in str(e):
            raise
        raise EarmarkError("its weights do not fit the network that this earmark builds from its settings") from None
    if isinstance(found, dict):  # a task of the user's own, from before outcomes were asked for
        raise EarmarkError(
            f"the task's `evaluate_model` returns no outcomes with its figures; write it as {rooms.__file__} says"
        )
    return found


def _said_already(sentence: str) -> None:
    """What is remarkable of the recordings, the pipeline's own stage has said."""


def _require_audio(task: Task, rows: pd.DataFrame, root: Root) -> None:
    """Refuse recordings that are gone, or others than those that were prepared."""
    remedy = f"run `dvc repro publish@{task.name}`"
    for path, sha256 in zip(rows.path, rows.sha256, strict=True):
        file = Path(str(file_of(root / path)))
        if not file.is_file():
            raise EarmarkError(f"{file} is missing; put it back, or {remedy}")
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != sha256:
                raise EarmarkError(f"{file} has changed since data/{task.name} was prepared; {remedy}")


def _remarks(task: Task, version: ModelVersion, config: ModelConfig, rows: pd.DataFrame) -> list[str]:
    """What makes its figures others than it had when it was published."""
    said = []
    if version.tags.get(versions.FEATURES_CODE, now := versions.features_code(task)) != now:
        said.append(
            f"The code that computes features has changed since version {version.version} was published: the "
            "version is tested with today's code, which `earmark predict` uses, too."
        )
    if task.room("corpora").CORPORA.annotation == "label" and (new := set(rows.label) - set(config.labels)):
        names, n = ", ".join(f"'{name}'" for name in sorted(new)), int(rows.label.isin(new).sum())
        said.append(
            f"Version {version.version} does not know {names}: {n} of the {len(rows)} recordings count as "
            "wrong answers."
        )
    return said
