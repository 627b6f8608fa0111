"""What the model made of every test trial, and how much two models' equal error rates differ on the same trials."""

from typing import Self

import numpy as np
import pandas as pd

from earmark.evaluation import outcomes
from earmark.evaluation.paired import Difference
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker.trials import scores
from earmark.tasks.speaker.trials.trial_set import Answers

DRAWS, SEED = 2000, 0


def outcomes_of(test: Answers) -> pd.DataFrame:
    """The score of every trial, with the speakers of its two utterances."""
    label = test.trials.utterances.label.to_numpy()
    first, second = label[test.trials.at].T
    found = test.trials.pairs.assign(score=test.score, speaker_a=first, speaker_b=second)
    return found[list(outcomes.TRIALS)].reset_index(drop=True)


class Eer:
    """The equal error rate of all trials together, those of several folds and seeds too, as studies compare it.

    One threshold is held against all, so that models whose scores lie apart pay for it. A group is a speaker.
    trials: as `outcomes_of` gives them, with fold and seed.
    """

    KEY = ("fold", "seed", "a", "b", "same")

    def __init__(self, trials: pd.DataFrame):
        self.trials = trials
        self.recordings = pd.Index(np.unique(trials[["a", "b"]].to_numpy(str)))
        self.groups, places = np.unique(trials[["speaker_a", "speaker_b"]].to_numpy(str), return_inverse=True)
        self.places, self.same = places.reshape(-1, 2), trials.same.to_numpy(bool)
        self.score = trials.score.to_numpy()

    @staticmethod
    def names(_: pd.DataFrame) -> list[str]:
        """The one figure that trials have."""
        return ["eer"]

    @classmethod
    def read(cls, answers: pd.DataFrame, _: str) -> Self:
        """Of all answers."""
        return cls(answers)

    @property
    def value(self) -> float:
        """The figure."""
        return float(scores.eer(scores.curve(self.score, self.same)))

    def interval(self, settings: EvaluateSettings) -> list[float]:
        """95 % interval [low, high], as of the speakers' test."""
        shape = (settings.bootstrap, len(self.groups) + 1)
        return scores.bounds(self.ends(np.random.default_rng(settings.seed).standard_exponential(shape)))

    def common(self, other: Self) -> tuple[Self, Self]:
        """Both, of the trials that both have."""
        keys = list(self.KEY)
        both = self.trials[keys].merge(other.trials[keys])
        return type(self)(both.merge(self.trials, on=keys)), type(self)(both.merge(other.trials, on=keys))

    def under(self, shares: np.ndarray, end: int) -> np.ndarray:
        """The figure (draws,) at its lower (0) or upper (1) end.

        shares: (draws, 1 + speakers), the first of one whom nobody has heard: always judged rightly, or wrongly.
        """
        return self.ends(shares)[end]

    def ends(self, shares: np.ndarray) -> np.ndarray:
        """The figure at both ends, (2, draws)."""
        return scores.weighted(scores.eer, self.score, self.same, self.places, shares)


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, level: float, draws: int = DRAWS) -> Difference:
    """EER of one model less that of another, both of the same trials, with bounds that hold at the level each.

    As in `evaluation.paired`: speakers get random weights, and trials `scores.trial_weights`; beside them stands a
    speaker whom nobody has heard, with as many trials as the others have, in which one model is always wrong and the
    other always right.
    """
    both = Eer(ours), Eer(theirs)
    shares = np.random.default_rng(SEED).standard_exponential((draws, len(both[0].groups) + 1))
    (our_low, our_high), (their_low, their_high) = (one.ends(shares) for one in both)
    low, high = np.quantile(our_low - their_high, level), np.quantile(our_high - their_low, 1 - level)
    return Difference(both[0].value - both[1].value, float(low), float(high))
