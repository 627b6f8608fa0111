"""What a speaker model hears in recordings, how much speech that is, and the thresholds by which it decides."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from earmark.console import warn
from earmark.errors import EarmarkError
from earmark.tasks import answering
from earmark.tasks.answering import Recording
from earmark.training.model_files import ResolvedModel

# Seconds of speech to ask for where a model does not say on how much it was judged. The released one learnt from
# stretches of 1 to 2.4 s and was judged on utterances of about 2 s; at 1 s it takes a third of the pairs of one speaker
# for two, below half a second two thirds.
LEAST_S = 2.0
TOLD = 5  # recordings with too little speech that are named one by one


class EmbeddedRecording(NamedTuple):
    """embedding: (d,), of length 1. speech_s: seconds of the recording that are no pauses."""

    recording: Recording
    embedding: np.ndarray
    speech_s: float


class Listener:
    """Hears recordings with a model; the sentences on those that cannot be used go into `problems`."""

    def __init__(self, chosen: ResolvedModel, problems: answering.Problems, channel: int | None = None):
        from earmark.tasks.speaker.predictions import Embedder

        self.chosen = chosen
        self.name = chosen.name
        self.embedder = Embedder(chosen.folder)
        self.release: dict = self.embedder.config.release
        self.problems, self.channel = problems, channel

    def __call__(
        self, recordings: Iterable[Recording], shown: Callable[[Iterable], Iterable] = iter
    ) -> list[EmbeddedRecording]:
        """The voices in what can be used; too little speech is said. shown: as of `answering.answers`."""
        found = self.quietly(recordings, shown)
        little = [voice for voice in found if voice.speech_s < self.least_s]
        if len(little) > TOLD:
            least = min(little, key=lambda voice: voice.speech_s)
            n = f"{len(little)} of {len(found)} recordings hold too little speech, {least.recording.shown} the least:"
            self.warn_of_little(n, least.speech_s)
        for voice in little if len(little) <= TOLD else ():
            self.warn_of_little(f"{voice.recording.shown} holds", voice.speech_s)
        return found

    def quietly(
        self, recordings: Iterable[Recording], shown: Callable[[Iterable], Iterable] = iter
    ) -> list[EmbeddedRecording]:
        """The same without a word on too little speech."""
        heard = answering.answers(recordings, self.embedder.heard, self.problems, shown)
        return [EmbeddedRecording(recording, *what) for recording, what in heard]

    def of_folder(self, files: Iterable[Path]) -> list[Recording]:
        """Recordings of a folder that was walked; the sentences on those that cannot be opened go into `problems`."""
        with answering.recordings(files, self.problems, self.channel, folders=False, asked=False) as found:
            return found

    @property
    def least_s(self) -> float:
        """The speech that the model's figures speak for, in seconds."""
        return float(self.release.get("speech_s", LEAST_S))

    def warn_of_little(self, whose: str, speech_s: float) -> None:
        """whose: the sentence's beginning, as in 'a.wav holds'."""
        if speech_s < self.least_s:
            warn(
                f"{whose} {speech_s:.2f} s of speech, but this model's figures were measured on "
                f"{self.least_s:.2g} s or more: with less, one person is often mistaken for two; use longer "
                "recordings."
            )

    def threshold(self, given: float | None) -> float:
        """The cosine from which two recordings are of one speaker: the given one, which is commented, or the model's.

        Raises EarmarkError where there is neither.
        """
        if given is None:
            return self._carried("threshold")
        warn(cost(given, self.release))
        return given

    def cluster_distance(self, given: float | None) -> float:
        """The cosine distance up to which groups are joined; given: the cosine down to which they are."""
        if given is None:
            return self._carried("cluster_threshold")
        if own := self.release.get("cluster_threshold"):
            more = "more groups" if given > 1 - own else "fewer groups"
            warn(
                f"Groups are merged down to a mean cosine of {given:.3f}; the model's own limit, chosen on its "
                f"validation speakers, is {1 - own:.3f}. On voices like theirs, expect {more} than with that limit."
            )
        return 1 - given

    def _carried(self, name: str) -> float:
        if name not in self.release:
            raise EarmarkError(
                f"{self.name} carries no {name.replace('_', ' ')}, because it was trained without validation "
                "speakers; choose one with --threshold, or name a released model with --model."
            )
        return float(self.release[name])


def cost(threshold: float, release: dict) -> str:
    """A sentence on what a threshold costs, by what the model carries: operating points, or the rates at its own."""
    if "threshold" not in release:
        return (
            f"The model carries no threshold and no error rates, so the error rates at {threshold:.3f} are not known."
        )
    own = float(release["threshold"])
    if points := release.get("operating_points"):
        return (
            f"At a threshold of {threshold:.3f}, {_rates(*_at(points, threshold))}; at the model's own, {own:.3f}, "
            f"{_rates(*_at(points, own))}: on its validation speakers."
        )
    tests = release.get("figures", {})
    known = [f"{name}: {_rates(f['false_alarm_rate'], f['miss_rate'])}" for name, f in tests.items() if _told(f)]
    side = (
        "below it different-speaker pairs are accepted more often"
        if threshold < own
        else ("above it same-speaker pairs are rejected more often")
    )
    rates = f" ({'; '.join(known)})" if known else ""
    return (
        f"The model's own threshold is {own:.3f}{rates}; {side}. It carries no rates at {threshold:.3f}: measure them "
        "with `earmark score speaker FOLDER`."
    )


def _told(figures: dict) -> bool:
    return {"false_alarm_rate", "miss_rate"} <= figures.keys()


def _at(points: list[dict[str, float]], threshold: float) -> tuple[float, float]:
    """False alarm and miss rate at a threshold, on straight lines between the points."""
    at = [p["threshold"] for p in points]
    alarm, miss = (np.interp(threshold, at, [p[f"{kind}_rate"] for p in points]) for kind in ("false_alarm", "miss"))
    return float(alarm), float(miss)


def _rates(false_alarm: float, miss: float) -> str:
    return (
        f"{false_alarm:.1%} of different-speaker pairs are accepted and {miss:.1%} of same-speaker pairs are rejected"
    )
