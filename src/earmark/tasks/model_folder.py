"""A trained model's settings, of whichever task."""

from dataclasses import fields
from pathlib import Path

from earmark.tasks import catalog
from earmark.training import model_files
from earmark.training.model_files import ModelConfig


def read_config(path: Path) -> ModelConfig:
    """Settings of a model folder, in its task's own classes. Raises EarmarkError when there is none."""
    settings = catalog.task(model_files.read_plain(path)["task"]).settings
    kinds = {f.name: f.type for f in fields(settings)}
    return model_files.read_config(path, kinds["features"], kinds["model"])
