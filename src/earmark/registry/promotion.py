"""Who is champion: promotion after a fair comparison, and the way back.

A version's tag earmark.previous_champion has the numbers of those whom it followed, one for each time that it became
champion and was not rolled back since, the last one last.
"""

from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from earmark.errors import EarmarkError
from earmark.registry import comparison, versions
from earmark.registry.comparison import Both, Today
from earmark.tasks.task import Task

PREVIOUS = "earmark.previous_champion"


def promote(
    client: MlflowClient, task: Task, number: int | None, force: bool, why: str | None, today: Today | None = None
) -> list[str]:
    """Make a version (the challenger by default) champion and remember the one before. Returns what was found and done.

    today: what both are judged on where their test sets differ. Raises EarmarkError when the figure is lower, or there
    is none on the same recordings, unless forced with a reason, and when the version's files are gone.
    """
    if force and not why:
        raise EarmarkError("--force needs --why, which is kept with the version.")
    new = _version(client, task, number)
    old = versions.by_alias(client, task, "champion")
    if old and int(old.version) == int(new.version):
        return [f"Version {new.version} is champion already."]
    if not versions.has_files(new):
        raise EarmarkError(f"Version {new.version} is not promoted: {versions.gone(task)}")
    both = _compared(client, task, new, old, None if force else today) if old else None
    objection = old and _objection(task, new, old, both)
    if objection and not force:
        raise EarmarkError(f"Version {new.version} is not promoted: {objection} Use --force --why '...' to insist.")
    _crown(client, task, new, old, why)
    done = f"Version {new.version} is champion" + (f"; before it was version {old.version}." if old else ".")
    return [*_told(task, new, old, both), done]


def _compared(
    client: MlflowClient, task: Task, new: ModelVersion, old: ModelVersion, today: Today | None
) -> Both | None:
    """Both on the same recordings; None where they have no such figures and nothing to judge them on is given."""
    found = comparison.shared(task, new, old)
    if found or today is None:
        return found
    try:
        return comparison.today(client, task, new, old, today)
    except EarmarkError as e:
        raise EarmarkError(
            f"Version {new.version} is not promoted: it was tested on other recordings than the champion (version "
            f"{old.version}), and {e}. Use --force --why '...' to insist."
        ) from None


def _crown(client: MlflowClient, task: Task, new: ModelVersion, old: ModelVersion | None, why: str | None) -> None:
    """Move the aliases, and set the tags that say whom the champion followed and why."""
    name = task.registered_model
    if old:
        before = [*filter(None, [new.tags.get(PREVIOUS)]), str(old.version)]
        client.set_model_version_tag(name, new.version, PREVIOUS, ",".join(before))
    if why:
        client.set_model_version_tag(name, new.version, "earmark.promoted_because", why)
    client.set_registered_model_alias(name, "champion", new.version)
    versions.forget_rollback(client, new)
    challenger = versions.by_alias(client, task, "challenger")
    if challenger and int(challenger.version) == int(new.version):
        client.delete_registered_model_alias(name, "challenger")


def _told(task: Task, new: ModelVersion, old: ModelVersion | None, both: Both | None) -> list[str]:
    """What a promotion is grounded on: both figures, the former ones of the champion, and a baseline that is better."""
    said = []
    if old and both:
        figures = f"version {new.version} {_figure(task, both.new)}, the champion, version {old.version}, "
        said.append(f"{task.headline} {_where(both)}: {figures}{_figure(task, both.old)}.")
        others = [e for e in versions.evaluations(old).values() if e != both.old]
        had = ", ".join(f"{e[task.headline]:.3f}{_of(e)}" for e in others)
        said += [f"On other test recordings the champion had {had}."] if had else []
    known = [*([both.new] if both else []), *versions.evaluations(new).values()]
    outdone = (task.outdone(evaluation, f"version {new.version}") for evaluation in known)
    return said + list(filter(None, outdone))[:1]


def _where(both: Both) -> str:
    n = both.new.get("n_recordings")
    return f"on the same {n} test recordings" if n else "on the same test recordings"


def _of(evaluation: dict[str, Any]) -> str:
    n = evaluation.get("n_recordings")
    return f" ({n} recordings)" if n else ""


def _figure(task: Task, evaluation: dict[str, Any]) -> str:
    """The headline figure with its interval, where that was kept."""
    low, high = evaluation.get(f"{task.headline}_ci95", (None, None))
    span = f" [{low:.3f}, {high:.3f}]" if low is not None else ""
    return f"{evaluation[task.headline]:.3f}{span}"


def rollback(client: MlflowClient, task: Task) -> str:
    """Give the champion alias back to the version that had it before.

    Raises EarmarkError, and leaves the champion as it is, when that version or its files are gone.
    """
    _require_model(client, task)
    now, name = versions.by_alias(client, task, "champion"), task.registered_model
    if now is None:
        lost = versions.lost(client, task, "champion")
        raise EarmarkError(lost or f"{name} has no champion; promote a version first: {versions.known(client, task)}.")
    *earlier, before = now.tags.get(PREVIOUS, "").split(",")
    if not before:
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
    if earlier:
        client.set_model_version_tag(name, now.version, PREVIOUS, ",".join(earlier))
    else:
        client.delete_model_version_tag(name, now.version, PREVIOUS)
    client.set_model_version_tag(name, now.version, versions.ROLLED_BACK, "true")
    versions.forget_rollback(client, former)
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
            f"There is no registered model {task.registered_model}: nothing was registered yet (run "
            f"`dvc repro publish@{task.name}`), or it was deleted or renamed in MLflow (`earmark publish {task.name}` "
            "registers the trained model anew)."
        ) from None


def _objection(task: Task, new: ModelVersion, old: ModelVersion, both: Both | None) -> str | None:
    if both is None:
        return f"it was tested on other recordings than the champion (version {old.version})."
    now, before = both.new[task.headline], both.old[task.headline]
    if not task.better(before, now):
        return None
    return f"its {task.headline} is {now:.3f}, the champion's (version {old.version}) {before:.3f}, {_where(both)}."
