"""A trained model on disk: model.safetensors, config.json, history.csv, model.txt. No pickle, no run id."""

import csv
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.errors import EarmarkError
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings
from earmark.settings.features import FeatureSettings
from earmark.settings.training import ModelSettings

if TYPE_CHECKING:  # torch takes seconds to import, and most readers of a folder want its facts alone
    from torch import Tensor

    from earmark.models.song import SongModel

SETTINGS = {"genre": (FeatureSettings, ModelSettings), "chord": (ChordFeatureSettings, ChordModelSettings)}


@dataclass(frozen=True)
class ModelConfig:
    """What it takes to use a model and to know where it came from.

    train: the training settings; hashes: the train key and what went into it; release: what a released
    bundle says about itself (see `bundle`), empty for any other model.
    """

    task: str
    labels: list[str]
    features: FeatureSettings | ChordFeatureSettings
    model: ModelSettings | ChordModelSettings
    train: dict
    hashes: dict[str, str]
    best_epoch: int
    n_parameters: int
    release: dict = field(default_factory=dict)


def write(path: Path, config: ModelConfig, weights: "dict[str, Tensor]", history: list[dict], text: str) -> None:
    """Write the folder; config.json comes last, so a folder that has one is whole."""
    from safetensors.torch import save

    path.mkdir(parents=True, exist_ok=True)
    (path / "model.safetensors").write_bytes(save({k: v.contiguous() for k, v in weights.items()}))
    with (path / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)
    (path / "model.txt").write_text(text)
    (path / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")


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


def load_model(path: Path, config: ModelConfig) -> "SongModel":
    """The network with its trained weights, ready to answer."""
    model = untrained(config.features, config.model, len(config.labels), config.train["label_smoothing"])
    model.load_state_dict(read_weights(path))
    return model.eval()


def untrained(features: FeatureSettings, model: ModelSettings, n_classes: int, smoothing: float = 0.0) -> "SongModel":
    """The network that these settings describe, with weights drawn at random."""
    from earmark.models.song import SongModel

    return SongModel(features.n_bands, features.window_frames, n_classes, model, smoothing)


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
