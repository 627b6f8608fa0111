"""Whether giving trials up pays: studies replayed on the finished trainings of a tuning.

    earmark tune tuning/esc10.yaml -S data.source=esc10 -S data.root=~/ESC-50
    python benchmarks/pruning.py tuning/esc10.yaml -S data.source=esc10 -S data.root=~/ESC-50

The tuning is one whose trials were all trained to their end (`prune: none`). Of each outer fold its complete trials
are a table: every setting's curves, its figure, and its trainings' seconds. A replay is a study that meets these
settings in a random order, today's first, and asks the pruner at every place where a training would have. It costs
the seconds up to where a trial was given up.

For each pruner: seconds spent, as a share of those without it; how often the best setting was given up; and by how much
the best figure found so far is better than that of a study without pruner, after the same seconds, a quarter, half and
three quarters of what all trials take. Intervals are over outer folds' means where there are several (t), which share
recordings; replays of one fold share its table, and their spread says nothing of other tables.
"""

import argparse
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import optuna
from optuna.trial import TrialState
from scipy.stats import t as student

from earmark import config, console, paths
from earmark.experiments.study import jobs
from earmark.experiments.tuning import pruning, run, storage
from earmark.experiments.tuning.ground import Ground
from earmark.experiments.tuning.run import TuningOptions

PRUNERS = ("none", "median", "wilcoxon")
BUDGETS = (0.25, 0.5, 0.75)  # of the seconds of all trials


@dataclass(frozen=True)
class Fold:
    """One training of a setting. reports: (place, figure, seconds until then); figure: on the inner fold."""

    reports: list[tuple[int, float, float]]
    figure: float
    seconds: float


def table(ground: Ground, outer: str, study: optuna.Study) -> list[list[Fold]]:
    """The inner folds' trainings of every complete trial, today's first."""
    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        settings = ground.settings(ground.plan.space.overrides(trial.params))
        inner = [ground.inner_job(settings, outer, name) for name in ground.inners(outer)]
        results = [jobs.result(job, paths.state() / "studies") for job in inner]
        found.append(
            [_fold(ground, i, r, job.train.epochs) for i, (r, job) in enumerate(zip(results, inner, strict=True))]
        )
    return found


def _fold(ground: Ground, number: int, result: dict, epochs: int) -> Fold:
    error, reports = ground.plan.direction == "minimize", []
    seconds = float(result["cpu_seconds"])
    for row in result["history"]:
        place = pruning.place(number, row["epoch"], epochs)
        if place is not None and "val/accuracy" in row:
            value = 1 - row["val/accuracy"] if error else row["val/accuracy"]
            reports.append((place, value, seconds * row["epoch"] / len(result["history"])))
    return Fold(reports, float(result[ground.plan.headline]), seconds)


def replay(
    settings: list[list[Fold]], order: np.ndarray, kind: str, direction: str
) -> list[tuple[float, float | None]]:
    """Seconds and figure of each setting in this order; None where the pruner gave it up."""
    study = optuna.create_study(direction=direction, pruner=pruning.pruner(kind))
    return [_tried(study, settings[i], kind) for i in order]


def _tried(study: optuna.Study, folds: list[Fold], kind: str) -> tuple[float, float | None]:
    trial, spent = study.ask(), 0.0
    for number, fold in enumerate(folds):
        for place, value, seconds in fold.reports if kind == "median" else ():
            trial.report(value, place)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return spent + seconds, None
        spent += fold.seconds
        if kind == "wilcoxon":
            trial.report(fold.figure, number)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return spent, None
    value = float(np.mean([fold.figure for fold in folds]))
    study.tell(trial, value)
    return spent, value


def best_after(done: list[tuple[float, float | None]], budget: float, sign: float) -> float:
    """The best figure, times `sign`, of the settings that end within the budget of seconds; the first always does."""
    ends = accumulate(seconds for seconds, _ in done)
    within = [value for end, (_, value) in zip(ends, done, strict=True) if end <= budget and value is not None]
    return max(sign * value for value in [done[0][1], *within] if value is not None)


def judged(settings: list[list[Fold]], replays: int, direction: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """By pruner, means over replays: share of seconds, share that lost the best, gain at each of BUDGETS."""
    sign = -1.0 if direction == "minimize" else 1.0
    whole = sum(fold.seconds for folds in settings for fold in folds)
    best = max(sign * float(np.mean([fold.figure for fold in folds])) for folds in settings)
    rows: dict[str, list[list[float]]] = {kind: [] for kind in PRUNERS}
    for _ in range(replays):
        order = np.concatenate([[0], 1 + rng.permutation(len(settings) - 1)])
        done = {kind: replay(settings, order, kind, direction) for kind in PRUNERS}
        plain = [best_after(done["none"], share * whole, sign) for share in BUDGETS]
        for kind, of in done.items():
            gains = [best_after(of, share * whole, sign) - p for share, p in zip(BUDGETS, plain, strict=True)]
            rows[kind].append([sum(s for s, _ in of) / whole, float(best_after(of, np.inf, sign) < best), *gains])
    return {kind: np.mean(each, axis=0) for kind, each in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--replays", type=int, default=100, help="of each outer fold")
    parser.add_argument("--quick", action="store_true", help="the tuning was one with --quick")
    args = parser.parse_args()
    planned = run.read(args.file, TuningOptions(args.quick, overrides=tuple(args.overrides)))
    ground = Ground(planned, config.read(Path("params.yaml")), console.warn, console.progress)
    kept = storage.open_storage(paths.state() / "tuning" / planned.task / planned.name, None)
    begun = optuna.get_all_study_names(kept)
    rng = np.random.default_rng(1)
    found = []
    for outer in ground.outers():
        name = run.study_name(planned, outer)
        settings = table(ground, outer, optuna.load_study(study_name=name, storage=kept)) if name in begun else []
        if len(settings) > 1:
            print(
                f"{outer}: {len(settings)} settings of {sum(f.seconds for s in settings for f in s):.0f} CPU s together"
            )
            found.append(judged(settings, args.replays, planned.direction, rng))
    heads = ("pruner", "seconds", "lost the best", *(f"gain at {share:.0%}" for share in BUDGETS))
    rows = [(kind, *_shown(np.stack([fold[kind] for fold in found]))) for kind in PRUNERS]
    console.table(heads, rows, f"{planned.name}: {args.replays} replays of each of {len(found)} outer folds")


def _shown(by_fold: np.ndarray) -> list[str]:
    """Means over folds (folds, figures), gains with their 95 % interval."""
    seconds, lost, *gains = by_fold.mean(0)
    n = len(by_fold)
    half = (
        student.ppf(0.975, n - 1) * by_fold[:, 2:].std(0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(gains), np.nan)
    )
    return [f"{seconds:.2f}", f"{lost:.2f}", *(f"{g:+.4f} ± {h:.4f}" for g, h in zip(gains, half, strict=True))]


if __name__ == "__main__":
    main()
