"""Who is champion changes here: an entry of the ledger first, then MLflow's aliases and tags, under one lock.

What is begun is noted below `.earmark/`, so that the next command finishes what a killed one left. A tag of the
registered model names the entry that the store shows: by it, a store that lags behind the ledger is told from one
in which somebody moved an alias by hand.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark import paths
from earmark.errors import EarmarkError
from earmark.registry import identities, ledger, store, tracking, versions
from earmark.registry.entries import LedgerEntry, parse
from earmark.tasks.task import Task

MARK = "earmark.ledger"
WHY = "earmark.promoted_because"


@contextmanager
def alone(task: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a task's champion; what another process decides meanwhile is waited for, and said."""
    lock = FileLock(paths.lock(f"champion-{task}"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Another process is deciding on the champion of {task}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def crown(
    client: MlflowClient, task: Task, version: ModelVersion | None, entry: LedgerEntry, *before: LedgerEntry
) -> None:
    """Write an entry (after those `before` it) and make the store show it; under `alone`.

    version: of this store, the entry's; None where the entry says that there is no champion.
    """
    note = _note(task)
    note.parent.mkdir(parents=True, exist_ok=True)
    texts = [one.text for one in (*before, entry)]
    ledger.write_whole(note, json.dumps({"store": _store(), "entries": texts}))
    _write(task, [*before, entry])
    show(client, task, version, entry)
    note.unlink()


def finish(client: MlflowClient, task: Task) -> list[str]:
    """Finish what a killed command began, where it had written to the ledger already; under `alone`."""
    entries = _begun(task)
    if entries is None:
        return []
    said = []
    if entries and _file(task, entries[0]).exists():
        _write(task, entries)
        last = entries[-1]
        version = identities.find(client, task, last.version) if last.version else None
        if (version or last.version is None) and last in ledger.read(task.name).heads:
            show(client, task, version, last)
            said.append(f"Finished what was interrupted: {_done(last, version)}.")
    _note(task).unlink(missing_ok=True)
    return said


def show(client: MlflowClient, task: Task, version: ModelVersion | None, entry: LedgerEntry | None) -> None:
    """Aliases and tags of the store as the entry has it; can be repeated."""
    name = task.registered_model
    if version is None:
        client.delete_registered_model_alias(name, "champion")
    else:
        _set_champion(client, task, version)
        if entry and entry.why:
            why = entry.why.encode(
                "utf-8", "replace"
            ).decode()  # of an entry from elsewhere; no store takes half a character
            client.set_model_version_tag(name, version.version, WHY, why)
    if entry and entry.kind == "rollback" and entry.before:
        _tag_rolled_back(client, task, entry)
    if entry:
        mark(client, task, entry.id)


def _set_champion(client: MlflowClient, task: Task, version: ModelVersion) -> None:
    """The alias, and what follows from it: a champion is no challenger, and none that was rolled back."""
    name = task.registered_model
    client.set_registered_model_alias(name, "champion", version.version)
    versions.forget_rollback(client, version)
    challenger = versions.by_alias(client, task, "challenger")
    if challenger and int(challenger.version) == int(version.version):
        client.delete_registered_model_alias(name, "challenger")


def _tag_rolled_back(client: MlflowClient, task: Task, entry: LedgerEntry) -> None:
    for one in client.search_model_versions(f"name = '{task.registered_model}'"):
        if entry.before and identities.key(one) == entry.before.key and not entry.before.same(entry.version):
            client.set_model_version_tag(task.registered_model, one.version, versions.ROLLED_BACK, "true")


def mark(client: MlflowClient, task: Task, entry: str) -> None:
    """Note in the store the entry that it shows."""
    if marked_entry(client, task) != entry:
        client.set_registered_model_tag(task.registered_model, MARK, entry)


def marked_entry(client: MlflowClient, task: Task) -> str | None:
    """The entry that the store shows, by `mark`; None where it never showed one."""
    if not has_model(client, task):
        return None
    found: str | None = client.get_registered_model(task.registered_model).tags.get(MARK)
    return found


def has_model(client: MlflowClient, task: Task) -> bool:
    """Whether the store has the task's registered model."""
    try:
        client.get_registered_model(task.registered_model)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def require_model(client: MlflowClient, task: Task) -> None:
    """Raise EarmarkError where the task has no registered model."""
    if not has_model(client, task):
        raise EarmarkError(
            f"There is no registered model {task.registered_model}: nothing has been registered yet (run "
            f"`dvc repro publish@{task.name}`), or it was deleted or renamed in MLflow (`earmark publish {task.name}` "
            "registers the trained model again)."
        )


def _write(task: Task, entries: Sequence[LedgerEntry]) -> None:
    for entry in entries:
        ledger.append(task.name, entry)


def _file(task: Task, entry: LedgerEntry) -> Path:
    return ledger.folder(task.name) / f"{entry.id}.json"


def _note(task: Task) -> Path:
    return paths.state() / "champion" / f"{task.name}.json"


def _begun(task: Task) -> list[LedgerEntry] | None:
    """What a killed command was about to write; None where there is nothing, or it is about another store."""
    try:
        noted = json.loads(_note(task).read_text(encoding="utf-8"))
        return [parse(text) for text in noted["entries"]] if noted["store"] == _store() else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # of another release: nothing that could be finished
        return []


def _store() -> str:
    """Which store it is, without what its address keeps secret; the project's own moves with the project."""
    address = tracking.address()
    return "own" if store.is_own(address) else hashlib.sha256(address.encode()).hexdigest()[:16]


def _done(entry: LedgerEntry, version: ModelVersion | None) -> str:
    if version is None:
        return "there is no champion"
    again = " again" if entry.kind == "rollback" else ""
    return f"version {version.version} is champion{again}"
