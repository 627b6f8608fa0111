"""Trials until there are enough: asked for, tried and told, by one process or by several."""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.study import Study
from optuna.trial import Trial, TrialState

from earmark import console
from earmark.audio import Root
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.experiments.study import jobs
from earmark.experiments.tuning import pruning, storage, trials
from earmark.experiments.tuning.ground import Ground
from earmark.experiments.tuning.log import TrialLog
from earmark.experiments.tuning.plan import TuningPlan
from earmark.experiments.tuning.sampling import LOST, StartingSampler, counts
from earmark.experiments.tuning.storage import FEASIBLE, Running, state
from earmark.experiments.tuning.trials import REASON
from earmark.registry import tracking

Say = Callable[[str], None]
Known = dict[DataSettings, tuple[pd.DataFrame, Root]]


@dataclass(frozen=True)
class Work:
    """What a process needs to try settings.

    name: the study's in the storage; outer: its outer fold. today: values of the first trial. folder: the tuning's own
    files; results: those of trainings. url: of a database, None: the journal. parent: id of the tuning's run. until:
    when no new trial begins any more, as time.time().
    """

    plan: TuningPlan
    raw: dict[str, Any]
    known: Known
    name: str
    outer: str
    today: dict[str, Any]
    folder: Path
    results: Path
    url: str | None
    parent: str
    until: float | None

    def study(self) -> Study:
        """The study, with the sampler and pruner of its plan: no storage keeps these."""
        plan = self.plan
        sampler = StartingSampler(plan.space, plan.sampler, plan.startup, plan.seed, self.today)
        of = storage.open_storage(self.folder, self.url)
        return optuna.load_study(study_name=self.name, storage=of, sampler=sampler, pruner=pruning.pruner(plan.prune))

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self.until is not None and time.time() >= self.until


def finish(work: Work, workers: int, say: Say, lost: Callable[[str, list[int]], None]) -> None:
    """Try until as many trials are there as the plan asks for, or the time is up.

    lost: hears of the outer fold and of the numbers of trials whose process is gone.
    """
    study, running = work.study(), Running(work.folder, work.name)
    while True:
        with running.asking():
            gone = running.lose(study)
        if gone:
            numbers = [t.number for t in gone]
            say(f"Trials that are run again, because their process had ended: {', '.join(map(str, numbers))}.")
            lost(work.outer, numbers)
        if (left := missing(study, work.plan)) <= 0 or work.late:
            return
        if min(workers, left) <= 1:
            try_settings(work, say)
        else:
            _several(work, min(workers, left))


def missing(study: Study, plan: TuningPlan) -> int:
    """How many trials are still to be begun."""
    return plan.trials - sum(counts(t) for t in study.get_trials(deepcopy=False))


def try_settings(work: Work, say: Say = console.say) -> None:
    """Try settings in this process until there are enough."""
    trials.quiet()
    ground = Ground(work.plan, work.raw, console.warn, console.progress, work.known)
    study, running = work.study(), Running(work.folder, work.name)
    tracker = tracking.connect(work.plan.task)
    while not work.late:
        with running.asking():
            if missing(study, work.plan) <= 0:
                return
            trial = study.ask()
            lock = running.hold(trial)
        try:
            if surplus(study, trial, work.plan):
                continue
            log = TrialLog(tracker, work.parent, work.plan, work.outer, trial.number)
            outcome = trials.run(trial, ground, work.outer, work.results)
            log.finish(trial, outcome, work.plan.headline)  # before it is told: a kill between the two is a lost trial
            outcome.tell(trial)
            say(line(study.trials[trial.number], study, work))
        finally:
            running.release(lock)


def surplus(study: Study, trial: Trial, plan: TuningPlan) -> bool:
    """Whether others, on other machines, have begun all that was asked for; then the trial is given back."""
    before = sum(counts(t) for t in study.get_trials(deepcopy=False) if t.number < trial.number)
    if before < plan.trials:
        return False
    trial.set_user_attr(LOST, "one more than was asked for")
    study.tell(trial, state=TrialState.FAIL)
    return True


def line(trial: optuna.trial.FrozenTrial, study: Study, work: Work) -> str:
    """What became of a trial, for people."""
    done = sum(counts(t) and t.state != TrialState.RUNNING for t in study.get_trials(deepcopy=False))
    what, plan = state(trial), work.plan
    drawn = ", ".join(f"{k} {short(v)}" for k, v in trial.params.items())
    if what == "complete":
        what = f"{plan.headline} {trial.value:.3f}"
    elif reason := trial.user_attrs.get(FEASIBLE) or trial.user_attrs.get(REASON):
        what = f"{what}: {reason}"
    seconds = f" in {trial.user_attrs['seconds']:.1f} s" if "seconds" in trial.user_attrs else ""
    return f"{work.outer}, {done} of {plan.trials}: trial {trial.number}, {drawn}: {what}{seconds}"


def short(value: Any) -> str:
    """A value in few digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _several(work: Work, workers: int) -> None:
    """The same by several processes, which end with this one."""
    pool = ProcessPoolExecutor(workers, get_context("spawn"), jobs.begin_worker)
    try:
        for future in [pool.submit(try_settings, work) for _ in range(workers)]:
            future.result()
    except BrokenProcessPool:
        raise EarmarkError(
            "A worker died (usually for lack of memory); finished trials are kept: run the command again with fewer "
            "--workers."
        ) from None
    except (KeyboardInterrupt, SystemExit):
        for worker in active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
