"""A recording's voice as a vector, from a released or trained speaker model."""

from pathlib import Path

import numpy as np
import torch

from earmark import audio, model_files
from earmark.settings.speaker import SpeakerFeatureSettings, SpeakerModelSettings
from earmark.speakers import embedding, log_mel, towers


class Embedder:
    """Embeds recordings with the speaker model of a folder."""

    def __init__(self, folder: Path):
        self.config = model_files.read_config(folder, lambda task: (SpeakerFeatureSettings, SpeakerModelSettings))
        self.features: SpeakerFeatureSettings = self.config.features
        self.tower = towers.build(self.config.model, self.features.n_mels)
        self.tower.load_state_dict(model_files.read_weights(folder))
        self.tower.eval()

    def __call__(self, source: audio.Source) -> np.ndarray:
        """The embedding (d,) float32 of length 1. Raises AudioError for what cannot be decoded or is silent."""
        if audio.check(source).peak == 0:
            raise audio.AudioError("it is digital silence: nobody speaks in it")
        return self.of_frames(log_mel.of(source, self.features))

    def of_frames(self, *recordings: np.ndarray) -> np.ndarray:
        """The same of an utterance's log-mel frames (frames, bands), one or several recordings one after the other."""
        voiced = [frames[log_mel.voiced(frames, self.features.voice_db)] for frames in recordings]
        decibels = torch.from_numpy(np.concatenate(voiced).astype(np.float32))
        return embedding.of_frames(self.tower, decibels).numpy()
