"""The genre network that settings or a model folder describe."""

from pathlib import Path

from earmark.features.settings import FeatureSettings
from earmark.tasks.genre.networks.song import SongModel
from earmark.tasks.genre.settings import ModelSettings
from earmark.training import model_files
from earmark.training.model_files import ModelConfig


def config(path: Path) -> ModelConfig:
    """The settings of a model folder. Raises EarmarkError when there is none."""
    return model_files.read_config(path, FeatureSettings, ModelSettings)


def load(path: Path, config: ModelConfig) -> SongModel:
    """The network of a folder with its trained weights, ready to answer."""
    model = untrained(config.features, config.model, len(config.labels), _smoothing(config.train))
    model.load_state_dict(model_files.read_weights(path))
    return model.eval()


def _smoothing(train: dict) -> float:
    """The label smoothing that a model was trained with; before losses were blocks it was a key of its own."""
    of = train if isinstance(train["loss"], str) else train["loss"]
    return of.get("label_smoothing", 0.0)


def untrained(features: FeatureSettings, model: ModelSettings, n_classes: int, smoothing: float = 0.0) -> SongModel:
    """The network that these settings describe, with weights drawn at random."""
    return SongModel(features.n_bands, features.window_frames, n_classes, model, smoothing)
