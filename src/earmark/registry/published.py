"""What the stages before publish leave of one model, as publishing reads it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from earmark.tasks import model_folder
from earmark.training import model_files
from earmark.training.model_files import ModelConfig


@dataclass(frozen=True)
class Published:
    """The folders of prepared data, model files and reports.

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

    @cached_property
    def evaluation_sha256(self) -> str:
        """Of metrics.json."""
        return hashlib.sha256((self.reports / "metrics.json").read_bytes()).hexdigest()

    @property
    def identity(self) -> dict[str, str]:
        """The tags that tell its version from others."""
        return {"earmark.model_sha256": self.sha256, "earmark.train_key": self.config.hashes["train_key"]}
