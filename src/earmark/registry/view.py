"""The tracking store as a view of the ledger: filled where it is empty, compared where a person moved something.

Nothing here undoes what somebody did in MLflow: where store and ledger differ, `earmark registry sync` decides.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from earmark.errors import EarmarkError
from earmark.registry import crowning, identities, ledger, restore, versions
from earmark.registry.crowning import marked_entry
from earmark.registry.entries import LedgerEntry
from earmark.registry.identities import short_name
from earmark.registry.ledger import Ledger
from earmark.tasks.task import Task

PREVIOUS = "earmark.previous_champion"  # of earlier releases: numbers of the versions that one followed, the last last


@contextmanager
def turn(client: MlflowClient, task: Task, say: Callable[[str], None]) -> Iterator[Ledger]:
    """Alone with a task's champion, on which ledger and store agree: what a command needs that decides on it.

    Raises EarmarkError where they differ, where the ledger is broken, and at a fork.
    """
    with crowning.alone(task.name, say):
        for sentence in crowning.finish(client, task):
            say(sentence)
        found = import_champions(client, task)
        if _to_fill(client, task, found):
            version = _fill(client, task, found)
            now = f"version {version.version} is champion now"
            say(f"This store had no champion of {task.name}: {now}, as the ledger has it.")
        if differing := difference(client, task, found):
            raise EarmarkError(differing)
        crowning.require_model(client, task)
        yield found


def settle(client: MlflowClient, task: Task) -> list[str]:
    """Make the store show what the ledger says, where nobody decided otherwise; under `crowning.alone`.

    Returns what was done or found. Nothing that the ledger or DVC's cache lacks is an error here: it is said.
    """
    said: list[str] = []
    try:
        said += crowning.finish(client, task)
        found = import_champions(client, task)
        if _to_fill(client, task, found):
            version = _fill(client, task, found)
            return [*said, f"Version {version.version} is champion, as the ledger has it."]
        differing = difference(client, task, found)
        return said + ([differing] if differing else _repaired(client, task, found))
    except EarmarkError as e:
        return [*said, str(e)]


def difference(client: MlflowClient, task: Task, found: Ledger) -> str | None:
    """Where store and ledger differ, in one sentence; None where they agree, which the store then notes."""
    wanted = found.champion()
    version = versions.by_alias(client, task, "champion")
    mark = marked_entry(client, task)
    if identities.key(version) == (wanted.key if wanted else None):
        if found.head and mark != found.head.id:
            crowning.mark(client, task, found.head.id)
        return None
    has = f"version {version.version}" if version else "nobody"
    known = f"the model with {short_name(wanted)}" if wanted else "nobody"
    differ = f"The store has {has} as champion of {task.name}, the ledger {known}"
    way = f"`earmark registry sync {task.name} --from-store` takes the store's into the ledger, `--from-ledger` gives"
    return f"{differ}: {_cause(found, mark, version)}; {way} the alias to the ledger's."


def _cause(found: Ledger, mark: str | None, version: ModelVersion | None) -> str:
    """Why they differ, by the entry that the store showed last."""
    head = found.head
    if mark is None:
        return "the store has never been synced with this ledger"
    if head and mark == head.id:
        return "the alias was moved" if version else "the alias was removed, or its version deleted"
    if mark not in found.by_id:
        return (
            f"the store shows an entry that is not here ({mark}); run `git pull` if another clone wrote it, switch "
            "to the branch that has it if this one does not, or run `git checkout -- registry` if it was removed"
        )
    stack = found.stacks[mark]
    if head and identities.key(version) == (stack[-1].key if stack else None):
        return f"the ledger has a newer entry, by {head.by} ({head.id})"
    return "the alias was moved, and the ledger has a newer entry"


def _to_fill(client: MlflowClient, task: Task, found: Ledger) -> bool:
    """Whether the store has no champion and never showed one of the ledger."""
    if found.champion() is None or marked_entry(client, task):
        return False
    return versions.by_alias(client, task, "champion") is None


def _fill(client: MlflowClient, task: Task, found: Ledger) -> ModelVersion:
    wanted = found.champion()
    assert wanted is not None
    version = identities.find(client, task, wanted) or restore.version(task, wanted)
    crowning.show(client, task, version, found.head)
    return version


def _repaired(client: MlflowClient, task: Task, found: Ledger) -> list[str]:
    """The alias on another version of the champion's very weights, where the files of its own are gone."""
    wanted, version = found.champion(), versions.by_alias(client, task, "champion")
    if not wanted or not version or versions.has_files(version):
        return []
    if (other := identities.find(client, task, wanted)) is None:
        return []
    crowning.show(client, task, other, found.head)
    return [
        f"Version {other.version} has the same weights as the champion, whose files were gone: it is champion in its "
        "place."
    ]


def import_champions(client: MlflowClient, task: Task) -> Ledger:
    """The ledger, into which the champions of a store are imported that was made before there was one."""
    found = ledger.read(task.name)
    champion = versions.by_alias(client, task, "champion")
    if champion is None or any(e.decides for e in found.entries) or marked_entry(client, task):
        return found
    if identities.key(champion) is None:  # not registered by earmark: no model that the ledger could name
        return found
    entries = _imported(client, task, found, champion)
    crowning.crown(client, task, champion, entries[-1], *entries[:-1])
    return ledger.read(task.name)


def _imported(client: MlflowClient, task: Task, found: Ledger, champion: ModelVersion) -> list[LedgerEntry]:
    """Entries for the turns that earlier releases kept in tags: the way back, and the champion last."""
    chain, lost = _way_back(client, task, champion)
    entries: list[LedgerEntry] = []
    for version in chain:
        last = entries[-1] if entries else None
        reason = None if last or not lost else f"before it, version {lost} was champion, which was deleted in MLflow"
        entries.append(
            found.entry(
                *("imported", identities.identity_of(client, version)),
                before=last.version if last else None,
                follows=[last.id] if last else [],
                why=version.tags.get(crowning.WHY),
                figures=identities.figures(version),
                reason=reason,
            )
        )
    return entries


def _way_back(client: MlflowClient, task: Task, champion: ModelVersion) -> tuple[list[ModelVersion], str | None]:
    """The champions before and the present one last; and the number of the first one that cannot be found."""
    left: dict[str, list[str]] = {}
    chain = [champion]
    while former := left.setdefault(str(chain[0].version), _followed(chain[0])):
        number = former.pop()
        version = versions.by_number(client, task, number)
        if version is None or identities.key(version) is None:
            return chain, number
        chain.insert(0, version)
    return chain, None


def _followed(version: ModelVersion) -> list[str]:
    return [number for number in version.tags.get(PREVIOUS, "").split(",") if number]
