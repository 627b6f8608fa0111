"""Runs that end: with what is done in them, or, where their process was killed, at the next command.

A process that writes runs holds a lock as long as it lives, which they name in the tag earmark.lock: where it is free
and a run is still RUNNING, nobody is at it any more.
"""

import atexit
import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from earmark import paths
from earmark.tasks import catalog

LOCK = "earmark.lock"


def owner() -> str:
    """Which copy of the project on which machine writes a run: a hash, since a shared server shows it to everyone."""
    return owner_of(platform.node(), paths.main_repository())


def owner_of(node: str, root: Path) -> str:
    """The tag earmark.owner of a copy of the project on a machine."""
    return hashlib.sha256(f"{node}:{root}".encode()).hexdigest()[:16]


def owners() -> tuple[str, str]:
    """`owner`, and what earlier releases wrote in its place."""
    return owner(), f"{platform.node()}:{paths.main_repository()}"


def alive() -> str:
    """The name of a lock of this project that this process holds until it ends, however it ends."""
    return Path(_held(paths.main_repository(), os.getpid()).lock_file).stem


@cache
def _held(root: Path, process: int) -> FileLock:
    lock = FileLock(paths.lock(f"process-{uuid4().hex}"))
    lock.acquire()
    atexit.register(_drop, lock)
    return lock


def _drop(lock: FileLock) -> None:
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def close(client: MlflowClient) -> None:
    """End the RUNNING runs of this copy of the project whose process is gone, as KILLED."""
    experiments = [e.experiment_id for e in client.search_experiments() if e.name in catalog.names()]
    found = client.search_runs(experiments, "attributes.status = 'RUNNING'") if experiments else []
    for run in found:
        if run.data.tags.get("earmark.owner") in owners():
            _close_dead(client, run)


def _close_dead(client: MlflowClient, run: Run) -> None:
    tags = run.data.tags
    file = paths.lock(tags.get(LOCK) or tags.get("earmark.study_key") or tags.get("earmark.train_key", "none"))
    try:
        with FileLock(file, timeout=0):
            client.set_terminated(run.info.run_id, "KILLED")
    except Timeout:  # its process is alive and holds the lock
        return
    if LOCK in tags:  # nobody will ask for it again
        file.unlink(missing_ok=True)


@contextmanager
def ending(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Do something in a run, which then is FINISHED; what breaks it off ends it as FAILED or KILLED."""
    try:
        yield
    except BaseException as e:
        break_off(client, run_id, e)
        raise
    client.set_terminated(run_id, "FINISHED")


def break_off(client: MlflowClient, run_id: str, error: BaseException) -> None:
    """End a run that an error or a signal breaks off; where the store is what failed, the next command ends it."""
    with suppress(MlflowException, OSError):
        client.set_terminated(run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
