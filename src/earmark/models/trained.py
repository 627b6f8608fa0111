"""The genre network that settings or a model folder describe."""

from pathlib import Path

from earmark import model_files
from earmark.model_files import ModelConfig
from earmark.models.song import SongModel
from earmark.settings.features import FeatureSettings
from earmark.settings.training import ModelSettings


def load(path: Path, config: ModelConfig) -> SongModel:
    """The network of a folder with its trained weights, ready to answer."""
    model = untrained(config.features, config.model, len(config.labels), config.train["label_smoothing"])
    model.load_state_dict(model_files.read_weights(path))
    return model.eval()


def untrained(features: FeatureSettings, model: ModelSettings, n_classes: int, smoothing: float = 0.0) -> SongModel:
    """The network that these settings describe, with weights drawn at random."""
    return SongModel(features.n_bands, features.window_frames, n_classes, model, smoothing)
