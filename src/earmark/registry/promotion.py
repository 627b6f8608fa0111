"""Who is champion: promotion after a fair comparison, and the way back."""

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark.errors import EarmarkError
from earmark.registry import versions
from earmark.tasks.task import Task


def promote(client: MlflowClient, task: Task, number: int | None, force: bool, why: str | None) -> str:
    """Make a version (the challenger by default) champion and remember the one before. Returns what was done.

    Raises EarmarkError when the test sets differ or the figure is lower, unless forced with a reason, and when the
    version's files are gone.
    """
    if force and not why:
        raise EarmarkError("--force needs --why, which is kept with the version.")
    new = _version(client, task, number)
    old = versions.by_alias(client, task, "champion")
    if old and int(old.version) == int(new.version):
        return f"Version {new.version} is champion already."
    objection = old and _objection(task, new, old)
    if objection and not force:
        raise EarmarkError(f"Version {new.version} is not promoted: {objection} Use --force --why '...' to insist.")
    if not versions.has_files(new):
        raise EarmarkError(f"Version {new.version} is not promoted: {versions.gone(task)}")
    if old:
        client.set_model_version_tag(task.registered_model, new.version, "earmark.previous_champion", str(old.version))
    if why:
        client.set_model_version_tag(task.registered_model, new.version, "earmark.promoted_because", why)
    client.set_registered_model_alias(task.registered_model, "champion", new.version)
    challenger = versions.by_alias(client, task, "challenger")
    if challenger and int(challenger.version) == int(new.version):
        client.delete_registered_model_alias(task.registered_model, "challenger")
    return f"Version {new.version} is champion" + (f"; before it was version {old.version}." if old else ".")


def rollback(client: MlflowClient, task: Task) -> str:
    """Give the champion alias back to the version that had it before.

    Raises EarmarkError, and leaves the champion as it is, when that version or its files are gone.
    """
    _require_model(client, task)
    now, name = versions.by_alias(client, task, "champion"), task.registered_model
    if now is None:
        lost = versions.lost(client, task, "champion")
        raise EarmarkError(lost or f"{name} has no champion; promote a version first: {versions.known(client, task)}.")
    before = now.tags.get("earmark.previous_champion")
    if before is None:
        raise EarmarkError(f"Version {now.version} of {name} is the first champion; there is none before it.")
    stays = f"version {now.version} stays champion"
    if (former := versions.numbered(client, task, before)) is None:
        raise EarmarkError(
            f"Version {before} of {name}, the champion before, was deleted in MLflow: {stays}. To make another one "
            f"champion, run `earmark promote {task.name} --version N`: {versions.known(client, task)}."
        )
    if not versions.has_files(former):
        raise EarmarkError(
            f"Version {before} of {name}, the champion before, cannot answer: {stays}; {versions.gone(task)}"
        )
    client.set_registered_model_alias(name, "champion", before)
    client.delete_model_version_tag(name, now.version, "earmark.previous_champion")
    client.set_model_version_tag(name, now.version, "earmark.rolled_back", "true")
    return f"Version {before} is champion again; version {now.version} was rolled back."


def _version(client: MlflowClient, task: Task, number: int | None) -> ModelVersion:
    """The version to promote. Raises EarmarkError where there is none."""
    _require_model(client, task)
    name = task.registered_model
    if number is not None:
        if version := versions.numbered(client, task, number):
            return version
        raise EarmarkError(f"{name} has no version {number}: {versions.known(client, task)}.")
    if version := versions.by_alias(client, task, "challenger"):
        return version
    raise EarmarkError(
        versions.lost(client, task, "challenger")
        or f"{name} has no challenger; run `dvc repro`, or name one with --version: {versions.known(client, task)}."
    )


def _require_model(client: MlflowClient, task: Task) -> None:
    try:
        client.get_registered_model(task.registered_model)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise EarmarkError(
            f"There is no registered model {task.registered_model}: nothing was registered yet (run `dvc repro`), or "
            f"it was deleted or renamed in MLflow (`earmark publish {task.name}` registers the trained model anew)."
        ) from None


def _objection(task: Task, new: ModelVersion, old: ModelVersion) -> str | None:
    theirs, ours = versions.evaluations(task, old), versions.evaluations(task, new)
    shared = sorted(set(theirs) & set(ours))
    if not shared:
        return f"it was tested on other recordings than the champion (version {old.version})."
    worse = [k for k in shared if task.better(theirs[k], ours[k])]
    if worse:
        now, before = ours[worse[0]], theirs[worse[0]]
        return f"its {task.headline} is {now:.3f}, the champion's (version {old.version}) {before:.3f}."
    return None
