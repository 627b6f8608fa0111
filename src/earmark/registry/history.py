"""The ledger for people: who decided what about a task's champion, when and why."""

from datetime import datetime
from textwrap import shorten
from typing import Any

from earmark.registry.entries import AT, Identity, LedgerEntry
from earmark.registry.ledger import Ledger
from earmark.tasks.task import Task

REASON = 60  # characters of the gate's reason in the table
# What a refusal is called, by the verdict; one that says yes was a dry run.
REFUSALS = {"no": "refused", "cannot tell": "cannot tell", "yes": "dry run", "forced": "dry run"}


def columns(task: Task) -> tuple[str, ...]:
    """Names of what `row` gives."""
    return "when (UTC)", "what", "version", task.headline, "who and why"


def row(task: Task, entry: LedgerEntry, now: bool) -> tuple[str, ...]:
    """One entry as cells of a table; now: whether its version is champion by it today."""
    when = f"{datetime.strptime(entry.at, AT):%Y-%m-%d %H:%M}"
    who = entry.by.partition(" <")[0]
    said = f"{who}: {entry.why}" if entry.why else who
    said += f" ({shorten(entry.reason, REASON, placeholder=' ...')})" if entry.reason else ""
    return when, _what(entry), f"{_named(entry.version)}{' *' * now}", _figure(task, entry), said


def _what(entry: LedgerEntry) -> str:
    if entry.kind == "refusal":
        return REFUSALS.get(entry.verdict or "", "refused")
    return "forced" if entry.verdict == "forced" else entry.kind


def _named(version: Identity | None) -> str:
    if version is None:
        return "nobody"
    return f"{version.number or '-'} {version.model_sha256[:8]}"


def _figure(task: Task, entry: LedgerEntry) -> str:
    """The version's headline figure, where the entry has it."""
    value = figures(entry).get(task.headline)
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def figures(entry: LedgerEntry) -> dict[str, Any]:
    """What was known of the version."""
    found = entry.figures.get("version", entry.figures)
    return found if isinstance(found, dict) else {}


def plain(found: Ledger) -> list[dict[str, Any]]:
    """The entries for programs, oldest first, each with its id and whether its version is champion by it today."""
    heads = {e.id for e in found.heads}
    return [{"id": e.id} | e.model_dump(by_alias=True) | {"current": e.id in heads} for e in found.entries]
