"""Which version of a store is which model of the ledger: known by weights and train key, whatever its number."""

import json
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark.errors import EarmarkError
from earmark.registry import versions
from earmark.registry.entries import Identity
from earmark.registry.publication import DVC
from earmark.tasks.task import Task

KNOWN_BY = ("earmark.train_key", "earmark.model_sha256")


def key(version: ModelVersion | None) -> tuple[str, str] | None:
    """`Identity.key` of a version; None where its tags do not say it."""
    found = [version.tags.get(name) for name in KNOWN_BY] if version else []
    return (str(found[0]), str(found[1])) if found and all(found) else None


def identity_of(client: MlflowClient, version: ModelVersion) -> Identity:
    """A version as the ledger names it. Raises EarmarkError for one that earmark did not register."""
    if (known := key(version)) is None:
        raise EarmarkError(
            f"Version {version.version} of {version.name} has no tags {' and '.join(KNOWN_BY)}, by which the ledger "
            "knows a model; name a version that `earmark publish` registered."
        )
    commit, dirty = _commit(client, version)
    return Identity(
        train_key=known[0],
        model_sha256=known[1],
        commit=commit,
        dirty=dirty,
        dvc=json.loads(version.tags.get(DVC, "{}")),
        number=int(version.version),
        features_code=version.tags.get(versions.FEATURES_CODE),
    )


def _commit(client: MlflowClient, version: ModelVersion) -> tuple[str, str]:
    """The commit of the run that trained a version, and whether files differed from it; 'none' where nobody knows."""
    try:
        tags = client.get_run(str(version.run_id)).data.tags if version.run_id else {}
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        tags = {}
    return tags.get("earmark.commit", "none"), tags.get("earmark.dirty", "none")


def find(client: MlflowClient, task: Task, wanted: Identity) -> ModelVersion | None:
    """The version of a model in this store, the newest one that has its files; None where there is none with files."""
    found = client.search_model_versions(f"name = '{task.registered_model}'")
    same = sorted((v for v in found if key(v) == wanted.key), key=lambda v: int(v.version), reverse=True)
    first = [v for v in same if int(v.version) == wanted.number]
    return next((v for v in first + same if versions.has_files(v)), None)


def figures(version: ModelVersion | None) -> dict[str, Any]:
    """What an entry keeps of a version's figures that were not weighed: those on its largest test set."""
    known = versions.evaluations(version).values() if version else ()
    found = max(known, key=lambda e: e.get("n_recordings", 0), default=None)
    return {"version": found} if found else {}


def short_name(version: Identity) -> str:
    """A model for people: the beginning of its weights' hash, and its number where it was registered."""
    number = f" (version {version.number} where it was registered)" if version.number else ""
    return f"weights {version.model_sha256[:8]}{number}"
