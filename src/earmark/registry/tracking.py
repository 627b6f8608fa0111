"""Runs in MLflow: connecting, a training's live run, and a run rebuilt from files.

MLflow is a view of the project's files. Runs are found by tags, never by a stored id:
earmark.train_key, earmark.kind (pipeline, crossval, fold, study, score), earmark.model_sha256, earmark.owner.
"""

import math
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import mlflow
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from earmark import paths
from earmark.console import warn
from earmark.errors import EarmarkError
from earmark.registry import moved, stale, store, trouble
from earmark.registry.store import answering as answering
from earmark.registry.store import is_own
from earmark.registry.store import reader as reader
from earmark.training.provenance import git_tags

if TYPE_CHECKING:
    from earmark.training.loop import Fit

UNFINISHED = ("RUNNING", "KILLED")
# Of the kinds whose runs stand beside others in a table; the pipeline's are told apart by MLflow's own colours.
COLOURS = {"crossval": "#7b61c4", "study": "#1f8a70", "tuning": "#c2571a", "trial": "#e0a36c", "score": "#5b6b7a"}
AT_ONCE = 1000  # metrics in one request
LOG_EVERY_S = 1.0  # a request takes as long as a short epoch
QUOTABLE = re.compile(r"[\w.:/@ +-]*", re.ASCII)  # what a value in a query may hold without being taken for more


@dataclass(frozen=True)
class Tracker:
    """A connection to one experiment."""

    client: MlflowClient
    experiment_id: str

    def find(self, tags: dict[str, str], statuses: Iterable[str] = ()) -> list[Run]:
        """Runs with all these tags and one of these statuses, newest first."""
        statuses, token, found = set(statuses), None, []
        query = [f"tags.`{k}` = '{v}'" for k, v in tags.items() if QUOTABLE.fullmatch(v)]
        query += [f"attributes.status = '{status}'" for status in statuses if len(statuses) == 1]
        while token != "":
            page = self.client.search_runs(
                [self.experiment_id], " and ".join(query), order_by=["attributes.start_time DESC"], page_token=token
            )
            found += [r for r in page if not statuses or r.info.status in statuses]
            token = page.token or ""
        return [r for r in found if all(r.data.tags.get(k) == v for k, v in tags.items())]

    def find_own(self, tags: dict[str, str], statuses: Iterable[str] = ()) -> list[Run]:
        """`find`, of the runs that this copy of the project wrote."""
        return [run for run in self.find(tags, statuses) if run.data.tags.get("earmark.owner") in stale.owners()]

    def create(self, name: str, tags: dict[str, str], params: dict[str, str]) -> str:
        """A new RUNNING run; its id."""
        run_id: str = self.client.create_run(self.experiment_id, run_name=name, tags=tags).info.run_id
        self.client.log_batch(run_id, params=[Param(k, str(v)) for k, v in params.items()])
        return run_id

    def reopen(self, run_id: str) -> None:
        """Go on with a run that has ended, in this process."""
        self.tag(run_id, lock=stale.alive())
        self.client.update_run(run_id, status="RUNNING")

    def log(
        self,
        run_id: str,
        metrics: dict[str, float],
        step: int = 0,
        at_ms: int | None = None,
        of: dict[str, Any] | None = None,
    ) -> None:
        """Several metrics of one step in one batch; of: the model and dataset that MLflow ties them to."""
        at_ms = int(time.time() * 1000) if at_ms is None else at_ms
        rows = [Metric(k, float(v), at_ms, step, **(of or {})) for k, v in metrics.items()]
        self.client.log_batch(run_id, metrics=rows)

    def log_rows(
        self, run_id: str, rows: Iterable[tuple[str, float, int]], params: dict[str, Any] | None = None
    ) -> None:
        """Many metrics (name, value, step), those that are finite, in few requests, with parameters in the first.

        What MLflow does not take in a name is replaced: folds, levels and branches may be called anything.
        """
        now = int(time.time() * 1000)
        metrics = [Metric(_plain(k), float(v), now, int(step)) for k, v, step in rows if math.isfinite(v)]
        told = [Param(k, str(v)) for k, v in (params or {}).items()]
        for i in range(0, max(len(metrics), 1), AT_ONCE):
            self.client.log_batch(run_id, metrics=metrics[i : i + AT_ONCE], params=[] if i else told)

    def tag(self, run_id: str, **tags: str) -> None:
        """Set tags earmark.<name>."""
        self.client.log_batch(run_id, tags=[RunTag(f"earmark.{k}", str(v)) for k, v in tags.items()])

    def last_steps(self, run_id: str) -> dict[str, int]:
        """The last step logged of every metric of the history."""
        keys = [k for k in self.client.get_run(run_id).data.metrics if not k.startswith("system/")]
        return {k: max(m.step for m in self.client.get_metric_history(run_id, k)) for k in keys}

    def log_missing(self, run_id: str, history: list[dict[str, float]]) -> None:
        """Log the epochs of a history that the run does not have yet; each step once."""
        last = self.last_steps(run_id)
        for row in history:
            step = int(row["epoch"])
            new = {k: v for k, v in row.items() if k != "epoch" and step > last.get(k, 0)}
            if new:
                self.log(run_id, new, step)


def present() -> MlflowClient:
    """`store.present`, in which the runs of killed processes have ended."""
    client = store.present()
    with answering(address()):
        stale.close(client)
    return client


def connect(experiment: str) -> Tracker:
    """An experiment of the present store: made where there is none, taken out of the trash where it was deleted.

    Raises EarmarkError in one sentence when the store does not answer.
    """
    client, uri = present(), address()
    with answering(uri), FileLock(paths.lock("mlflow")):  # two processes that create it at once crash
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return Tracker(client, _create(client, experiment, paths.sqlite_file(uri) is not None))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
            warn(f"The experiment '{experiment}' had been deleted in MLflow: it is restored, with its runs.")
        if is_own(uri) and moved.PROJECT not in found.tags:
            client.set_experiment_tag(found.experiment_id, moved.PROJECT, str(paths.main_repository()))
    return Tracker(client, found.experiment_id)


def _create(client: MlflowClient, experiment: str, local: bool) -> str:
    """A new experiment; artifacts of a local store go into the project."""
    root = paths.main_repository()
    place = (root / "mlartifacts" / experiment).as_uri() if local else None
    tags = {moved.PROJECT: str(root)} if local else {}
    for other in client.search_experiments() if local else ():
        if other.artifact_location == place:
            warn(
                f"The experiment '{experiment}' was renamed to '{other.name}' and keeps its runs: a new "
                f"'{experiment}' is made. To go on with the old one, rename it back and delete the new one."
            )
    made: str = client.create_experiment(experiment, artifact_location=place, tags=tags)
    return made


def address() -> str:
    """The address of the present store."""
    found: str = mlflow.get_tracking_uri()
    return found


def unreachable(error: Exception) -> EarmarkError:
    """The one sentence about the present store, which does not answer."""
    return trouble.unreachable(error, address())


def _plain(key: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", key)


def numbers(prefix: str, found: dict[str, Any]) -> dict[str, float]:
    """Figures as metrics: `<prefix>/<name>`, and their intervals in a group of their own, `<prefix>-ci95/`."""
    out = {f"{prefix}/{k}": v for k, v in found.items() if isinstance(v, int | float)}
    for key, (low, high) in ((k, v) for k, v in found.items() if k.endswith("_ci95")):
        name = key.removesuffix("_ci95")
        out |= {f"{prefix}-ci95/{name}_low": low, f"{prefix}-ci95/{name}_high": high}
    return out


def version_tags() -> dict[str, str]:
    """Versions of what decides a result, in one tag: a run's page shows its tags before its description."""
    versions = {p: installed(p) for p in ("earmark", "torch", "numpy", "mlflow")}
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return {"earmark.made_with": f"{said}, python {platform.python_version()}"}


def run_tags(kind: str, hashes: dict[str, str]) -> dict[str, str]:
    """The tags that a run carries from its start."""
    tags = {
        "earmark.kind": kind,
        "earmark.owner": stale.owner(),
        stale.LOCK: stale.alive(),
        "mlflow.source.name": "earmark",
    }
    tags |= {f"earmark.{k}": v for k, v in hashes.items()}
    tags |= {"mlflow.runColor": COLOURS[kind]} if kind in COLOURS else {}
    if name := os.environ.get("DVC_EXP_NAME"):
        tags["earmark.experiment"] = name
    return tags | git_tags() | version_tags()


def run_name(task: str, train_key: str) -> str:
    """A name for people; DVC's experiment name where there is one."""
    return os.environ.get("DVC_EXP_NAME") or f"{task}-{train_key[:8]}"


@contextmanager
def only_one(train_key: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a train key: killing `dvc` alone leaves its training alive, and a second one must wait."""
    lock = FileLock(paths.lock(train_key))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("Another process is running this same training; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class LiveRun:
    """Follows one training. Resumes the run that an interrupted training left, and logs later steps only.

    A store that goes away while training does not end the training: that is said, and `publish` logs
    what is missing.
    """

    def __init__(
        self, tracker: Tracker, task: str, hashes: dict[str, str], params: dict[str, str], say: Callable[[str], None]
    ) -> None:
        self.tracker = tracker
        self.say = say
        self.lost = False
        self.waiting: list[Metric] = []
        self.sent = 0.0
        key = hashes["train_key"]
        # A finished run of the same key is this very training if its checkpoint has not been published yet.
        resumable = (*UNFINISHED, "FINISHED") if paths.checkpoint(key).exists() else UNFINISHED
        found = tracker.find_own({"earmark.train_key": key, "earmark.kind": "pipeline"}, resumable)
        if found:
            self.run_id = found[0].info.run_id
            tracker.reopen(self.run_id)
        else:
            self.run_id = tracker.create(run_name(task, key), run_tags("pipeline", hashes), params)
        self.monitor = SystemMetricsMonitor(self.run_id, sampling_interval=5, resume_logging=bool(found))
        self.monitor.start()

    def start(self, fit: "Fit") -> None:
        """Bring the run up to a training's history, which a resumed one has already."""
        if fit.epoch:
            self.say(f"Resuming after epoch {fit.epoch}.")
        self._try(lambda: self.tracker.log_missing(self.run_id, fit.history))

    def epoch(self, fit: "Fit", seconds: float) -> None:
        """Log an epoch; short ones are logged together, a request a second."""
        row = {k: v for k, v in fit.history[-1].items() if k != "epoch"} | {"epoch_seconds": seconds}
        now = int(time.time() * 1000)
        self.waiting += [Metric(k, float(v), now, fit.epoch) for k, v in row.items()]
        if time.monotonic() - self.sent > LOG_EVERY_S:
            self._log_waiting()

    def _log_waiting(self) -> None:
        for i in range(0, len(self.waiting), AT_ONCE):
            part = self.waiting[i : i + AT_ONCE]
            self._try(partial(self.tracker.client.log_batch, self.run_id, metrics=part))
        self.waiting, self.sent = [], time.monotonic()

    def finish(self, status: str, **tags: str) -> None:
        """End the run; tags are earmark.<name>."""
        self.monitor.finish()
        self._log_waiting()
        self._try(lambda: self.tracker.tag(self.run_id, **tags) if tags else None)
        self._try(lambda: self.tracker.client.set_terminated(self.run_id, status))

    def _try(self, log: Callable[[], object]) -> None:
        if self.lost:
            return
        try:
            log()
        except (MlflowException, OSError) as e:
            self.lost = True
            self.say(f"{unreachable(e)} Training goes on; the publish stage of `dvc repro` logs what is missing.")
