"""An exam of a speaker model: utterances, trials, a system's answers; and thresholds, chosen on one and carried on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from earmark.tasks.speaker.settings import SpeakerEvaluateSettings
from earmark.tasks.speaker.trials import clustering, scores, utterances
from earmark.tasks.speaker.trials import pairing as trials

Say = Callable[[str], None]


@dataclass(frozen=True)
class Exam:
    """A split's utterances (a table of `utterances.of`) and trials (one of `trials.of`)."""

    utterances: pd.DataFrame
    trials: pd.DataFrame

    @cached_property
    def at(self) -> np.ndarray:
        """Where the utterances of each trial stand: (trials, 2)."""
        return trials.places(self.utterances, self.trials)

    @cached_property
    def same(self) -> np.ndarray:
        return self.trials.same.to_numpy(bool)

    @cached_property
    def speakers(self) -> np.ndarray:
        """Numbers of the utterances' speakers: (utterances,) int64."""
        return np.unique(self.utterances.label, return_inverse=True)[1]


@dataclass(frozen=True)
class Answers:
    """What a system makes of an exam. embeddings: (utterances, d), L2-normalised."""

    exam: Exam
    embeddings: np.ndarray

    @cached_property
    def score(self) -> np.ndarray:
        """Cosine of each trial: (trials,)."""
        return trials.score(self.embeddings, self.exam.at)

    @cached_property
    def curve(self) -> scores.Curve:
        return scores.curve(self.score, self.exam.same)

    @cached_property
    def tree(self) -> np.ndarray:
        return clustering.tree(self.embeddings)


@dataclass(frozen=True)
class Carried:
    """What is chosen on validation speakers: the cosine from which two utterances are of one speaker, where both kinds
    of errors were equally frequent, and the cosine distance up to which clusters are joined.
    """

    threshold: float
    cluster_threshold: float


def exam(
    table: pd.DataFrame, split: str, settings: SpeakerEvaluateSettings, given: pd.DataFrame | None, say: Say
) -> Exam:
    """The exam of a split of the manifest. given: trials.csv, if there is one. say: told what makes trials easy."""
    everyone = utterances_of(table, settings, given)
    listed = trials.of(everyone, split, settings.trials, settings.seed, given, say)
    return Exam(everyone[everyone["split"] == split].reset_index(drop=True), listed)


def utterances_of(table: pd.DataFrame, settings: SpeakerEvaluateSettings, given: pd.DataFrame | None) -> pd.DataFrame:
    """The utterances of a manifest; where trials are given theirs, never joined."""
    return utterances.of(table, 0.0 if given is not None else settings.utterance_s)


def learnt(table: pd.DataFrame, settings: SpeakerEvaluateSettings, given: pd.DataFrame | None) -> pd.DataFrame:
    """What the baselines learn from: the training utterances; of a speaker with a single one its recordings.

    LDA wants to see what differs within a speaker.
    """
    everyone = utterances_of(table, settings, given)
    train = everyone[everyone["split"] == "train"]
    alone = train.groupby("label").id.transform("size") == 1
    apart = train[alone].explode("paths")
    apart = apart.assign(id=apart.paths, paths=[(path,) for path in apart.paths])
    return pd.concat([train[~alone], apart], ignore_index=True)


def carried(val: Answers) -> Carried:
    """The thresholds that validation speakers speak for."""
    return Carried(
        scores.eer_threshold(val.curve), clustering.best_threshold(val.tree, val.exam.utterances.label.to_numpy())
    )
