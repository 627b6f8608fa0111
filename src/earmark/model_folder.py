"""A trained model on disk, read: model.safetensors, config.json, history.csv, model.txt. No pickle, no run id."""

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.errors import EarmarkError
from earmark.model_files import ModelConfig
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings
from earmark.settings.features import FeatureSettings
from earmark.settings.training import ModelSettings

if TYPE_CHECKING:  # torch takes seconds to import, and most readers of a folder want its facts alone
    from torch import Tensor

SETTINGS = {"genre": (FeatureSettings, ModelSettings), "chord": (ChordFeatureSettings, ChordModelSettings)}


def read_config(path: Path) -> ModelConfig:
    """Settings of a model folder. Raises EarmarkError when there is none."""
    if not (path / "config.json").exists():
        raise EarmarkError(f"There is no trained model in {path}; run `dvc repro` first.")
    raw = json.loads((path / "config.json").read_text())
    features, model = SETTINGS[raw["task"]]
    return ModelConfig(**(raw | {"features": features(**raw["features"]), "model": model(**raw["model"])}))


def read_history(path: Path) -> list[dict[str, float]]:
    """One row an epoch."""
    with (path / "history.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def read_weights(path: Path) -> "dict[str, Tensor]":
    """Weights of a model folder; half-precision ones are widened to single."""
    from safetensors.torch import load

    weights = load((path / "model.safetensors").read_bytes())
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def weights_sha256(path: Path) -> str:
    """sha256 of model.safetensors: the identity of a model."""
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


def identity(path: Path) -> dict[str, str]:
    """What a finished run is tagged with: the weights' hash, the epoch kept, the number of parameters."""
    config = read_config(path)
    facts = {
        "model_sha256": weights_sha256(path),
        "best_epoch": config.best_epoch,
        "n_parameters": config.n_parameters,
    }
    return {k: str(v) for k, v in facts.items()}
