"""A tuning file, parsed strictly: the space, what every trial has, and how much may be spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.experiments.study import plan as study_plan
from earmark.experiments.study.checks import Checks
from earmark.experiments.tuning import space
from earmark.experiments.tuning.space import Space
from earmark.tasks import catalog
from earmark.tasks.overrides import keys, over

SAMPLERS = ("tpe", "qmc", "random", "grid")
PRUNERS = ("none", "median", "wilcoxon")
RECORDINGS = ("training", "all")
OUTER = ("one", "all")
# What a file may say, and what it says when it leaves a key out.
DEFAULTS: dict[str, Any] = {
    "task": None,
    "about": "",
    "base": {},
    "space": None,
    "recordings": "training",
    "k": 5,
    "outer": "one",
    "inner": 2,
    "trials": 20,
    "sampler": "tpe",
    "startup": 8,
    "prune": "none",
    "seed": 1,
    "best": 3,
    "seeds": [11, 12],
    "warm": None,
    "quick": {},
}
QUICK = ("base", "space", "k", "outer", "inner", "trials", "sampler", "startup", "prune", "best", "seeds")


@dataclass(frozen=True)
class TuningPlan:
    """What is tuned.

    base: overrides that every trial has, dotted below tasks.TASK. recordings: `training` leaves out the pipeline's
    test split. k: folds that are dealt where the recordings name none; outer: whether `one` of them judges what was
    chosen, or each in turn; inner: how many of the others choose. trials: of every choice. startup: trials before the
    sampler learns. best: trials that are trained again with other `seeds` before one is chosen. warm: the file of an
    earlier study whose trials the sampler knows.
    """

    name: str
    task: str
    about: str
    base: dict[str, Any]
    space: Space
    recordings: str
    k: int
    outer: str
    inner: int
    trials: int
    sampler: str
    startup: int
    prune: str
    seed: int
    best: int
    seeds: list[int]
    warm: Path | None

    @property
    def headline(self) -> str:
        """The figure that is tuned."""
        return catalog.task(self.task).headline

    @property
    def direction(self) -> str:
        """Which way is better, in Optuna's words."""
        return "minimize" if catalog.task(self.task).lower_is_better else "maximize"


def task_of(file: Path) -> str:
    """The task that a file is about. Raises EarmarkError where it names none."""
    raw = study_plan.mapping(file, DEFAULTS, "tuning", "tuning")
    check = Checks(file, str(raw.get("task")))
    check.that(isinstance(raw.get("task"), str), "'task' is missing; name the task it is about, as in task: genre.")
    check.choice(raw, "task", tuple(catalog.names()))
    return str(raw["task"])


def read(
    file: Path, quick: bool = False, trials: int | None = None, more: Mapping[str, Any] | None = None
) -> TuningPlan:
    """The plan of a file. trials, more: number of trials and overrides of the base from the command line.

    Raises EarmarkError, one sentence with the file, the key and the remedy.
    """
    raw, task = study_plan.mapping(file, DEFAULTS, "tuning", "tuning"), task_of(file)
    check = Checks(file, task)
    check.known(raw, DEFAULTS, "it has the key")
    said = DEFAULTS | {k: v for k, v in raw.items() if v is not None}
    known = keys(catalog.task(said["task"]).settings)
    base = check.overrides(said["base"], "base", set(known))
    if quick:
        said, base = _quick(check, said, base, set(known))
    said |= {"trials": trials} if trials is not None else {}
    told = check.overrides(dict(more or {}), "--set", set(known))
    _check_rest(check, said)
    found = space.parse(check, said["space"] if said["space"] is not None else {}, known)
    for parameter in found.parameters:
        key = parameter.key
        check.that(key not in base, f"base and the space both set '{key}'; leave it to one.")
        check.that(key not in told, f"-S sets '{key}', which the space tries; leave -S {key} out.")
    base = over(base, told)
    rest = {k: said[k] for k in ("recordings", "k", "outer", "inner", "trials", "sampler", "startup", "prune", "seed")}
    warm = file.parent / said["warm"] if said["warm"] else None
    name = file.stem + ("-quick" if quick else "")
    more_of = {"best": said["best"], "seeds": said["seeds"], "warm": warm}
    return TuningPlan(name=name, task=said["task"], about=str(said["about"]), base=base, space=found, **rest, **more_of)


def _quick(check: Checks, said: dict, base: dict, known: set[str]) -> tuple[dict, dict]:
    """What `quick` replaces."""
    quick = check.mapping(said["quick"], "quick")
    check.that(bool(quick), "it has no block 'quick'; add one, or leave --quick out.")
    check.known(quick, QUICK, "quick has the key")
    base = over(base, check.overrides(quick.get("base", {}), "quick.base", known))
    changed = check.mapping(quick.get("space", {}), "quick.space")
    check.known(changed, said["space"] or {}, "quick.space names the entry")
    space = {k: v for k, v in ((said["space"] or {}) | changed).items() if v is not None}  # null leaves an entry out
    return said | {k: v for k, v in quick.items() if k not in ("base", "space")} | {"space": space}, base


def _check_rest(check: Checks, said: dict[str, Any]) -> None:
    for key, known in (("sampler", SAMPLERS), ("prune", PRUNERS), ("recordings", RECORDINGS), ("outer", OUTER)):
        check.choice(said, key, known)
    least = {"k": 3, "inner": 1, "trials": 1, "startup": 1, "best": 1, "seed": 0}
    for key, low in least.items():
        whole = type(said[key]) is int and said[key] >= low
        check.that(whole, f"{key} must be a whole number of at least {low}.")
    check.seeds(said["seeds"], "seeds")
    check.that(
        said["warm"] is None or isinstance(said["warm"], str), "warm must name the tuning file of an earlier search."
    )


def require_grid(plan: TuningPlan, file: Path) -> None:
    """Raise EarmarkError for a grid over a range that has no step."""
    if plan.sampler != "grid":
        return
    for parameter in plan.space.parameters:
        if getattr(parameter.distribution, "step", 1) is None:
            raise EarmarkError(
                f"{file}: sampler is grid, and '{parameter.name}' is a range without a step; give it one, or a choice."
            )
