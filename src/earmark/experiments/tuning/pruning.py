"""When a trial is given up: curves are compared at equal fractions of the schedule, folds as they end.

Epoch for epoch, a rate that falls late looks worse than one that falls early. So a training reports at every tenth of
its own epochs, and `median` looks at what the others had at that tenth of the same fold. `wilcoxon` looks at whole
folds: Optuna's WilcoxonPruner pairs the figures of the inner folds with the best trial's.
"""

from collections.abc import Iterable

import numpy as np
import optuna
from optuna.pruners import BasePruner, NopPruner, WilcoxonPruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

PARTS = 10  # of a schedule, at whose ends a training reports
PATIENCE = 2  # reports in a row below the median before a trial is given up
FROM = 3  # parts of a schedule that are let pass: rates are still rising
AMONG = 5  # trials that must have come as far


class MedianOfFractions(BasePruner):
    """Gives up a trial whose last reports were all worse than the median of the finished trials at the same place."""

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """As BasePruner's."""
        sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return below_median(trial.intermediate_values, [t.intermediate_values for t in done], sign)


def below_median(mine: dict[int, float], others: Iterable[dict[int, float]], sign: float) -> bool:
    """Whether the last PATIENCE reports are all worse than the median of the others at the same place.

    mine, others: figures by place (`place`); sign: 1 where more is better, else -1. Reports before FROM parts of a
    schedule, and places where fewer than AMONG others are, decide nothing.
    """
    last = sorted(mine)[-PATIENCE:]
    if len(last) < PATIENCE or last[-1] - last[0] != PATIENCE - 1:
        return False
    for step in last:
        there = [values[step] for values in others if step in values]
        if step % PARTS < FROM or len(there) < AMONG or sign * mine[step] >= sign * float(np.median(there)):
            return False
    return True


def place(fold: int, epoch: int, epochs: int) -> int | None:
    """Where a training of the fold with this number reports after an epoch; None where it does not.

    fold * PARTS + the part of the schedule that has ended, 0 to PARTS - 1.
    """
    part, before = epoch * PARTS // epochs, (epoch - 1) * PARTS // epochs
    return fold * PARTS + part - 1 if part > before else None


def pruner(kind: str) -> BasePruner:
    """The pruner of a name."""
    if kind == "median":
        return MedianOfFractions()
    if kind == "wilcoxon":
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return WilcoxonPruner(p_threshold=0.1)
    return NopPruner()
