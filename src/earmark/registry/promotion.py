"""Promotion: a version becomes champion where the gate lets it, and the ledger keeps what was decided and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from earmark.data.corpus import Warn
from earmark.errors import EarmarkError
from earmark.evaluation.settings import GateSettings
from earmark.registry import champion, identities, ledger, restore, versions
from earmark.registry.assessment import Assessment, Contest, assess
from earmark.registry.comparison import TodaysTestSplit
from earmark.registry.entries import LedgerEntry
from earmark.registry.gate import Verdict
from earmark.tasks.task import Task


@dataclass(frozen=True)
class PromotionRequest:
    """What a person asks for. version: its number, None for the challenger. why: with `force`, kept in the ledger."""

    version: int | None = None
    force: bool = False
    why: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Decision:
    """What was found and done, in sentences; the verdict decides the exit status."""

    verdict: Verdict
    sentences: list[str]


def promote(
    client: MlflowClient,
    task: Task,
    asked: PromotionRequest,
    settings: Callable[[], GateSettings],
    say: Warn,
    today: TodaysTestSplit | None = None,
) -> Decision:
    """Make a version champion if the gate says yes, or if a person insists, and write that into the ledger.

    settings: gives the task's, read where they are needed alone. today: what versions are judged on that have no
    outcomes of the same test recordings. Raises EarmarkError where there is nothing to promote.
    """
    asked = replace(asked, why=ledger.reason(asked.why, asked.force))
    with champion.turn(client, task, say) as known:
        new, old = _version(client, task, asked.version), versions.by_alias(client, task, "champion")
        if old and int(old.version) == int(new.version):
            return Decision("yes", [f"Version {new.version} is champion already."])
        if old and identities.key(old) and identities.key(new) == identities.key(old):
            same = f"Version {new.version} is the same model as the champion, version {old.version}"
            return Decision("yes", [f"{same}: nothing was changed."])
        if not versions.has_files(new):
            raise EarmarkError(f"Version {new.version} is not promoted: {versions.remedy_for_lost_files(task)}")
        of = Contest(client, task, settings, known, None if asked.force else today)
        return _decide(of, asked, new, old, assess(of, new, old or _last(of, new, asked.force)))


def _last(of: Contest, new: ModelVersion, force: bool) -> ModelVersion | None:
    """The ledger's last champion, where nobody is champion now; None where there was none, or it is the version itself.

    Raises EarmarkError where it cannot be restored, unless a person insists.
    """
    last = of.known.last_champion()
    if last is None or last.key == identities.key(new):
        return None
    try:
        return identities.find(of.client, of.task, last) or restore.version(of.task, last)
    except EarmarkError as e:
        if force:
            return None
        raise EarmarkError(
            f"There is no champion now, and version {new.version} cannot be compared with the last one, "
            f"{identities.short_name(last)}: {e}"
        ) from None


def _decide(
    of: Contest, asked: PromotionRequest, new: ModelVersion, old: ModelVersion | None, found: Assessment
) -> Decision:
    """Do what the verdict asks for, and say all of it."""
    said = [f.sentence for f in found.findings] + found.remarks
    promoted = found.verdict == "yes" or asked.force
    if asked.dry_run:
        would = "would become champion" if promoted else "would not be promoted"
        return Decision(found.verdict, [*said, f"Version {new.version} {would}; nothing was changed."])
    entry = _entry(of, asked, new, found, promoted)
    if not promoted:
        ledger.append(of.task.name, entry)
        return Decision(found.verdict, [*said, _refusal(of.task, new, found.verdict)])
    champion.crown(of.client, of.task, new, entry)
    before = f"; it replaces version {old.version}." if old else "."
    return Decision("yes", [*said, f"Version {new.version} is champion{before}"])


def _entry(of: Contest, asked: PromotionRequest, new: ModelVersion, found: Assessment, promoted: bool) -> LedgerEntry:
    reasons = [f.sentence for f in found.findings if f.verdict == found.verdict]
    return of.known.entry(
        "promotion" if promoted else "refusal",
        identities.identity_of(of.client, new),
        test=found.test,
        figures=found.figures,
        verdict="forced" if asked.force and found.verdict != "yes" else found.verdict,
        reason=" ".join(reasons) or None,
        why=asked.why,
        level=found.level,
    )


def _refusal(task: Task, new: ModelVersion, verdict: Verdict) -> str:
    insist = f"`earmark promote {task.name} --version {new.version} --force --why '...'` promotes it anyway."
    if verdict == "no":
        return f"No: version {new.version} is not promoted. {insist}"
    more = f"add test recordings and run `dvc repro publish@{task.name}`"
    return f"The gate cannot tell, so version {new.version} is not promoted: {more}, or {insist}"


def _version(client: MlflowClient, task: Task, number: int | None) -> ModelVersion:
    """The version to promote. Raises EarmarkError where there is none."""
    name = task.registered_model
    if number is not None:
        if version := versions.by_number(client, task, number):
            return version
        raise EarmarkError(f"{name} has no version {number}: {versions.known_versions(client, task)}.")
    if version := versions.by_alias(client, task, "challenger"):
        return version
    raise EarmarkError(
        versions.lost_alias(client, task, "challenger")
        or f"{name} has no challenger: train another model (a changed setting, or more recordings), or name a version "
        f"with --version: {versions.known_versions(client, task)}."
    )
