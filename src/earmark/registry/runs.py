"""The runs of a task in MLflow as rows: what each changed against the one before, and what that brought."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.registry import tracking
from earmark.tasks.task import Task

# Under which prefix a kind of run logs its figures; those of the pipeline may be several (`evaluation_of`).
PREFIXES = {"study": ("nested", "test"), "score": ("score",)}
EVALUATION = "earmark.evaluation."
HASHES = ("data_sha256", "code_sha256")


class Evaluation(NamedTuple):
    """What a run's model makes of its test recordings.

    ci95: None where no interval was logged. baseline: the best of the baselines. test_sha256: hash of the recordings.
    """

    figure: float
    ci95: tuple[float, float] | None
    baseline: float | None
    n_recordings: int | None
    test_sha256: str | None


@dataclass(frozen=True)
class Row:
    """A run beside the one before it.

    state: as MLflow has it. against: id of the latest earlier run of the kind that has a figure. changed: settings by
    dotted key, as that run and this one have them; None where one has no such key. other: of recordings and code, what
    differs besides. difference: of the headline figures; None where the test recordings differ. today: whether they
    are today's; None where that cannot be said.
    """

    run_id: str
    name: str
    kind: str
    parent: str | None
    state: str
    error: str | None
    started: datetime
    seconds: float | None
    commit: str | None
    experiment: str | None
    settings: dict[str, str]
    versions: dict[int, list[str]]
    evaluation: Evaluation | None
    today: bool | None
    against: str | None
    changed: dict[str, tuple[str | None, str | None]]
    other: list[str]
    difference: float | None


@dataclass(frozen=True)
class Today:
    """The working tree's test recordings and evaluation, by their hashes; None where there are none."""

    test_sha256: str | None
    metrics_sha256: str | None

    @classmethod
    def of(cls, task: Task) -> "Today":
        """As the working tree's data/TASK and reports/TASK have them."""
        found = Path("reports") / task.name / "metrics.json"
        try:
            every = manifest.load(Path("data") / task.name / "manifest.csv")
            test = manifest.digest(every[every["split"] == "test"])
        except (EarmarkError, KeyError, ValueError):  # missing, or as another release writes it
            test = None
        return cls(test, hashlib.sha256(found.read_bytes()).hexdigest() if found.exists() else None)


def rows(client: MlflowClient, task: Task, every_kind: bool, today: Today) -> list[Row]:
    """All runs of a task's experiment, newest first: the pipeline's, or of every kind.

    Raises EarmarkError where the experiment was deleted.
    """
    experiment = client.get_experiment_by_name(task.name)
    if experiment is None:
        return []
    if experiment.lifecycle_stage == "deleted":
        raise EarmarkError(
            f"The experiment '{task.name}' was deleted in MLflow: restore it there, or run `dvc repro "
            f"publish@{task.name}`, which restores it with its runs."
        )
    tracker = tracking.Tracker(client, experiment.experiment_id)
    runs = tracker.find({} if every_kind else {"earmark.kind": "pipeline"})
    made, found = versions_of(client, task), []
    before: dict[str, Run] = {}
    for run in reversed(runs):
        kind, parent = run.data.tags.get("earmark.kind", "other"), run.data.tags.get("mlflow.parentRunId")
        evaluation = evaluation_of(task, run, today)
        found.append(_row(task, run, evaluation, before.get(kind), made.get(run.info.run_id, {}), today))
        if evaluation and not parent:
            before[kind] = run
    return found[::-1]


def _row(
    task: Task, run: Run, evaluation: Evaluation | None, base: Run | None, made: dict[int, list[str]], today: Today
) -> Row:
    tags, info, params = run.data.tags, run.info, run.data.params
    base = None if "mlflow.parentRunId" in tags else base
    theirs = evaluation_of(task, base, today) if base else None
    return Row(
        run_id=info.run_id,
        name=info.run_name,
        kind=tags.get("earmark.kind", "other"),
        parent=tags.get("mlflow.parentRunId"),
        state=info.status,
        error=tags.get("earmark.error"),
        started=datetime.fromtimestamp(info.start_time / 1000, UTC),
        seconds=(info.end_time - info.start_time) / 1000 if info.end_time else None,
        commit=tags.get("earmark.commit"),
        experiment=tags.get("earmark.experiment"),
        settings=params,
        versions=made,
        evaluation=evaluation,
        today=_is_todays(evaluation, today),
        against=base.info.run_id if base else None,
        changed=changed(base.data.params, params) if base else {},
        other=_other(base, run) if base else [],
        difference=_difference(evaluation, theirs),
    )


def _is_todays(evaluation: Evaluation | None, today: Today) -> bool | None:
    if evaluation is None or evaluation.test_sha256 is None or today.test_sha256 is None:
        return None
    return evaluation.test_sha256 == today.test_sha256


def _difference(ours: Evaluation | None, theirs: Evaluation | None) -> float | None:
    comparable = ours and theirs and ours.test_sha256 == theirs.test_sha256
    return ours.figure - theirs.figure if comparable and ours and theirs else None


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Settings that differ, in the order of the keys; None where a side has no such key."""
    keys = sorted({*before, *now})
    return {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}


def _other(before: Run, now: Run) -> list[str]:
    """Which of recordings and code differ, where no setting says why."""
    keys = {key.split(".")[0] for key in changed(before.data.params, now.data.params)}
    data, code = (before.data.tags.get(f"earmark.{k}") != now.data.tags.get(f"earmark.{k}") for k in HASHES)
    return ["recordings"] * (data and not keys & {"data", "features"}) + ["code"] * code


def versions_of(client: MlflowClient, task: Task) -> dict[str, dict[int, list[str]]]:
    """Versions with their aliases, by the run that each was made from."""
    try:
        aliases = client.get_registered_model(task.registered_model).aliases
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    found: dict[str, dict[int, list[str]]] = {}
    for version in client.search_model_versions(f"name = '{task.registered_model}'"):
        own = sorted(alias for alias, number in aliases.items() if int(number) == int(version.version))
        found.setdefault(version.run_id or "", {})[int(version.version)] = own
    return found


def evaluation_of(task: Task, run: Run, today: Today) -> Evaluation | None:
    """The evaluation that a run is shown with, of several the one on today's test recordings; None without any."""
    tags, metrics = run.data.tags, run.data.metrics
    tests = {key.removeprefix(EVALUATION): value for key, value in tags.items() if key.startswith(EVALUATION)}
    if not tests:
        prefixes: Iterable[str] = PREFIXES.get(tags.get("earmark.kind", ""), ("test",))
        return next((one for one in (_evaluation(task, metrics, p, None) for p in prefixes) if one), None)
    by_prefix = {_prefix(metrics, sha): (sha, test) for sha, test in tests.items()}
    now = (today.metrics_sha256 or "")[:8]
    liked = lambda p: (by_prefix[p][1] == today.test_sha256, by_prefix[p][0] == now, p == "test")  # noqa: E731
    best = max(sorted(by_prefix), key=liked)
    return _evaluation(task, metrics, best, by_prefix[best][1])


def _prefix(metrics: Mapping[str, float], sha: str) -> str:
    """Under which prefix the evaluation with these first digits of its hash was logged: the first of a run has none."""
    return f"test-{sha}" if any(key.startswith(f"test-{sha}/") for key in metrics) else "test"


def _evaluation(task: Task, metrics: Mapping[str, float], prefix: str, test: str | None) -> Evaluation | None:
    name = task.headline
    if f"{prefix}/{name}" not in metrics:
        return None
    ends = [metrics.get(f"{prefix}-ci95/{name}_{end}") for end in ("low", "high")]
    beside = [metrics[f"{prefix}/{b}"] for b in task.baselines if f"{prefix}/{b}" in metrics]
    n = metrics.get(f"{prefix}/n_recordings")
    return Evaluation(
        figure=metrics[f"{prefix}/{name}"],
        ci95=None if ends[0] is None or ends[1] is None else (ends[0], ends[1]),
        baseline=(min if task.lower_is_better else max)(beside, default=None),
        n_recordings=None if n is None else int(n),
        test_sha256=test,
    )


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON has it: the headline figure and what stands beside it on the first level."""
    found = vars(row) | {"started": row.started.isoformat(timespec="seconds")}
    evaluation = found.pop("evaluation")
    found["changed"] = {key: {"before": old, "now": new} for key, (old, new) in row.changed.items()}
    found["versions"] = [{"version": number, "aliases": names} for number, names in row.versions.items()]
    return found | (evaluation or Evaluation(*[None] * 5))._asdict()  # type: ignore[arg-type]
