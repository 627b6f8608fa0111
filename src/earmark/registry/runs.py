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
class RunRow:
    """A run beside the one before it.

    state: as MLflow has it. evaluation: on today's test recordings, if there is one; earlier: on others. against: id of
    the latest earlier run of the kind that was judged on the same test recordings, or else of the latest one that was
    judged. changed: settings by dotted key, as that run and this one have them; None where one has no such key. other:
    of recordings and code, what differs besides. compared: its evaluation and that run's on the same recordings; None
    where there are none. today: whether those of `evaluation` are today's; None where that cannot be said.
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
    earlier: list[Evaluation]
    today: bool | None
    against: str | None
    changed: dict[str, tuple[str | None, str | None]]
    other: list[str]
    compared: tuple[Evaluation, Evaluation] | None

    @property
    def difference(self) -> float | None:
        """Of the headline figures of `compared`."""
        return self.compared[0].figure - self.compared[1].figure if self.compared else None


@dataclass(frozen=True)
class CurrentHashes:
    """The working tree's test recordings and evaluation, by their hashes; None where there are none."""

    test_sha256: str | None
    metrics_sha256: str | None

    @classmethod
    def of(cls, task: Task) -> "CurrentHashes":
        """As the working tree's data/TASK and reports/TASK have them."""
        found = Path("reports") / task.name / "metrics.json"
        try:
            every = manifest.load(Path("data") / task.name / "manifest.csv")
            test = manifest.digest(every[every["split"] == "test"])
        except (EarmarkError, KeyError, ValueError):  # missing, or as another release writes it
            test = None
        return cls(test, hashlib.sha256(found.read_bytes()).hexdigest() if found.exists() else None)


def rows(client: MlflowClient, task: Task, every_kind: bool, today: CurrentHashes) -> list[RunRow]:
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
    before: dict[str, list[EvaluatedRun]] = {}
    for run in reversed(runs):
        kind, parent = run.data.tags.get("earmark.kind", "other"), run.data.tags.get("mlflow.parentRunId")
        one = EvaluatedRun(run, evaluations_of(task, run, today))
        base = None if parent else _base(one, before.get(kind, []))
        found.append(_row(one, base, made.get(run.info.run_id, {}), today))
        if one.evaluations and not parent:
            before.setdefault(kind, []).append(one)
    return found[::-1]


class EvaluatedRun(NamedTuple):
    """A run and its evaluations, the one that it is shown with first."""

    run: Run
    evaluations: list[Evaluation]


def _base(one: EvaluatedRun, before: list[EvaluatedRun]) -> EvaluatedRun | None:
    """Of the earlier runs the latest with an evaluation on the same test recordings, or else the latest."""
    same = (other for other in reversed(before) if _compared(one, other))
    return next(same, before[-1] if before else None)


def _row(one: EvaluatedRun, beside: EvaluatedRun | None, made: dict[int, list[str]], today: CurrentHashes) -> RunRow:
    run, base = one.run, beside.run if beside else None
    tags = run.data.tags
    info = run.info
    params = run.data.params
    evaluation = one.evaluations[0] if one.evaluations else None
    return RunRow(
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
        earlier=one.evaluations[1:],
        today=_is_todays(evaluation, today),
        against=base.info.run_id if base else None,
        changed=changed_settings(base.data.params, params) if base else {},
        other=_other(base, run) if base else [],
        compared=_compared(one, beside) if beside else None,
    )


def _is_todays(evaluation: Evaluation | None, today: CurrentHashes) -> bool | None:
    if evaluation is None or evaluation.test_sha256 is None or today.test_sha256 is None:
        return None
    return evaluation.test_sha256 == today.test_sha256


def _compared(ours: EvaluatedRun, theirs: EvaluatedRun) -> tuple[Evaluation, Evaluation] | None:
    """The evaluations on the first test recordings of ours that theirs have, too."""
    pairs = ((a, b) for a in ours.evaluations for b in theirs.evaluations if a.test_sha256 == b.test_sha256)
    return next(pairs, None)


def changed_settings(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Settings that differ, in the order of the keys; None where a side has no such key."""
    keys = sorted({*before, *now})
    return {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}


def _other(before: Run, now: Run) -> list[str]:
    """Which of recordings and code differ, where no setting says why."""
    keys = {key.split(".")[0] for key in changed_settings(before.data.params, now.data.params)}
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


def evaluations_of(task: Task, run: Run, today: CurrentHashes) -> list[Evaluation]:
    """All evaluations of a run, the one on today's test recordings first, one for each set of test recordings."""
    tags, metrics = run.data.tags, run.data.metrics
    tests = {key.removeprefix(EVALUATION): value for key, value in tags.items() if key.startswith(EVALUATION)}
    if not tests:
        prefixes: Iterable[str] = PREFIXES.get(tags.get("earmark.kind", ""), ("test",))
        return [one for one in (_evaluation(task, metrics, p, None) for p in prefixes) if one][:1]
    by_prefix = {prefix_of(metrics, sha): (sha, test) for sha, test in tests.items()}
    now = (today.metrics_sha256 or "")[:8]
    liked = lambda p: (by_prefix[p][1] == today.test_sha256, by_prefix[p][0] == now, p == "test")  # noqa: E731
    found: dict[str, Evaluation] = {}
    for prefix in sorted(sorted(by_prefix), key=liked, reverse=True):
        test = by_prefix[prefix][1]
        if test not in found and (one := _evaluation(task, metrics, prefix, test)):
            found[test] = one
    return list(found.values())


def prefix_of(metrics: Mapping[str, float], sha: str) -> str:
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


def plain(row: RunRow) -> dict[str, Any]:
    """A row as JSON has it: the headline figure and what stands beside it on the first level."""
    found = vars(row) | {"started": row.started.isoformat(timespec="seconds")}
    evaluation = found.pop("evaluation")
    found["earlier"] = [one._asdict() for one in row.earlier]
    found["difference"] = row.difference
    del found["compared"]
    found["changed"] = {key: {"before": old, "now": new} for key, (old, new) in row.changed.items()}
    found["versions"] = [{"version": number, "aliases": names} for number, names in row.versions.items()]
    return found | (evaluation or Evaluation(*[None] * 5))._asdict()  # type: ignore[arg-type]
