"""Tiny models for tests of answering: networks of random weights, and bundles of them."""

from dataclasses import asdict
from pathlib import Path

import torch

from conftest import features_settings, model_settings, train_settings
from earmark import bundle, model_files
from earmark.model_files import ModelConfig
from earmark.models import trained

LABELS = ["high", "low", "noise"]


def config(release: dict | None = None, **features) -> ModelConfig:
    """Settings of an untrained network for three labels."""
    f, m = features_settings(**features), model_settings()
    hashes = {"train_key": "k" * 64}
    return ModelConfig("genre", LABELS, f, m, asdict(train_settings()), hashes, 1, 0, release or {})


def weights(settings: ModelConfig, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights drawn at random, the classes told apart strongly enough that answers differ."""
    torch.manual_seed(seed)
    network = trained.untrained(settings.features, settings.model, len(settings.labels))
    with torch.no_grad():
        network.head.weight.mul_(50)
    return network.state_dict()


def small_model(path: Path, seed: int = 0, **features) -> Path:
    """A model folder with random weights."""
    settings = config(**features)
    model_files.write(path, settings, weights(settings, seed), [{"epoch": 1, "val/loss": 1.0}], "layers\n")
    return path


def small_bundle(root: Path, about: str = "tones, three classes", seed: int = 0, **facts) -> Path:
    """A released bundle `root`/genre of random weights."""
    settings = config({"about": about, **facts})
    data = bundle.pack(bundle.half(weights(settings, seed)))
    bundle.write(root / "genre", settings, data, f"# {about}\n")
    return root / "genre"
