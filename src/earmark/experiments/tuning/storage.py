"""Where the trials of a study are kept: a journal file of the project, or any database that SQLAlchemy knows.

A journal does not know which of its running trials are alive. Each holds a lock of this machine as long as it runs:
where the lock of a running trial is free, its process was killed. Such a trial is lost: it is told as failed with the
attribute `lost`, counts for nothing, and its place is tried anew.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from earmark.errors import EarmarkError
from earmark.experiments.tuning.sampling import LOST

JOURNAL = "journal.log"
HOST = "host"
FEASIBLE = "infeasible"  # a trial's attribute: the sentence of the setting that refused it
STATES = ("complete", "pruned", "infeasible", "failed", "lost", "running")


def open_storage(folder: Path, url: str | None) -> BaseStorage:
    """The storage of a study whose files lie in `folder`: its journal, or the database at `url`.

    Raises EarmarkError where the database does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if url is None:
        return _journal(folder / JOURNAL)
    try:
        return RDBStorage(url, heartbeat_interval=None)
    except Exception as e:  # each driver has errors of its own
        reason = str(e).strip().split("\n")[0].rstrip(".")[:200]
        raise EarmarkError(
            f"The storage {without_password(url)} does not answer ({reason}); check --storage."
        ) from None


def without_password(url: str) -> str:
    """An address without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "that was given"


def _journal(file: Path) -> JournalStorage:
    """A journal, without a last line that a killed process left half written."""
    lock = OsLock(f"{file}.lock")
    with lock.lock:
        if file.exists():
            cut(file)
    return JournalStorage(JournalFileBackend(str(file), lock_obj=lock))


class OsLock(BaseJournalFileLock):
    """A lock that the system takes from a process that dies: for Optuna's own ones, others wait 30 s then."""

    def __init__(self, file: str):
        self.lock = FileLock(file)

    def acquire(self) -> bool:
        """Wait for it."""
        self.lock.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self.lock.release()


def cut(file: Path) -> None:
    """Cut a file to its last whole line."""
    with file.open("rb+") as f:
        end = f.seek(0, os.SEEK_END)
        keep = end
        while keep > 0:
            start = max(0, keep - 4096)
            f.seek(start)
            at = f.read(keep - start).rfind(b"\n")
            if at >= 0:
                keep = start + at + 1
                break
            keep = start
        if keep < end:
            f.truncate(keep)


class Running:
    """The locks of the trials that run on this machine. folder: of the study's files."""

    def __init__(self, folder: Path, study: str):
        self.folder, self.study = folder / "running", study
        self.folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Alone among the processes of this machine: to look what runs, and to begin."""
        with FileLock(self.folder / f"{self.study}.asking"):
            yield

    def hold(self, trial: Trial) -> FileLock:
        """The lock of a trial that begins."""
        lock = self._lock(trial.number)
        lock.acquire(timeout=0)
        trial.set_user_attr(HOST, platform.node())
        trial.set_user_attr("process", os.getpid())
        return lock

    def release(self, lock: FileLock) -> None:
        """A trial has ended."""
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)

    def lose(self, study: Study) -> list[FrozenTrial]:
        """Tell the running trials whose process is gone as lost; which they were. Others' machines know of theirs."""
        found = []
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(HOST, platform.node()) == platform.node() and self._free(trial.number):
                Trial(study, trial._trial_id).set_user_attr(LOST, "its process ended")
                study.tell(trial.number, state=TrialState.FAIL)
                found.append(trial)
        return found

    def _lock(self, number: int) -> FileLock:
        return FileLock(self.folder / f"{self.study}-{number}.lock")

    def _free(self, number: int) -> bool:
        lock = self._lock(number)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self.release(lock)
        return True


def state(trial: FrozenTrial) -> str:
    """What became of a trial, in one of STATES."""
    if LOST in trial.user_attrs:
        return "lost"
    if FEASIBLE in trial.user_attrs:
        return "infeasible"
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    return names.get(trial.state, "running")


def study_of(storage: BaseStorage, name: str, direction: str, decided: dict[str, Any]) -> Study:
    """A study, begun where there is none. decided: what makes its trials comparable, by name.

    Raises EarmarkError, naming the first of these that is another than when the study began.
    """
    study = optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
    before = study.user_attrs.get("decided")
    if before is None:
        study.set_user_attr("decided", decided)
    for key, value in decided.items() if before is not None else ():
        if before.get(key) != value:
            raise EarmarkError(
                f"The {key} changed after the study {name} began, so its trials cannot be compared with new "
                "ones; undo the change, start over with --fresh, or give the file another name."
            )
    return study


def forget(folder: Path) -> Path | None:
    """Move the files of a study aside; where they are now, None where there were none."""
    if not (folder / JOURNAL).exists():
        return None
    n = 1
    while (aside := folder.with_name(f"{folder.name}.{n}")).exists():
        n += 1
    shutil.move(folder, aside)
    return aside
