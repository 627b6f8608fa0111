"""What the model made of every test trial, and how much two models' equal error rates differ on the same trials."""

from typing import Self

import numpy as np
import pandas as pd

from earmark.evaluation import outcomes
from earmark.evaluation.paired import Difference
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker.trials import scores
from earmark.tasks.speaker.trials.scores import Trials
from earmark.tasks.speaker.trials.trial_set import Answers

DRAWS, AT_ONCE, SEED = 2000, 100, 0


def of(test: Answers) -> pd.DataFrame:
    """The score of every trial, with the speakers of its two utterances."""
    label = test.trials.utterances.label.to_numpy()
    first, second = label[test.trials.at].T
    found = test.trials.pairs.assign(score=test.score, speaker_a=first, speaker_b=second)
    return found[list(outcomes.TRIALS)].reset_index(drop=True)


class Eer:
    """The equal error rate of all trials together, those of several folds and seeds too, as studies compare it.

    One threshold is held against all, so that models whose scores lie apart pay for it. A group is a speaker.
    trials: as `of` gives them, with fold and seed.
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
        return scores.bounds(self._ends(np.random.default_rng(settings.seed).standard_exponential(shape)))

    def common(self, other: Self) -> tuple[Self, Self]:
        """Both, of the trials that both have."""
        keys = list(self.KEY)
        both = self.trials[keys].merge(other.trials[keys])
        return type(self)(both.merge(self.trials, on=keys)), type(self)(both.merge(other.trials, on=keys))

    def under(self, shares: np.ndarray, end: int) -> np.ndarray:
        """The figure (draws,) at its lower (0) or upper (1) end.

        shares: (draws, 1 + speakers), the first of one whom nobody has heard: always judged rightly, or wrongly.
        """
        return self._ends(shares)[end]

    def _ends(self, shares: np.ndarray) -> np.ndarray:
        return scores.weighted(scores.eer, self.score, self.same, self.places, shares)


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, level: float, draws: int = DRAWS) -> Difference:
    """EER of one model less that of another, both of the same trials, with bounds that hold at the level each.

    As in `evaluation.paired`: speakers get random weights, and trials `scores.trial_weights`; beside them stands a
    speaker whom nobody has heard, with as many trials as the others have, in which one model is always wrong and the
    other always right.
    """
    ours, theirs = (t.sort_values(["a", "b", "same"]).reset_index(drop=True) for t in (ours, theirs))
    same = ours.same.to_numpy(bool)
    names, places = np.unique(ours[["speaker_a", "speaker_b"]].to_numpy(str), return_inverse=True)
    places = places.reshape(-1, 2)
    both = [Trials(t.score.to_numpy(), same) for t in (ours, theirs)]
    rng, drawn = np.random.default_rng(SEED), []
    for start in range(0, draws, AT_ONCE):
        shares = rng.standard_exponential((min(AT_ONCE, draws - start), len(names) + 1))
        drawn.append(_differences(both, same, shares[:, 1:], shares[:, :1], places))
    low, high = np.concatenate(drawn, axis=1)
    found = [float(scores.eer(trials.curve(np.ones(len(same))))) for trials in both]
    return Difference(found[0] - found[1], float(np.quantile(low, level)), float(np.quantile(high, 1 - level)))


def _differences(
    both: list[Trials], same: np.ndarray, shares: np.ndarray, unheard: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """EER of the first less that of the second, (2, draws): the unheard speaker favours the first, then the second.

    shares: (draws, speakers); unheard: (draws, 1); places: (trials, 2), of each trial's speakers.
    """
    weights = scores.trial_weights(shares, same, places)
    totals = weights[:, same].sum(1, keepdims=True), weights[:, ~same].sum(1, keepdims=True)
    extra = scores.unheard_trials(same, shares, unheard)
    curves = [trials.curve(weights) for trials in both]
    right, wrong = ([scores.with_unheard(c, totals, extra, errs) for c in curves] for errs in (False, True))
    return np.stack([scores.eer(right[0]) - scores.eer(wrong[1]), scores.eer(wrong[0]) - scores.eer(right[1])])
