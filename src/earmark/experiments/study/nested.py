"""A choice among cells that never sees the fold it is judged on (nested cross-validation).

Cells are compared by trainings that leave out two folds {a, b} at once and are tested on both. For the outer
fold a, only the answers on b count, and the other way round: neither fold was trained on, and the answers
on the outer fold itself are not looked at.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from earmark.evaluation import intervals
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.table import figures, rights


def pairs(outer: list[str], folds: list[str], ring: bool = False) -> list[tuple[str, str]]:
    """Unordered pairs of folds of which one is to be judged, in order.

    ring: neighbours alone, the last and the first among them: of five folds half the trainings, and every
    fold is chosen for by two others instead of four.
    """
    n = len(folds)
    near = [tuple(sorted((folds[i], folds[(i + 1) % n]))) for i in range(n)]
    return [pair for pair in combinations(folds, 2) if set(pair) & set(outer) and (not ring or pair in near)]


def inner_scores(judged: pd.DataFrame) -> pd.DataFrame:
    """Inner accuracy of every cell for every outer fold, pooled over the other folds' recordings.

    judged: one row an answer: cell, pair (the two folds left out), fold (the recording's, one of them),
    recording, right. Returns columns cell, outer, accuracy, recordings.
    """
    outer = [next(f for f in pair if f != fold) for pair, fold in zip(judged.pair, judged.fold, strict=True)]
    scored = judged.assign(outer=outer).groupby(["cell", "outer"], as_index=False, sort=True)
    return scored.agg(accuracy=("right", "mean"), recordings=("recording", "size"))


def choose(scores: pd.DataFrame) -> dict[str, int]:
    """The best cell for each outer fold by inner accuracy; of equals, the one that comes first in the study."""
    best = scores.sort_values(["outer", "accuracy", "cell"], ascending=[True, False, True])
    return best.groupby("outer").cell.first().to_dict()


def ensemble(answers: pd.DataFrame) -> pd.DataFrame:
    """One answer a recording from the mean of its seeds' probabilities."""
    columns = [c for c in answers if c.startswith("p_")]
    mean = answers.groupby("recording")[columns].mean()
    first = answers.groupby("recording")[["label", "group", "fold"]].first()
    predicted = [columns[i].removeprefix("p_") for i in mean.to_numpy().argmax(1)]
    return first.assign(predicted=predicted).join(mean).reset_index()


def outcome(answers: pd.DataFrame, baseline: pd.DataFrame, draws: GroupDraws) -> dict:
    """Figures of the chosen cells on their outer folds.

    answers: of all seeds, one row a recording and seed; baseline: recording and predicted.
    Accuracy is the mean over seeds; its interval, and that of the paired difference to the baseline, is over groups.
    `ensemble` averages the seeds' probabilities.
    """
    songs, mean = rights(answers), ensemble(answers).set_index("recording")
    group = songs.group.to_numpy()
    guess = baseline.set_index("recording").predicted.loc[songs.index] == mean.label.loc[songs.index]
    right = {"accuracy": songs.right, "baseline_accuracy": guess, "ensemble_accuracy": mean.predicted == mean.label}
    values = {name: each.loc[songs.index].to_numpy(float) for name, each in right.items()}
    found: dict = {}
    for name, each in values.items():
        found |= intervals.share(name, each, 1.0, group, draws.settings)
    for name in ("accuracy", "ensemble_accuracy"):
        sides = values[name], values["baseline_accuracy"]
        found |= intervals.difference(f"{name.split('_')[0]}_minus_baseline", *sides, 1.0, group, draws.settings)
    found |= intervals.methods(found)
    by_seed = {str(seed): _one_seed(one, draws) for seed, one in answers.groupby("seed")}
    for name in ("macro_f1", "ece"):
        found[name] = float(np.mean([f[name] for f in by_seed.values()]))
        found[f"ensemble_{name}"] = figures(mean.reset_index())[name]
    return found | {"seeds": by_seed, "n_recordings": len(songs), "n_groups": int(songs.group.nunique())}


def _one_seed(answers: pd.DataFrame, draws: GroupDraws) -> dict:
    songs = rights(answers)
    right = songs.right.to_numpy()
    return figures(answers) | intervals.share("accuracy", right, 1.0, songs.group.to_numpy(), draws.settings)
