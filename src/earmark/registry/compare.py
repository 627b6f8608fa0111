"""Runs and versions side by side: settings that differ, figures, and the paired difference on the same recordings."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from earmark.evaluation import outcomes
from earmark.registry import gate, runs
from earmark.registry.named_runs import NamedRun, RunIndex
from earmark.registry.runs import CurrentHashes, RunRow
from earmark.tasks.task import Task

SIDE = 0.025  # level of each bound of a difference's 95 % interval
EARLIER = "not paired: made by an earlier release"


class LoggedFigure(NamedTuple):
    """A figure with its 95 % interval, if one was logged."""

    value: float
    ci95: tuple[float, float] | None


class LoggedEvaluation(NamedTuple):
    """An evaluation of a run: hash of its test recordings (None: not known), the beginning of metrics.json's hash,
    and under which prefix its figures are."""

    test: str | None
    sha: str
    prefix: str


class HeadlineDifference(NamedTuple):
    """A run's headline figure less the first run's, where paired with its 95 % interval; else why it is not."""

    value: float | None
    ci95: tuple[float, float] | None
    why_not: str | None = None


@dataclass(frozen=True)
class Column:
    """A run as it is compared. n_parameters: of its network, None where no release said; rebuilt: made of files, so
    that its seconds say nothing."""

    title: str
    row: RunRow
    commit: str
    dirty: bool
    rebuilt: bool
    n_parameters: int | None
    hashes: Mapping[str, str]
    test: str | None
    n_recordings: int | None
    figures: Mapping[str, LoggedFigure]
    difference: HeadlineDifference | None = None


@dataclass(frozen=True)
class Comparison:
    """The columns, the first one being what the others are held against, and the settings in which they differ.

    settings: values in the columns' order, None where a run has no such key. common: whether all figures are of the
    same test recordings.
    """

    task: Task
    columns: list[Column]
    settings: dict[str, list[str | None]]
    common: bool
    other: list[str] = field(default_factory=list)


def compare_runs(
    client: MlflowClient, task: Task, words: Iterable[str], today: CurrentHashes, every_kind: bool
) -> Comparison:
    """The runs that words name side by side, as `named_runs.RunIndex.find` has it; every_kind: of `runs --all`."""
    known = RunIndex.of(task.name, runs.rows(client, task, True, today), every_kind)
    chosen = known.find(words)
    found = [client.get_run(one.row.run_id) for one in chosen]
    kept = [evaluations(task, run, today) for run in found]
    shown, common = _shown(kept)
    columns = [_column(task, *each) for each in zip(chosen, found, shown, strict=True)]
    first = RunEvaluations(found[0], kept[0])
    for i in range(1, len(columns)):
        gained = difference(client, task, RunEvaluations(found[i], kept[i]), first)
        columns[i] = Column(**vars(columns[i]) | {"difference": gained})
    return Comparison(task, columns, _differing([run.data.params for run in found]), common, _other(columns))


def evaluations(task: Task, run: Run, today: CurrentHashes) -> list[LoggedEvaluation]:
    """All evaluations of a run: that on today's test recordings first, and today's own before others on these."""
    tags, logged = run.data.tags, run.data.metrics
    found = [
        LoggedEvaluation(test, sha, runs.prefix_of(logged, sha))
        for key, test in tags.items()
        if (sha := key.removeprefix(runs.EVALUATION)) != key
    ]
    if not found:
        prefixes = runs.PREFIXES.get(tags.get("earmark.kind", ""), ("test",))
        found = [LoggedEvaluation(None, "", prefix) for prefix in prefixes]
    now = (today.metrics_sha256 or "")[:8]
    there = [one for one in found if f"{one.prefix}/{task.headline}" in logged]
    return sorted(there, key=lambda e: (e.test != today.test_sha256, e.sha != now, e.prefix != "test", e.sha))


def _shown(kept: list[list[LoggedEvaluation]]) -> tuple[list[LoggedEvaluation | None], bool]:
    """The evaluation that each run is shown with, and whether all are of the same recordings."""
    sets = [{one.test for one in some if one.test} for some in kept]
    for one in kept[0]:
        if one.test and all(one.test in found for found in sets):
            return [next(e for e in some if e.test == one.test) for some in kept], True
    return [next(iter(some), None) for some in kept], False


def _column(task: Task, named: NamedRun, run: Run, shown: LoggedEvaluation | None) -> Column:
    tags = run.data.tags
    figures = {name: f for name in _names(task) if shown and (f := _figure(run, shown.prefix, name))}
    n = run.data.metrics.get(f"{shown.prefix}/n_recordings") if shown else None
    size = tags.get("earmark.n_parameters", "")
    return Column(
        title=named.title,
        row=named.row,
        commit=tags.get("earmark.commit", "none"),
        dirty=tags.get("earmark.dirty") == "true",
        rebuilt=tags.get("earmark.rebuilt") == "true",
        n_parameters=int(size) if size.isdecimal() else None,
        hashes={name: tags.get(f"earmark.{name}", "") for name in runs.HASHES},
        test=shown.test if shown else None,
        n_recordings=None if n is None else int(n),
        figures=figures,
    )


def _names(task: Task) -> tuple[str, ...]:
    """Figures that are shown: the headline, what `score` compares, and the baselines' headlines."""
    return tuple(dict.fromkeys((task.headline, *task.compared, *task.study_figures, *task.baselines)))


def _figure(run: Run, prefix: str, name: str) -> LoggedFigure | None:
    logged = run.data.metrics
    if f"{prefix}/{name}" not in logged:
        return None
    low, high = (logged.get(f"{prefix}-ci95/{name}_{end}") for end in ("low", "high"))
    return LoggedFigure(logged[f"{prefix}/{name}"], None if low is None or high is None else (low, high))


class RunEvaluations(NamedTuple):
    """A run and its evaluations."""

    run: Run
    kept: list[LoggedEvaluation]


def difference(client: MlflowClient, task: Task, new: RunEvaluations, old: RunEvaluations) -> HeadlineDifference:
    """The headline figure of a run less another's, paired where outcomes of both on the same recordings are there."""
    pairs = [(a, b) for b in old.kept for a in new.kept if a.test and a.test == b.test]
    if not pairs:
        known = all(one.test for side in (new, old) for one in side.kept) and new.kept and old.kept
        return HeadlineDifference(
            None, None, "not the same test recordings" if known else "test recordings are not known"
        )
    for ours, theirs in pairs:
        if found := _paired(client, task, (new.run, ours), (old.run, theirs)):
            return found
    figures = [
        side.run.data.metrics[f"{one.prefix}/{task.headline}"] for side, one in zip((new, old), pairs[0], strict=True)
    ]
    return HeadlineDifference(figures[0] - figures[1], None, EARLIER)


def _paired(
    client: MlflowClient, task: Task, new: tuple[Run, LoggedEvaluation], old: tuple[Run, LoggedEvaluation]
) -> HeadlineDifference | None:
    """The difference by outcomes of the same recordings; None where one of the two kept none."""
    ours, theirs = (_outcomes(client, *side) for side in (new, old))
    if ours is None or theirs is None or not outcomes.same_recordings(ours, theirs):
        return None
    gained, low, high = gate.gain(task, ours, theirs, SIDE)
    return (
        HeadlineDifference(-gained, (-high, -low)) if task.lower_is_better else HeadlineDifference(gained, (low, high))
    )


def _outcomes(client: MlflowClient, run: Run, kept: LoggedEvaluation) -> pd.DataFrame | None:
    """What a run kept of an evaluation; None where it kept nothing, or somebody deleted it."""
    at = f"evaluation/{kept.sha}/{outcomes.FILE}"
    with TemporaryDirectory() as folder, suppress(MlflowException, OSError):
        return pd.read_parquet(Path(client.download_artifacts(run.info.run_id, at, folder)))
    return None


def _differing(settings: list[dict[str, str]]) -> dict[str, list[str | None]]:
    """Settings of which not all runs have the same, in the order of the keys."""
    keys = sorted({key for some in settings for key in some})
    rows: dict[str, list[str | None]] = {key: [some.get(key) for some in settings] for key in keys}
    return {key: values for key, values in rows.items() if len(set(values)) > 1}


def _other(columns: list[Column]) -> list[str]:
    """Which hashes differ among runs that have them: of recordings and code, which no setting tells."""
    return [name for name in runs.HASHES if len({c.hashes[name] for c in columns if c.hashes[name]}) > 1]


def plain(found: Comparison) -> dict[str, Any]:
    """As JSON has it."""
    columns = []
    for c in found.columns:
        one: dict[str, Any] = {"title": c.title, "run_id": c.row.run_id, "name": c.row.name, "kind": c.row.kind}
        one |= {"started": c.row.started.isoformat(timespec="seconds"), "state": c.row.state}
        one |= {"seconds": None if c.rebuilt else c.row.seconds, "commit": c.commit, "dirty": c.dirty}
        one |= {"versions": [{"version": n, "aliases": a} for n, a in c.row.versions.items()]}
        one |= {"n_parameters": c.n_parameters, "test_sha256": c.test, "n_recordings": c.n_recordings}
        one |= {"figures": {name: f._asdict() for name, f in c.figures.items()}, "settings": c.row.settings}
        one |= {"difference": c.difference._asdict() if c.difference else None} | dict(c.hashes)
        columns.append(one)
    return {"task": found.task.name, "headline": found.task.headline, "runs": columns, "differ": found.settings}
