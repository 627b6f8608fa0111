"""Answers for recordings nobody has labelled, from a model folder; memory does not grow with their length."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from earmark.audio import AudioError, CheckedRecording, Source, as_checked, check, read_blocks
from earmark.features.frames import Frames, sliding, spooled
from earmark.nn.fused import fused
from earmark.tasks.genre.networks import trained

WINDOWS_AT_ONCE = 8  # a network's maps of more would take more memory than all else, and no less time


@dataclass(frozen=True)
class GenreSegment:
    """A stretch of a recording, in seconds, with one answer and the mean of its probability there."""

    start_s: float
    end_s: float
    label: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """What a model says about a recording.

    probabilities: (classes,) of the recording; window_probabilities: (windows, classes).
    starts_s: (windows,), where the windows start; window_s, stride_s, duration_s: seconds of a window, from
    one window's start to the next, and of what was read of the recording.
    """

    labels: list[str]
    probabilities: np.ndarray
    window_probabilities: np.ndarray
    starts_s: np.ndarray
    window_s: float
    stride_s: float
    duration_s: float

    @property
    def label(self) -> str:
        """The most probable."""
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

    def timeline(self) -> list[GenreSegment]:
        """What is heard when: steps of one stride with the same likeliest label, merged; covers the whole recording."""
        steps = by_step(self.window_probabilities, self.window_s / self.stride_s)
        best = steps.argmax(1)
        starts = np.flatnonzero(np.diff(best, prepend=-1))
        ends = np.append(starts[1:], len(best))
        seconds = np.append(starts * self.stride_s, self.duration_s)
        return [
            GenreSegment(float(seconds[i]), float(seconds[i + 1]), self.labels[k], float(steps[a:b, k].mean()))
            for i, (a, b, k) in enumerate(zip(starts, ends, best[starts], strict=True))
        ]

    def plain_timeline(self) -> list[dict]:
        """The timeline as dicts, for JSON."""
        return [asdict(segment) for segment in self.timeline()]


def by_step(windows: np.ndarray, overlap: float) -> np.ndarray:
    """Probabilities of steps of one stride: the mean over the windows that cover a step's middle.

    windows: (windows, classes); overlap: a window's length in strides, at least about 1.
    Returns (windows + k - 1, classes), where k steps lie in a window.
    """
    k = max(1, int(np.ceil(overlap - 0.5 - 1e-9)))
    n = len(windows)
    total = np.zeros((n + k - 1, windows.shape[1]))
    for step in range(k):
        total[step : step + n] += windows
    covering = np.minimum.reduce([np.arange(1, n + k), np.arange(n + k - 1, 0, -1), np.full(n + k - 1, min(n, k))])
    return total / covering[:, None]


class Predictor:
    """A model folder, ready to judge recordings.

    whole: read recordings to their end; otherwise as far as the model's features.max_seconds says, which is
    how its test figures were made.
    """

    def __init__(self, folder: Path, whole: bool = True):
        self.config = trained.config(folder)
        self.model = fused(trained.load(folder, self.config))
        self.features = self.config.features.until(None) if whole else self.config.features

    @torch.inference_mode()
    def __call__(self, source: Source | CheckedRecording, timeline: bool = False) -> Answer:
        """Judge one recording, a path or the bytes of a file.

        timeline: place the windows in the recording's own seconds. Where the model's features cut quiet ends, the
        windows are read once more with them; the recording's probabilities stay those of the cut one.
        Raises AudioError when it cannot be used; a recording of zeros alone says nothing, as in training.
        """
        recording, features = as_checked(source), self.features
        if features.max_seconds is not None:  # what is not read to its end is checked in a pass of its own
            check(recording)
        sound = read_blocks(recording, features.sample_rate, features.max_seconds)
        with spooled(sound, features) as frames:
            info = recording.info
            if info.flat:
                raise AudioError(info.flat)
            if features.other_rates == "refuse" and info.sample_rate != features.sample_rate:
                rates = f"its sample rate is {info.sample_rate} Hz, but the model takes {features.sample_rate} Hz alone"
                raise AudioError(f"{rates}; convert it")
            by_window, by_song = self.model.judge(self._windows(frames))
            if timeline and frames.trimmed:
                by_window, _ = self.model.judge(self._windows(frames.untrimmed()))
        starts = np.arange(len(by_window)) * features.window_stride_s
        read_s = min(info.duration_s, features.max_seconds or np.inf)
        lengths = features.window_s, features.window_stride_s, read_s
        return Answer(self.config.labels, by_song[0].exp().numpy(), by_window.exp().numpy(), starts, *lengths)

    def _windows(self, frames: Frames) -> Iterator[torch.Tensor]:
        """Windows (n, 1, bands, frames) of a recording, a few at a time, rounded as the store rounds them."""
        size, stride = self.features.window_frames, self.features.window_stride
        blocks = (b.astype(self.features.dtype) for b in frames)
        for piece in sliding(blocks, size, stride):
            windows = torch.from_numpy(piece).unfold(0, size, stride).unsqueeze(1)
            yield from (some.float() for some in windows.split(WINDOWS_AT_ONCE))


def answering(folder: Path) -> Callable[[Source], dict]:
    """What a registered model says of one recording."""
    predictor = Predictor(folder)
    return lambda source: {k: v for k, v in predictor(source).plain().items() if k != "probabilities"}
