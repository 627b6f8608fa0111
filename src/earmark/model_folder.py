"""A trained model on disk, of whichever task: its settings as that task has them. No pickle, no run id."""

from pathlib import Path

from earmark import model_files
from earmark.model_files import ModelConfig, read_history, read_weights, weights_sha256
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings
from earmark.settings.features import FeatureSettings
from earmark.settings.speaker import SpeakerFeatureSettings, SpeakerModelSettings
from earmark.settings.training import ModelSettings

__all__ = ["ModelConfig", "identity", "read_config", "read_history", "read_weights", "weights_sha256"]
SETTINGS = {
    "genre": (FeatureSettings, ModelSettings),
    "chord": (ChordFeatureSettings, ChordModelSettings),
    "speaker": (SpeakerFeatureSettings, SpeakerModelSettings),
}


def read_config(path: Path) -> ModelConfig:
    """Settings of a model folder. Raises EarmarkError when there is none."""
    return model_files.read_config(path, lambda task: SETTINGS[task])


def identity(path: Path) -> dict[str, str]:
    """What a finished run is tagged with: the weights' hash, the epoch kept, the number of parameters."""
    config = read_config(path)
    facts = {
        "model_sha256": weights_sha256(path),
        "best_epoch": config.best_epoch,
        "n_parameters": config.n_parameters,
    }
    return {k: str(v) for k, v in facts.items()}
