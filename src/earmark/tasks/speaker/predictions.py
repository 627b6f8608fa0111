"""A recording's voice as a vector, from a released or trained speaker model."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from earmark import audio
from earmark.features.pool import one_thread
from earmark.features.store import Store
from earmark.nn.fused import fused
from earmark.tasks.speaker import embedding, log_mel
from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, SpeakerModelSettings
from earmark.training import model_files


class SpeakerPrediction(NamedTuple):
    """What is heard in a recording. embedding: (d,) float32 of length 1. speech_s: seconds of it that are no pauses."""

    embedding: np.ndarray
    speech_s: float


class Embedder:
    """Embeds recordings with the speaker model of a folder."""

    def __init__(self, folder: Path):
        self.config = model_files.read_config(folder, SpeakerFeatureSettings, SpeakerModelSettings)
        self.features: SpeakerFeatureSettings = self.config.features
        self.tower = build.build(self.config.model, self.features.n_mels, self.features.views)
        self.tower.load_state_dict(model_files.read_weights(folder))
        self.tower.eval()
        self._reading = fused(self.tower)

    def __call__(self, source: audio.Source) -> np.ndarray:
        """The embedding (d,) float32 of length 1. Raises AudioError for what cannot be decoded or is silent."""
        return self.heard(source).embedding

    def heard(self, source: audio.Source) -> SpeakerPrediction:
        """The same, with how much speech it is made of."""
        recording = audio.as_checked(source)
        with log_mel.spooled(recording, self.features) as speech:
            if recording.info.flat:
                raise audio.AudioError(recording.info.flat)
            voiced = speech.voiced()
            n = int(voiced.sum())
            blocks = (torch.from_numpy(block.astype(np.float32)) for block in speech.without_pauses(voiced))
            found = embedding.of_blocks(self._reading, blocks, n, self.features.normalize)
        return SpeakerPrediction(found.numpy(), n * self.features.hop_s)

    def of_files(self, files: Iterable[audio.Source]) -> np.ndarray:
        """The same of an utterance in several recordings."""
        return self.of_frames(*(log_mel.log_mel_of(file, self.features) for file in files))

    def of_frames(self, *recordings: np.ndarray, most: int | None = None) -> np.ndarray:
        """The same of an utterance's log-mel frames (frames, bands), one or several recordings one after the other.

        most: frames that are heard, pauses left out; all of them by default.
        """
        voiced = [frames[log_mel.voiced(frames, self.features.voice_db)] for frames in recordings]
        decibels = torch.from_numpy(np.concatenate(voiced)[:most].astype(np.float32))
        return embedding.of_frames(self._reading, decibels, self.features.normalize).numpy()


def speech_s(features: SpeakerFeatureSettings, recordings: Iterable[np.ndarray]) -> float:
    """Seconds of log-mel frames (frames, bands) of recordings that are no pauses."""
    return sum(int(log_mel.voiced(frames, features.voice_db).sum()) for frames in recordings) * features.hop_s


def stored_speech(features: SpeakerFeatureSettings, utterances: pd.DataFrame, store: Store) -> np.ndarray:
    """Seconds of speech (n,) in each of a table of utterances from a feature store."""
    return np.array([speech_s(features, (store.frames(p) for p in paths)) for paths in utterances.paths])


@one_thread()  # of one utterance a second thread computes next to nothing
def stored_embeddings(
    embedder: Embedder, utterances: pd.DataFrame, store: Store, seconds: float = math.inf
) -> np.ndarray:
    """Embeddings (n, d) of a table of utterances from a feature store, of at most so many seconds of each."""
    most = None if math.isinf(seconds) else round(seconds / embedder.features.hop_s)
    return np.stack([embedder.of_frames(*(store.frames(p) for p in paths), most=most) for paths in utterances.paths])


def answering(folder: Path) -> Callable[[audio.Source], dict]:
    """What a registered model says of one recording; embeddings are JSON."""
    embed = Embedder(folder)
    return lambda source: {"embedding": json.dumps([round(float(x), 6) for x in embed(source)])}
