"""The way back from a champion, and which side is right where store and ledger differ."""

from collections.abc import Callable
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from earmark.errors import EarmarkError
from earmark.registry import crowning, identities, ledger, restore, versions
from earmark.registry.crowning import crown as crown
from earmark.registry.entries import Identity, Kind, LedgerEntry
from earmark.registry.ledger import Ledger, Stack
from earmark.registry.view import difference, import_champions
from earmark.registry.view import turn as turn
from earmark.tasks.task import Task

Say = Callable[[str], None]


def rollback(client: MlflowClient, task: Task, say: Say, why: str | None = None) -> str:
    """Give the champion alias back to the model that had it before, restored where this store lacks it.

    Raises EarmarkError, and leaves the champion as it is, where there is none before or its files are gone.
    """
    why = ledger.reason(why)
    with turn(client, task, say) as found:
        now = versions.by_alias(client, task, "champion")
        name = task.registered_model
        stack = found.stack()
        if now is None:
            raise EarmarkError(_nobody(client, task))
        if len(stack) < 2:
            raise EarmarkError(
                f"Version {now.version} of {name} is the first champion in the ledger; {_first(found, stack)}."
            )
        former = _version(client, task, stack[-2], f"Version {now.version} stays champion")
        crown(client, task, former, _entry(client, found, "rollback", former, why=why))
        return f"Version {former.version} is champion again; version {now.version} was rolled back."


def _version(client: MlflowClient, task: Task, wanted: Identity, stays: str) -> ModelVersion:
    """The version of a model, restored where this store lacks it."""
    if version := identities.find(client, task, wanted):
        return version
    try:
        return restore.version(task, wanted)
    except EarmarkError as e:
        raise EarmarkError(f"{stays}: {str(e)[0].lower()}{str(e)[1:]}") from None


def _nobody(client: MlflowClient, task: Task) -> str:
    if lost := versions.lost_alias(client, task, "champion"):
        return lost
    known = versions.known_versions(client, task)
    return f"{task.registered_model} has no champion; promote a version first: {known}."


def _first(found: Ledger, stack: Stack) -> str:
    """What is known of the time before the first champion."""
    roots = [e for e in found.entries if e.kind == "imported" and not e.follows]
    reasons = [e.reason for e in roots if e.reason and stack and stack[0].same(e.version)]
    return reasons[0] if reasons else "there is none before it"


def from_store(client: MlflowClient, task: Task, say: Say, why: str | None = None) -> str:
    """Take the store's champion into the ledger, as an entry that follows all heads."""
    why = ledger.reason(why)
    with crowning.alone(task.name, say):
        _finish(client, task, say)
        found, version = import_champions(client, task), versions.by_alias(client, task, "champion")
        if version is None and not crowning.marked_entry(client, task):
            raise EarmarkError(
                f"The store has never had a champion of {task.name} to take; `earmark promote {task.name}` makes one, "
                "and `--from-ledger` takes the ledger's."
            )
        if len(found.heads) < 2 and difference(client, task, found) is None:
            return _agreed(client, task)
        crown(client, task, version, _sync(client, found, version, why))
        return f"{_who(version)}, in the ledger too."


def from_ledger(client: MlflowClient, task: Task, say: Say, entry: str | None = None, why: str | None = None) -> str:
    """Make the store show the ledger's champion, restored where it lacks it.

    entry: at a fork, the id of the head (or its beginning) whose champion stays; then an entry follows all heads.
    """
    why = ledger.reason(why)
    with crowning.alone(task.name, say):
        _finish(client, task, say)
        found = ledger.read(task.name)
        if not found.heads:
            raise EarmarkError(f"registry/{task.name} holds no champion to take; `--from-store` keeps the store's.")
        head = _chosen(found, entry)
        stack = found.stacks[head.id]
        if len(found.heads) < 2 and difference(client, task, found) is None:
            return _agreed(client, task)
        version = _version(client, task, stack[-1], "The store stays as it is") if stack else None
        if len(found.heads) > 1:
            crown(client, task, version, _sync(client, found, version, why))
        elif version or crowning.has_model(client, task):
            crowning.show(client, task, version, head)
        return f"{_who(version)}, as the ledger has it."


def _chosen(found: Ledger, entry: str | None) -> LedgerEntry:
    """The head that counts. Raises EarmarkError at a fork where none is named, and where none is so called."""
    if entry is None and (head := found.head):  # raises at a fork
        return head
    fitting = [e for e in found.heads if e.id.startswith(entry or "")]
    if len(fitting) != 1:
        heads = ", ".join(e.id for e in found.heads)
        raise EarmarkError(
            f"--entry must name one of the last entries of {found.task}, but fits {len(fitting) or 'none'} of them: "
            f"{heads}."
        )
    return fitting[0]


def _sync(client: MlflowClient, found: Ledger, version: ModelVersion | None, why: str | None) -> LedgerEntry:
    before = found.champion() if len(found.heads) == 1 else None
    return _entry(client, found, "sync", version, follows=[e.id for e in found.heads], before=before, why=why)


def _entry(client: MlflowClient, found: Ledger, kind: Kind, version: ModelVersion | None, **rest: Any) -> LedgerEntry:
    """An entry about a version of this store."""
    if version:  # as it is now: one that was restored got its figures afterwards
        version = client.get_model_version(version.name, str(version.version))
    model = identities.identity_of(client, version) if version else None
    return found.entry(kind, model, figures=identities.figures(version), **rest)


def _finish(client: MlflowClient, task: Task, say: Say) -> None:
    for sentence in crowning.finish(client, task):
        say(sentence)


def _agreed(client: MlflowClient, task: Task) -> str:
    version = versions.by_alias(client, task, "champion")
    return f"Store and ledger agree: {_who(version)[0].lower()}{_who(version)[1:]}."


def _who(version: ModelVersion | None) -> str:
    return f"Version {version.version} is champion" if version else "There is no champion"
