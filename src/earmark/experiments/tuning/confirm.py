"""What was chosen, and whether it is better: said of recordings alone that played no part in the choice.

The best of many trials looks better than it is, on the folds that chose it and with the seed that it had. So the best
few are trained again with other seeds, the inner folds choose among these, and the outer fold, which no choice saw,
says whether the chosen setting is better than today's: paired by recording, drawn over groups (`evaluation.paired`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from earmark import paths
from earmark.data.walking import counted
from earmark.errors import EarmarkError
from earmark.evaluation import outcomes
from earmark.evaluation.paired import Difference
from earmark.experiments.study import jobs
from earmark.experiments.study.jobs import TrainingJob
from earmark.experiments.tuning import sampling
from earmark.experiments.tuning.ground import Ground
from earmark.registry import gate
from earmark.tasks import catalog

LEVEL = 0.025  # beyond each end
Say = Callable[[str], None]


@dataclass(frozen=True)
class FoldChoice:
    """The choice for one outer fold.

    number: of the chosen trial; today: of today's setting. inner: figures of the settings that were trained again, by
    number of their trial, means over inner folds and seeds. outer_figures: of the chosen one and of today's on the
    outer fold, means over seeds. theirs, ours: outcomes of all seeds there, of today's setting and of the chosen one.
    """

    outer: str
    number: int
    today: int
    overrides: dict[str, Any]
    inner: dict[int, float]
    outer_figures: tuple[float, float]
    ours: pd.DataFrame
    theirs: pd.DataFrame


def choose(ground: Ground, studies: dict[str, Study], workers: int, say: Say) -> list[FoldChoice]:
    """The choice for every outer fold. Raises EarmarkError where today's own setting cannot be trained."""
    plan = ground.plan
    again = {outer: finalists(study, plan.best) for outer, study in studies.items()}
    inner = {
        (outer, t.number): [
            ground.inner_job(_settings(ground, t), outer, fold, seed)
            for fold in ground.inners(outer)
            for seed in plan.seeds
        ]
        for outer, trials in again.items()
        for t in trials
    }
    _execute([job for some in inner.values() for job in some], workers, say, "the best trials, with other seeds")
    found = []
    for outer, trials in again.items():
        means = {t.number: _mean(ground, inner[outer, t.number]) for t in trials}
        found.append((outer, trials, means))
    ends = {outer: _ends(ground, trials, means) for outer, trials, means in found}
    last = {
        (o, t.number): [ground.outer_job(_settings(ground, t), o, s) for s in plan.seeds] for o in ends for t in ends[o]
    }
    both = "the chosen settings and those in params.yaml, on the outer folds"
    _execute([job for some in last.values() for job in some], workers, say, both)
    return [_chosen(ground, outer, ends[outer], means, last) for outer, _, means in found]


def finalists(study: Study, best: int) -> list[FrozenTrial]:
    """Today's setting, then the best trials, each setting once. Raises EarmarkError where today's is not complete."""
    trials = [t for t in study.get_trials(deepcopy=False) if sampling.counts(t)]
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    first = trials[0] if trials else None
    if first is None or first.state != TrialState.COMPLETE:
        reason = first.user_attrs.get("reason", "") if first else ""
        raise EarmarkError(
            f"The setting in params.yaml, the first trial of {study.study_name}, has no figure, so nothing can be "
            f"compared with it{f' ({reason})' if reason else ''}; first correct what kept that trial from ending."
        )
    sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
    others = sorted((t for t in complete if t.params != first.params), key=lambda t: (sign * t.value, t.number))
    different = list({repr(sorted(t.params.items())): t for t in reversed(others)}.values())[::-1]
    return [first, *different[:best]]


def gain(ground: Ground, some: list[FoldChoice]) -> Difference:
    """How much better the chosen settings are than today's, on all outer folds together, with a 95 % interval."""
    task = catalog.task(ground.plan.task)
    ours, theirs = (pd.concat([getattr(c, side) for c in some], ignore_index=True) for side in ("ours", "theirs"))
    return gate.gain(task, ours, theirs, LEVEL)


def verdict(ground: Ground, some: list[FoldChoice]) -> str:
    """What may be said of the chosen settings."""
    task, found = catalog.task(ground.plan.task), gain(ground, some)
    ours, theirs = (float(np.mean([c.outer_figures[i] for c in some])) for i in (0, 1))
    table = pd.concat([c.ours for c in some])
    what = "trials" if outcomes.are_trials(table) else "recordings"
    n = len(table) // (len(ground.plan.seeds) if what == "trials" else 1)
    of = f"{task.headline} {ours:.3f} against {theirs:.3f}, a gain of {found.difference:+.3f}"
    seen = f"{of} [{found.low:+.3f}, {found.high:+.3f}] on {n} {what} that played no part in the choice"
    if all(c.number == c.today for c in some):
        return (
            f"The setting that was chosen is that in params.yaml: {task.headline} {theirs:.3f} on {n} {what} that "
            "played no part in the choice."
        )
    if found.low > 0:
        return f"Better than the setting in params.yaml: {seen}."
    if found.high < 0:
        return f"Worse than the setting in params.yaml: {seen}."
    return f"No better than the setting in params.yaml, as far as these recordings can tell: {seen}."


def to_apply(ground: Ground, some: list[FoldChoice]) -> FoldChoice:
    """The choice that goes into params.yaml: whose inner gain over today's is the largest, with seeds of its own."""
    sign = -1.0 if ground.plan.direction == "minimize" else 1.0
    return max(some, key=lambda c: sign * (c.inner[c.number] - c.inner[c.today]))


def _settings(ground: Ground, trial: FrozenTrial) -> Any:
    return ground.settings(ground.plan.space.overrides(trial.params))


def _execute(some: list[TrainingJob], workers: int, say: Say, what: str) -> None:
    folder = paths.state() / "studies"
    waiting = len({job.key for job in some if not jobs.is_finished(job, folder)})
    if waiting:
        say(f"{counted(waiting, 'training')}: {what}.")
    jobs.execute(some, folder, workers, lambda job: say(f"{' and '.join(job.test)}, seed {job.train.seed}: trained."))


def _mean(ground: Ground, some: list[TrainingJob]) -> float:
    """The mean figure of trainings; NaN where one was refused."""
    results = [jobs.result(job, paths.state() / "studies") for job in some]
    return float(np.mean([r.get(ground.plan.headline, np.nan) if not r["refused"] else np.nan for r in results]))


def _ends(ground: Ground, trials: list[FrozenTrial], means: dict[int, float]) -> list[FrozenTrial]:
    """The chosen trial and today's, which is chosen unless another is better."""
    sign = -1.0 if ground.plan.direction == "minimize" else 1.0
    able = [t for t in trials if np.isfinite(means[t.number])]
    best = max(able, key=lambda t: sign * means[t.number], default=trials[0])
    return [best, trials[0]]


def _chosen(
    ground: Ground,
    outer: str,
    ends: list[FrozenTrial],
    means: dict[int, float],
    last: dict[tuple[str, int], list[TrainingJob]],
) -> FoldChoice:
    tables = [_outcomes(ground, last[outer, t.number]) for t in ends]
    figures = tuple(_mean(ground, last[outer, t.number]) for t in ends)
    if not all(np.isfinite(figures)):
        raise EarmarkError(
            f"A chosen setting could not be trained again on {outer}: "
            f"{next(r for t in ends for r in _refusals(last[outer, t.number]))}"
        )
    overrides = ground.plan.space.overrides(ends[0].params)
    return FoldChoice(outer, ends[0].number, ends[1].number, overrides, means, figures, *tables)


def _refusals(some: list[TrainingJob]) -> list[str]:
    return [r["refused"] for job in some if (r := jobs.result(job, paths.state() / "studies"))["refused"]]


def at_own_threshold(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of one model with its threshold at 0, at which both errors are equally frequent.

    Each fold and seed has a network of its own, and the scores of two are no common scale: so the EER of all their
    trials together is the mean of theirs, and none pays for where its scores lie.
    """
    missed, found, thresholds = _errors(trials)
    return trials.assign(score=trials.score - thresholds[np.argmin(np.abs(missed - found))])


def _errors(trials: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of same trials missed and of different ones accepted, by finite threshold, (n,) each."""
    from sklearn.metrics import roc_curve  # the seconds of an import that other tasks do without

    accepted, kept, thresholds = roc_curve(trials.same, trials.score, drop_intermediate=False)
    return 1 - kept[1:], accepted[1:], thresholds[1:]


def _outcomes(ground: Ground, some: list[TrainingJob]) -> pd.DataFrame:
    """What trainings with several seeds made of their test recordings: the mean of what is right, or all trials."""
    refused = set(_refusals(some))
    tables = [jobs.predictions(job, paths.state() / "studies") for job in some] if not refused else []
    if not tables:
        return pd.DataFrame()
    if outcomes.are_trials(tables[0]):  # a seed's trials stand beside another's
        seeds = [at_own_threshold(t.assign(a=t.a + f"#{i}", b=t.b + f"#{i}")) for i, t in enumerate(tables)]
        return pd.concat(seeds, ignore_index=True)
    name = ground.plan.headline
    both = pd.concat(tables).groupby("recording", as_index=False, sort=True)
    mean = both.agg(group=("group", "first"), right=(f"right_{name}", "mean"), weight=(f"of_{name}", "mean"))
    return outcomes.shares(name, mean, mean.right.to_numpy(), mean.weight.to_numpy())
