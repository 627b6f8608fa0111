"""A study from its file to its tables: prepare cells, run what is missing, compare, choose, log."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from earmark import config
from earmark.errors import EarmarkError
from earmark.experiments.study import chosen, jobs, plan
from earmark.experiments.study.log import StudyLog
from earmark.experiments.study.plan import StudyPlan
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.study import Study
from earmark.registry import tracking
from earmark.tasks import catalog
from earmark.tasks.overrides import below, keys


def run(
    file: Path,
    quick: bool,
    workers: int | None,
    overrides: list[str],
    out: Path | None,
    warn: Callable[[str], None],
    say: Callable[[str], None],
    progress: Callable,
) -> None:
    """Run a study, resuming what is there, and write its tables below `out` (study/NAME by default)."""
    study = plan.read(file)
    if study.get("kind", "grid") != "grid":
        whole = importlib.import_module(f"earmark.experiments.{study['kind']}.run")  # plan.read has checked the name
        whole.run(study, file, quick, overrides, out, say)
        return
    raw = config.read(Path("params.yaml"))
    planned = read_plan(file, raw, quick, overrides)
    tracker = tracking.connect(planned.task)  # an unreachable store is said before any work is done
    preparer = Preparer(planned, raw, warn, progress)
    say(
        f"{planned.name}: {len(planned.cells)} cells. Reading the recordings, and computing the features that "
        "are missing."
    )
    study = Study(planned, preparer.cells(), preparer, file, say)
    key = study.key()
    with tracking.only_one(key, say), StudyLog(tracker, planned, key, say) as log:
        try:
            study.finish(log, workers or jobs.default_workers(), out or Path("study") / planned.name, chosen.judge)
        except (KeyboardInterrupt, SystemExit):  # Ctrl-C, or a signal to end
            say("Stopped. Finished trainings are kept: run the same command again to go on.")
            raise


def read_plan(file: Path, raw: Any, quick: bool, overrides: list[str]) -> StudyPlan:
    """The plan of a study file, checked against params.yaml; raw: params.yaml as nested dicts."""
    study = plan.read(file)
    if not isinstance(study.get("task"), str):
        raise EarmarkError(f"{file}: 'task' is missing; name the task it is about, as in task: genre.")
    config.parse_task(raw, study["task"])
    if not catalog.task(study["task"]).study_figures:
        known = " and ".join(name for name in catalog.names() if catalog.task(name).study_figures)
        raise EarmarkError(f"{file}: studies of folds work for the tasks {known}, not for {study['task']}.")
    if study["task"] != "genre" and study.get("choose", "none") != "none":
        raise EarmarkError(f"{file}: choose works only for the task genre; leave it out.")
    more = dict(config.assignment(below(study["task"], o)) for o in overrides)
    return plan.parse(study, file, keys(catalog.task(study["task"]).settings), quick, more)
