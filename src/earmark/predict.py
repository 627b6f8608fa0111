"""Answers for recordings nobody has labelled, from a model folder; memory does not grow with their length."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from earmark import model_folder
from earmark.audio import Source, check
from earmark.features.frames import recording_frames, sliding
from earmark.tasks.genre import infer


@dataclass(frozen=True)
class Answer:
    """Probabilities of a recording (classes,) and of its windows (windows, classes), with their starts in seconds."""

    labels: list[str]
    probabilities: np.ndarray
    window_probabilities: np.ndarray
    starts_s: np.ndarray

    @property
    def label(self) -> str:
        return self.labels[int(self.probabilities.argmax())]

    def plain(self) -> dict:
        """label, probability, runner_up and all probabilities, for JSON."""
        order = np.argsort(-self.probabilities, kind="stable")
        return {
            "label": self.label,
            "probability": float(self.probabilities[order[0]]),
            "runner_up": self.labels[order[1]],
            "probabilities": dict(zip(self.labels, map(float, self.probabilities), strict=True)),
        }


class Predictor:
    """A model folder, ready to judge recordings."""

    def __init__(self, folder: Path):
        self.config = model_folder.read_config(folder)
        self.model = model_folder.load_model(folder, self.config)

    @torch.inference_mode()
    def __call__(self, source: Source) -> Answer:
        """Judge one recording, a path or the bytes of a file. Raises AudioError when it cannot be used."""
        check(source)
        features = self.config.features
        blocks = (b.astype(features.dtype) for b in recording_frames(source, features))
        size, stride = features.window_frames, features.window_stride
        pieces = (
            torch.from_numpy(piece).float().unfold(0, size, stride).unsqueeze(1)
            for piece in sliding(blocks, size, stride)
        )
        by_window, by_song = infer(self.model, pieces)
        starts = np.arange(len(by_window)) * features.window_stride_s
        return Answer(self.config.labels, by_song[0].exp().numpy(), by_window.exp().numpy(), starts)
