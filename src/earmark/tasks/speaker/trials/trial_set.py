"""What a speaker model is judged on: utterances and trials, a system's answers, and thresholds to carry on."""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import clustering, pairing, scores, utterances

POINT = ("threshold", "false_alarm_rate", "miss_rate")


@dataclass(frozen=True)
class TrialSet:
    """A split's utterances (a table of `utterances_of`) and pairs of them: a, b (ids), same (boolean)."""

    utterances: pd.DataFrame
    pairs: pd.DataFrame

    @cached_property
    def at(self) -> np.ndarray:
        """Where the utterances of each pair stand: (trials, 2)."""
        return pairing.places(self.utterances, self.pairs)

    @cached_property
    def same(self) -> np.ndarray:
        """Which pairs are of one speaker: (trials,) booleans."""
        return self.pairs.same.to_numpy(bool)

    @cached_property
    def speakers(self) -> np.ndarray:
        """Numbers of the utterances' speakers: (utterances,) int64."""
        return np.unique(self.utterances.label, return_inverse=True)[1]


@dataclass(frozen=True)
class Answers:
    """What a system makes of the utterances of trials. embeddings: (utterances, d), L2-normalised."""

    trials: TrialSet
    embeddings: np.ndarray

    @cached_property
    def score(self) -> np.ndarray:
        """Cosine of each trial: (trials,)."""
        return pairing.score(self.embeddings, self.trials.at)

    @cached_property
    def curve(self) -> scores.Curve:
        """Errors at every threshold."""
        return scores.curve(self.score, self.trials.same)

    @cached_property
    def tree(self) -> np.ndarray:
        """The agglomeration of the embeddings."""
        return clustering.tree(self.embeddings)


@dataclass(frozen=True)
class Thresholds:
    """What is chosen on validation speakers: the cosine from which two utterances are of one speaker, where both kinds
    of errors were equally frequent, and the cosine distance up to which clusters are joined.
    """

    threshold: float
    cluster_threshold: float


def of_split(table: pd.DataFrame, trials: pd.DataFrame, split: str) -> TrialSet | None:
    """The utterances and trials of a split; None where it has no recordings.

    table: a manifest. trials: as the prepare stage draws them.
    """
    rows = table[table["split"] == split]
    if not len(rows):
        return None
    own = trials[trials["split"] == split].reset_index(drop=True)
    return TrialSet(utterances.utterances_of(rows), own[["a", "b"]].assign(same=own.same.astype(bool)))


def require_split(table: pd.DataFrame, trials: pd.DataFrame, split: str) -> TrialSet:
    """The same of a split that must be there. Raises EarmarkError where it is not."""
    found = of_split(table, trials, split)
    if found is None:
        raise EarmarkError(f"No recording is in the split '{split}', which speakers are judged on; assign some to it.")
    return found


def thresholds_of(val: Answers) -> Thresholds:
    """The thresholds that validation speakers speak for."""
    labels = val.trials.utterances.label.to_numpy()
    return Thresholds(scores.eer_threshold(val.curve), clustering.best_threshold(val.tree, labels))


def thresholds_config(val: Answers, speech_s: np.ndarray) -> dict:
    """What a model takes along from its validation speakers: its thresholds, and what another one would cost.

    operating_points: error rates on the validation trials at some thresholds. speech_s: so much speech had nine of
    ten of their utterances, (utterances,) seconds each; the figures speak for no less.
    """
    points = [dict(zip(POINT, row, strict=True)) for row in scores.operating_points(val.curve)]
    return asdict(thresholds_of(val)) | {
        "operating_points": points,
        "speech_s": round(float(np.quantile(speech_s, 0.1)), 2),
    }
