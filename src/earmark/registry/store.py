"""The tracking store: opened, made, or told in one sentence why it cannot be."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from earmark import paths
from earmark.console import warn
from earmark.errors import EarmarkError
from earmark.registry import moved, trouble
from earmark.tasks import catalog

DATABASES = ("postgresql", "mysql", "mssql")
# MLflow logs the traceback of an error that it also raises.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def present() -> MlflowClient:
    """The tracking store that MLFLOW_TRACKING_URI names, else mlflow.db in the main repository.

    Raises EarmarkError in one sentence when it does not answer.
    """
    return reader(paths.tracking_address() or paths.sqlite_address(paths.main_repository() / "mlflow.db"))


def reader(uri: str) -> MlflowClient:
    """A client of a tracking store, as MLflow's own functions will use it too.

    The project's own store is made where there is none, and set right where the project was moved or copied.
    Raises EarmarkError in one sentence when it does not answer.
    """
    _point_mlflow(uri)
    file = paths.sqlite_file(uri)
    with answering(uri):
        if uri.split(":")[0].split("+")[0] in DATABASES:
            _try_seldom()
        if file:
            with _alone():
                _open(file, uri)
        return MlflowClient(uri)


def _point_mlflow(uri: str) -> None:
    """Make MLflow's own functions use a store; its environment stays as the user set it."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    before = {name: os.environ[name] for name in names if name in os.environ}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(before)


def _open(file: Path, uri: str) -> None:
    """Check a SQLite file; make the project's own where there is none, or let it follow the project's folder."""
    trouble.check_file(file)
    if file.exists() and file.stat().st_size:
        if is_own(uri):
            moved.follow(file, paths.main_repository(), catalog.names(), warn)
    elif root := paths.project():  # by itself, MLflow takes the present folder for files, and stumbles on its quotes
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(uri, (root / "mlartifacts").as_uri())


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the project's lock: two processes that make a database at once crash.

    Outside a project, and in one that cannot be written, there is nothing to lock.
    """
    lock = None
    with suppress(OSError):
        lock = FileLock(paths.lock("mlflow")) if paths.project() else None
        _ = lock and lock.acquire()
    try:
        yield
    finally:
        if lock:
            lock.release()


def is_own(uri: str) -> bool:
    """Whether an address is that of the project's own mlflow.db."""
    file, root = paths.sqlite_file(uri), paths.project()
    own = root and root / "mlflow.db"
    if not file or not own:
        return False
    return file == own or (file.exists() and own.exists() and file.samefile(own))


def _try_seldom() -> None:
    """MLflow tries a database that does not answer for minutes; three times will do."""
    from mlflow.store.db import utils

    utils.MAX_RETRY_COUNT = 3


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """Turn what a store's trouble raises into one sentence."""
    try:
        yield
    except EarmarkError:
        raise
    except (MlflowException, OSError, ImportError) as e:
        raise trouble.unreachable(e, uri) from None
    except Exception as e:
        raise trouble.error_of(e, uri) or e from None
