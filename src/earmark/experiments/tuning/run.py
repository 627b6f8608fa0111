"""A tuning from its file to its verdict: trials, the choice, what recordings say that no choice saw, and the files."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import TrialState, create_trial

from earmark import config, paths
from earmark.errors import EarmarkError
from earmark.evaluation.fold import TrainingHooks
from earmark.experiments.study import jobs
from earmark.experiments.tuning import confirm, plan, sampling, show, storage, trials, work
from earmark.experiments.tuning.confirm import FoldChoice
from earmark.experiments.tuning.ground import Ground, deciding, outside
from earmark.experiments.tuning.log import TuningLog
from earmark.experiments.tuning.plan import TuningPlan
from earmark.experiments.tuning.space import Parameter
from earmark.experiments.tuning.work import Work
from earmark.registry import tracking

Say = Callable[[str], None]


@dataclass(frozen=True)
class TuningOptions:
    """What the command line says beside the file. storage: an address for several machines; timeout: seconds."""

    quick: bool = False
    trials: int | None = None
    workers: int | None = None
    timeout: float | None = None
    storage: str | None = None
    fresh: bool = False
    overrides: tuple[str, ...] = ()
    out: Path | None = None


def run(file: Path, asked: TuningOptions, say: Say, warn: Say, progress: Callable) -> None:
    """Run a tuning, or go on with it, and write its tables below `out` (tuned/NAME by default)."""
    trials.quiet()
    planned, raw = read(file, asked), config.read(Path("params.yaml"))
    ground = Ground(planned, raw, warn, progress)
    try:
        today = ground.plan.space.today(ground.settings())
    except EarmarkError as e:
        raise EarmarkError(f"{file}: {e}") from None
    _require_possible(ground, file, today)
    tracker = tracking.connect(planned.task)  # an unreachable store is said before any work is done
    folder = paths.state() / "tuning" / planned.task / planned.name
    if asked.fresh and (aside := storage.forget(folder)):
        say(f"The earlier study is kept in {aside}.")
    decided, until = _decided(ground), None if asked.timeout is None else time.time() + asked.timeout
    key = hashlib.sha256(json.dumps([planned.name, decided], sort_keys=True).encode()).hexdigest()
    with tracking.only_one(key, say), TuningLog(tracker, planned, key) as log:
        studies = {}
        for outer in ground.outers():
            of = _work(ground, outer, today, folder, asked, log.run_id, decided, until)
            work.finish(of, asked.workers or jobs.default_workers(), say, log.close_lost)
            studies[outer] = of.study()
        _end(ground, studies, file, asked, log, say)


def read(file: Path, asked: TuningOptions) -> TuningPlan:
    """The plan of a file with what the command line says."""
    from earmark.tasks.overrides import below

    task = plan.task_of(file)
    more = dict(config.assignment(below(task, o)) for o in asked.overrides)
    found = plan.read(file, asked.quick, asked.trials, more)
    plan.require_grid(found, file)
    return found


def _require_possible(ground: Ground, file: Path, today: dict[str, Any]) -> None:
    """Refuse a dimension none of whose values a setting's own check takes beside today's others, and a value of a
    choice that it does not take beside any value of one other dimension either.
    """
    space = ground.plan.space
    alone = [{}, *({p.name: v, **_branch(p)} for p in space.parameters for v in p.probes())]
    for parameter in space.parameters:
        said = {}
        for value in parameter.probes():
            mine = _branch(parameter) | {parameter.name: value}
            if (first := _refusal(ground, today | mine)) is not None:
                said[value] = first
                if parameter.listed and all(_refusal(ground, today | other | mine) for other in alone):
                    raise EarmarkError(f"{file}: '{parameter.name}' cannot be {value!r}: {first}")
        if len(said) == len(parameter.probes()):
            raise EarmarkError(f"{file}: no value of '{parameter.name}' is possible: {next(iter(said.values()))}")


def _branch(parameter: Parameter) -> dict[str, Any]:
    """The branch that a dimension is of."""
    return {parameter.where[0]: parameter.where[1]} if parameter.where else {}


def _refusal(ground: Ground, params: dict[str, Any]) -> str | None:
    """Why a setting's own check refuses values; None where it takes them."""
    try:
        ground.settings(ground.plan.space.overrides(params))
    except EarmarkError as e:
        return str(e)
    return None


def _decided(ground: Ground) -> dict[str, str]:
    """What makes the trials of a study comparable, by names that stand in a sentence."""
    parts = {
        "space": ground.plan.space.plain(),
        "settings outside of the space": outside(ground),
        "recordings": [ground.digest(), ground.plan.recordings, ground.plan.k],
        "inner folds": ground.plan.inner,
        "sampling": [
            str(ground.plan.warm),
            ground.plan.sampler,
            ground.plan.startup,
            ground.plan.seed,
            ground.plan.prune,
        ],
        "code of the trainings": jobs.code(ground.plan.task),
    }
    hashed = lambda part: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()  # noqa: E731
    return {name: hashed(part) for name, part in parts.items()}


def _work(
    ground: Ground,
    outer: str,
    today: dict[str, Any],
    folder: Path,
    asked: TuningOptions,
    parent: str,
    decided: dict[str, str],
    until: float | None,
) -> Work:
    """What a process needs for one outer fold, whose study is begun where there is none."""
    planned = ground.plan
    name = study_name(planned, outer)
    found = storage.study_of(storage.open_storage(folder, asked.storage), name, planned.direction, decided)
    first = found.user_attrs.get("today")
    if first is None and planned.warm:
        _warm(ground, found, outer, asked)
    if first is None:
        found.set_user_attr("params", deciding(ground.raw, planned.task))
        found.set_user_attr("today", today)
    known = {(data := ground.settings().data): ground.recordings(data)}
    place = folder, paths.state() / "studies", asked.storage, parent, until
    return Work(planned, ground.raw, known, name, outer, first or today, *place)


def _warm(ground: Ground, study: Study, outer: str, asked: TuningOptions) -> None:
    """Give a study that begins the trials of an earlier one. Raises EarmarkError where its space is another."""
    assert ground.plan.warm is not None
    before = plan.read(ground.plan.warm)
    if before.task != ground.plan.task or before.space.plain() != ground.plan.space.plain():
        raise EarmarkError(
            f"{ground.plan.warm} searches another space than this file does, so its trials cannot be used here."
        )
    folder = paths.state() / "tuning" / before.task / before.name
    kept = storage.open_storage(folder, asked.storage)
    if study_name(before, outer) not in optuna.get_all_study_names(kept):
        raise EarmarkError(
            f"{ground.plan.warm} has no study of {outer} yet; run `earmark tune {ground.plan.warm}` first."
        )
    known = optuna.load_study(study_name=study_name(before, outer), storage=kept).get_trials(deepcopy=False)
    for trial in (t for t in known if t.state == TrialState.COMPLETE and sampling.counts(t)):
        marked = {sampling.WARM: f"trial {trial.number} of {before.name}"}
        parts = {"params": trial.params, "distributions": trial.distributions, "value": trial.value}
        study.add_trial(create_trial(**parts, user_attrs=marked))


def study_name(planned: TuningPlan, outer: str) -> str:
    """What the study of an outer fold is called in the storage."""
    return f"{planned.task}-{planned.name}-{outer}"


def _end(ground: Ground, studies: dict[str, Study], file: Path, asked: TuningOptions, log: TuningLog, say: Say) -> None:
    """Choose and confirm where all trials are there; write, print and log everything."""
    planned = ground.plan
    out = asked.out or Path("tuned") / planned.name
    left = sum(work.missing(study, planned) for study in studies.values())
    chosen: list[FoldChoice] = []
    if left > 0:
        say(f"Trials left: {left}; run the same command again to go on.")
    else:
        chosen = confirm.choose(ground, studies, asked.workers or jobs.default_workers(), say)
    files, figures = show.write(out, ground, studies, chosen, file)
    show.print_tuning(ground, studies, chosen, out)
    log.finish(files, figures, left <= 0)
    say(f"Written below {out}: {', '.join(f.name for f in files)}.")


def finish_one(
    file: Path, asked: TuningOptions, number: int, outer: str | None, say: Say, warn: Say, progress: Callable
) -> None:
    """Train a trial that was given up to its end, from where it was, and say its figure."""
    trials.quiet()
    planned, raw = read(file, asked), config.read(Path("params.yaml"))
    ground = Ground(planned, raw, warn, progress)
    outers = ground.outers()
    if outer is None and len(outers) > 1:
        raise EarmarkError(f"Trial {number} of which outer fold? Name one with --outer: {', '.join(outers)}.")
    name = outer or outers[0]
    folder = paths.state() / "tuning" / planned.task / planned.name
    study = storage.study_of(
        storage.open_storage(folder, asked.storage), study_name(planned, name), planned.direction, _decided(ground)
    )
    found = [t for t in study.get_trials(deepcopy=False) if t.number == number and t.params]
    if not found:
        raise EarmarkError(f"{study_name(planned, name)} has no trial {number} with a setting; trials.csv lists them.")
    settings = ground.settings(planned.space.overrides(found[0].params))
    figures = []
    for inner in ground.inners(name):
        job = ground.inner_job(settings, name, inner)
        results = paths.state() / "studies"
        result = trials.finish_job(job, results, TrainingHooks(trials.checkpoint(job, results)))
        figures.append(float(result[planned.headline]))
        say(f"trial {number}, {inner}: {planned.headline} {figures[-1]:.3f}")
    say(f"trial {number}, finished: {planned.headline} {sum(figures) / len(figures):.3f}")
