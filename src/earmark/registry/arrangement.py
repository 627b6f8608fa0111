"""MLflow's pages as a person meets them: descriptions, saved views of the runs, and the links that open them.

A saved view is an experiment's tag that MLflow's pages read (`mlflow.sharedViewState.<key>`, as of 3.17). A new browser
opens a bare address of an experiment on MLflow's side for agents, without runs: every link here names the other side.
"""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from earmark.registry.tracking import Tracker
from earmark.tasks.task import Task

NOTE = "mlflow.note.content"  # what MLflow shows as the description of an experiment and of a run
MADE = (
    "earmark.description_made"  # hash of the description that earmark wrote last: another one is a person's, and stays
)
VIEW = "mlflow.sharedViewState."
SIDE = "workflowType=machine_learning"
KIND = {"mlflow.experimentKind": "custom_model_development"}
SHOWN = ("model.name", "train.lr", "train.epochs")  # parameters in the leaderboard; "Columns" has all


@dataclass(frozen=True)
class View:
    """A saved view of a task's runs.

    query: what the address says besides; where: the runs' filter; order: a column, best first unless ascending;
    columns: and their widths in pixels, in this order; charts: which metrics have one, as a regular expression.
    """

    key: str
    name: str
    where: str
    order: str
    ascending: bool = False
    columns: dict[str, int] = field(default_factory=dict)
    charts: str = ""
    query: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """As MLflow's pages keep it."""
        shown = {"selectedColumns": list(self.columns), "columnOrder": list(self.columns), "columnWidths": self.columns}
        return {
            "searchFilter": self.where,
            "orderByKey": self.order,
            "orderByAsc": self.ascending,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "modelVersionFilter": "All Runs",
            "datasetsFilter": [],
            **(shown if self.columns else {}),
            **({"chartsSearchFilter": self.charts} if self.charts else {}),
        }


def views(task: Task) -> list[View]:
    """The views of a task's runs, the one that links open first."""
    figure, inner = f"metrics.`test/{task.headline}`", f"metrics.`inner/{task.headline}`"
    board = {figure: 130, "tags.`earmark.interval`": 140, "tags.`earmark.baseline`": 230, "attributes.Duration": 90}
    board |= {f"params.`{key}`": 110 for key in SHOWN} | {"tags.`earmark.kind`": 110}
    tried = {inner: 130, "tags.`earmark.state`": 110, "tags.`earmark.tuning`": 110, "tags.`earmark.outer`": 110}
    tried |= {"metrics.`seconds`": 90, "tags.`earmark.reason`": 300}
    return [
        View("leaderboard", "Leaderboard", _of("pipeline"), figure, task.lower_is_better, board),
        View(
            *("curves", "Curves", _of("pipeline"), "attributes.start_time"),
            charts="^(train|val)/",
            query="&compareRunsMode=CHART",
        ),
        View("trials", "Trials of tunings", _of("trial"), inner, task.lower_is_better, tried),
    ]


def _of(kind: str) -> str:
    return f"tags.`earmark.kind` = '{kind}'"


def link(experiment_id: str, view: View) -> str:
    """The address of a view, below the server's."""
    return f"#/experiments/{experiment_id}/runs?{SIDE}&viewStateShareKey={view.key}{view.query}"


def run_link(experiment_id: str, run_id: str, artifact: str = "") -> str:
    """The address of a run, or of one of its artifacts, below the server's."""
    return f"#/experiments/{experiment_id}/runs/{run_id}{artifact and f'/artifacts/{artifact}'}?{SIDE}"


def arrange(tracker: Tracker, task: Task) -> None:
    """Give a task's experiment its description and views, and its registered model, if there is one, a description.

    Nothing is written where it is so already, nor over a description or a view that a person changed.
    """
    client, found = tracker.client, tracker.client.get_experiment(tracker.experiment_id)
    wanted = KIND | description_tags(found.tags.get(NOTE), found.tags.get(MADE), _about_runs(tracker, task))
    for view in views(task):
        if kept := _kept(found.tags.get(VIEW + view.key), view):
            wanted[VIEW + view.key] = kept
    for key, value in wanted.items():
        if found.tags.get(key) != value:
            client.set_experiment_tag(tracker.experiment_id, key, value)
    _arrange_model(tracker, task)


def describe_run(tracker: Tracker, run: Run, text: str, tags: dict[str, str]) -> None:
    """Give a run a description, unless a person wrote one, and tags."""
    wanted = tags | description_tags(run.data.tags.get(NOTE), run.data.tags.get(MADE), text)
    for key, value in wanted.items():
        if run.data.tags.get(key) != value:
            tracker.client.set_tag(run.info.run_id, key, value)


def description_tags(has: str | None, made: str | None, wanted: str) -> dict[str, str]:
    """Tags that make a description so; none where a person changed the one that earmark made, or wrote the first."""
    if has and made != digest(has):
        return {}
    return {NOTE: wanted, MADE: digest(wanted)}


def _kept(value: str | None, view: View) -> str | None:
    """A view as a tag; None where there is this one already, or one that a person changed."""
    state, now = json.dumps(view.state), int(time.time() * 1000)
    wanted = {"name": view.name, "createdAt": now, "updatedAt": now, "state": state, "made": digest(state)}
    if value is None:
        return json.dumps(wanted)
    try:
        had = json.loads(value)
        of_earlier_release = had["made"] == digest(had["state"]) != wanted["made"]
        return json.dumps(wanted | {"createdAt": had["createdAt"]}) if of_earlier_release else None
    except (ValueError, KeyError, TypeError):
        return None


def _about_runs(tracker: Tracker, task: Task) -> str:
    shown = " · ".join(f"[{view.name}]({link(tracker.experiment_id, view)})" for view in views(task))
    better = "lower" if task.lower_is_better else "higher"
    return (
        f"Models of the task **{task.name}**, judged by {task.headline} on test recordings ({better} is "
        f"better).\n\n{shown} · [registered model](#/models/{task.registered_model}?{SIDE})\n\nA run of kind "
        "`pipeline` is a training of `dvc repro` with its evaluation; `crossval`, `study` and `tuning` hold "
        "nested runs; a run of kind `score` tested a model on another folder."
    )


def _arrange_model(tracker: Tracker, task: Task) -> None:
    client, name = tracker.client, task.registered_model
    found = next(iter(client.search_registered_models(f"name = '{name}'")), None)
    if found is None:
        return
    text = (
        f"Models of the task **{task.name}**, one version for each training that `dvc repro` published, with a "
        "page that says what it is and how good it is. The version with the alias *champion* answers in "
        f"`earmark predict {task.name}`; `earmark promote {task.name}` decides which version that is, by "
        f"{task.headline} on the test recordings.\n\n[The "
        f"trainings]({link(tracker.experiment_id, views(task)[0])})"
    )
    wanted = description_tags(found.description, found.tags.get(MADE), text)
    if wanted and wanted[NOTE] != found.description:
        client.update_registered_model(name, wanted[NOTE])
        client.set_registered_model_tag(name, MADE, wanted[MADE])


def links(client: MlflowClient, tasks: list[Task]) -> dict[str, str]:
    """Addresses below the server's of the tasks that have runs, by their names, arranged."""
    found = {}
    for task in tasks:
        experiment = client.get_experiment_by_name(task.name)
        if experiment and experiment.lifecycle_stage == "active":
            arrange(Tracker(client, experiment.experiment_id), task)
            found[task.name] = link(experiment.experiment_id, views(task)[0])
    return found


def digest(text: str) -> str:
    """What tells a text that earmark wrote from one that a person changed."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
