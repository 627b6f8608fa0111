"""One trial: its setting, a training for each inner fold, and what became of it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import Trial, TrialState

from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.evaluation.fold import TrainingHooks
from earmark.experiments.study import jobs
from earmark.experiments.study.jobs import TrainingJob
from earmark.experiments.tuning import pruning
from earmark.experiments.tuning.ground import Ground
from earmark.experiments.tuning.storage import FEASIBLE
from earmark.features.pool import one_thread

REASON, SECONDS = "reason", "seconds"  # attributes of a trial


class GivenUp(Exception):  # noqa: N818 (no error)
    """The pruner gave a trial up; its training has its checkpoint."""


@dataclass
class TrialOutcome:
    """How a trial ended. state: Optuna's; value: its figure, where it is complete; reason: of any other end."""

    state: TrialState
    value: float | None = None
    reason: str = ""
    infeasible: bool = False
    histories: dict[str, list[dict]] = field(default_factory=dict)  # by inner fold

    @property
    def word(self) -> str:
        """What became of the trial, in one of `storage.STATES`."""
        if self.infeasible:
            return "infeasible"
        return {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}.get(self.state, "failed")

    def tell(self, trial: Trial) -> None:
        """Tell the study, with what Optuna has no state for as attributes."""
        if self.infeasible:
            trial.set_constraint("settings", 1.0)  # TPE keeps away from where these are
            trial.set_user_attr(FEASIBLE, self.reason)
        elif self.reason:
            trial.set_user_attr(REASON, self.reason)
        trial.study.tell(trial, self.value, self.state)


def suggest(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    """A value of a dimension, by whichever of Optuna's calls it takes."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    of = {"log": distribution.log, "step": distribution.step}
    if isinstance(distribution, FloatDistribution):
        return trial.suggest_float(name, distribution.low, distribution.high, **of)
    return trial.suggest_int(name, distribution.low, distribution.high, **of)


def run(trial: Trial, ground: Ground, outer: str, folder: Path) -> TrialOutcome:
    """Draw a setting and try it. folder: of the jobs' results.

    An error of a training, its memory's too, is the trial's own end: others may do better.
    """
    params = ground.plan.space.drawn(lambda name, of: suggest(trial, name, of))
    try:
        settings = ground.settings(ground.plan.space.overrides(params))
    except EarmarkError as e:
        return TrialOutcome(TrialState.PRUNED, reason=str(e), infeasible=True)
    began, histories = time.perf_counter(), {}
    try:
        value = _tried(trial, ground, settings, outer, folder, histories)
        return TrialOutcome(TrialState.COMPLETE, value, histories=histories)
    except GivenUp as e:
        return TrialOutcome(TrialState.PRUNED, reason=str(e), histories=histories)
    except (EarmarkError, MemoryError, RuntimeError) as e:
        said = str(e) if isinstance(e, EarmarkError) else f"{type(e).__name__}: {e}"
        return TrialOutcome(TrialState.FAIL, reason=" ".join(said.split())[:500], histories=histories)
    finally:
        trial.set_user_attr(SECONDS, round(time.perf_counter() - began, 3))


def _tried(
    trial: Trial,
    ground: Ground,
    settings: Settings,
    outer: str,
    folder: Path,
    histories: dict[str, list[dict]],
) -> float:
    """The mean of the inner folds' figures; `histories` gets each training's epochs."""
    found: list[float] = []
    for number, inner in enumerate(ground.inners(outer)):
        job = ground.inner_job(settings, outer, inner)
        rows = histories.setdefault(inner, [])
        result = finish_job(job, folder, _watch(trial, ground, job, number, folder, inner, rows))
        rows[:] = result["history"]
        found.append(float(result[ground.plan.headline]))
        if ground.plan.prune == "wilcoxon":
            trial.report(found[-1], number)
            if trial.should_prune():
                raise GivenUp(f"after {len(found)} of {len(ground.inners(outer))} inner folds, by Wilcoxon's test")
    return sum(found) / len(found)


def _watch(
    trial: Trial,
    ground: Ground,
    job: TrainingJob,
    number: int,
    folder: Path,
    inner: str,
    rows: list[dict],
) -> TrainingHooks:
    """What the loop is told: keep a checkpoint, and give up where the pruner says so. rows: gets the epochs."""

    def on_epoch(state: Any, seconds: float) -> None:
        row = state.history[-1]
        rows[:] = state.history
        step = pruning.place(number, state.epoch, job.train.epochs)
        if ground.plan.prune != "median" or step is None or "val/accuracy" not in row:
            return
        error = ground.plan.direction == "minimize"
        trial.report(1 - row["val/accuracy"] if error else row["val/accuracy"], step)
        if trial.should_prune():
            raise GivenUp(
                f"in epoch {state.epoch} of {job.train.epochs} on {inner}, worse than the median of the others"
            )

    return TrainingHooks(checkpoint(job, folder), None, on_epoch)


def checkpoint(job: TrainingJob, folder: Path) -> Path:
    """Where an unfinished training is kept, to go on from."""
    return folder / "unfinished" / f"{job.key}.pt"


def finish_job(job: TrainingJob, folder: Path, watch: TrainingHooks) -> dict:
    """The result of a job, which is done where it is not there. Raises EarmarkError with the sentence that refuses it.

    One thread, as in every worker, so that results do not depend on the number of workers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not jobs.is_finished(job, folder):
        with one_thread():
            jobs.run(job, folder, watch)
    if watch.checkpoint:
        watch.checkpoint.unlink(missing_ok=True)
    result = jobs.result(job, folder)
    if result["refused"]:
        raise EarmarkError(result["refused"])
    return result


def quiet() -> None:
    """Optuna says nothing of its own: what it logs of a trial is said in other words."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
