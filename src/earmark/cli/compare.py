"""`earmark compare`: runs and versions of a task side by side. Thin, as `cli` is."""

import csv
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console, paths
from earmark.cli.arguments import TaskName
from earmark.errors import EarmarkError
from earmark.tasks import catalog

if TYPE_CHECKING:
    from earmark.registry.compare import Column, Comparison, HeadlineDifference, LoggedFigure

LONGEST = 40  # characters of a name or setting in the table; more is cut
AGAINST = "against the first"
HASHED = {"data_sha256": "hash of recordings", "code_sha256": "hash of code"}


def compare(
    task: TaskName,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help=(
                "Each RUN is a number or name from `earmark runs`, the beginning of an id, a version (2 or v2), "
                "champion or challenger. A single one is compared with the champion. Without any, champion and "
                "challenger are compared, or else champion and newest run, or else the two newest runs."
            ),
        ),
    ] = None,
    every_kind: Annotated[bool, typer.Option("--all", help="Take run numbers from `earmark runs --all`.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object with all settings, for programs.")
    ] = False,
) -> None:
    """Compare runs and versions: the settings that differ, the figures, and the paired difference from the first."""
    one = catalog.task(task)
    if as_csv + as_markdown + as_json > 1:
        raise EarmarkError("--csv, --markdown and --json are three forms of one table; give one of them.")
    found = _compared(one, runs or [], every_kind)
    if as_json:
        from earmark.registry.compare import plain

        print(json.dumps(plain(found), indent=2))
        return
    head, rows = ["", *(c.title for c in found.columns)], list(_rows(found))
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([head, *rows])
    elif as_markdown:
        from earmark.release import card, inert

        print(card.table(map(inert.markdown, head), [map(inert.markdown, row) for row in rows]))
    else:
        console.table(head, [row if row[0].endswith(AGAINST) else list(map(_short, row)) for row in rows])
        _say(found)


def _compared(task, words: list[str], every_kind: bool) -> "Comparison":
    if paths.tracking_store() is None:
        paths.main_repository()  # says so outside of a project
        raise EarmarkError(f"No run for {task.name} yet; `dvc repro publish@{task.name}` trains and evaluates a model.")
    from earmark.registry import compare, runs, tracking

    client = tracking.present()
    with tracking.answering(tracking.address()):
        return compare.compare_runs(client, task, words, runs.CurrentHashes.of(task), every_kind)


def _rows(found: "Comparison") -> Iterator[list[str]]:
    """The table: what each run is, its figures, the difference, and the settings that differ."""
    for name, cell in CELLS.items():
        yield [name, *(cell(c) for c in found.columns)]
    for name in dict.fromkeys(name for c in found.columns for name in c.figures):
        yield [name, *(_figure(c.figures.get(name)) for c in found.columns)]
    yield [f"{found.task.headline} {AGAINST}", *(_difference(c.difference) for c in found.columns)]
    for name in found.other:
        yield [HASHED.get(name, name), *(c.hashes[name][:8] or "-" for c in found.columns)]
    for key, values in found.settings.items():
        yield [key, *("(none)" if value is None else value for value in values)]


def _when(c: "Column") -> str:
    return f"{c.row.started.astimezone():%Y-%m-%d %H:%M}"


def _seconds(c: "Column") -> str:
    if c.rebuilt:
        return "- (run rebuilt from files)"
    state = "" if c.row.state == "FINISHED" else f" ({c.row.state.lower()})"
    return ("-" if c.row.seconds is None else f"{c.row.seconds:.0f}") + state


def _commit(c: "Column") -> str:
    return "-" if c.commit == "none" else c.commit[:8] + " and changes" * c.dirty


def _test(c: "Column") -> str:
    return f"{'-' if c.n_recordings is None else c.n_recordings}" + (f" ({c.test[:8]})" if c.test else "")


CELLS = {
    "run": lambda c: c.row.name if c.row.kind == "pipeline" else f"{c.row.kind} {c.row.name}",
    "id": lambda c: c.row.run_id[:8],
    "started": _when,
    "seconds": _seconds,
    "commit": _commit,
    "parameters": lambda c: "-" if c.n_parameters is None else f"{c.n_parameters:,}",
    "test recordings": _test,
}


def _short(cell: str) -> str:
    return cell if len(cell) <= LONGEST else f"{cell[: LONGEST - 1]}…"


def _figure(found: "LoggedFigure | None") -> str:
    if found is None:
        return "-"
    return f"{found.value:.3f}" + (f" [{found.ci95[0]:.3f}, {found.ci95[1]:.3f}]" if found.ci95 else "")


def _difference(found: "HeadlineDifference | None") -> str:
    if found is None:
        return ""
    value = "-" if found.value is None else f"{found.value:+.3f}"
    return value + (f" [{found.ci95[0]:+.3f}, {found.ci95[1]:+.3f}]" if found.ci95 else f" ({found.why_not})")


def _say(found: "Comparison") -> None:
    """What the table cannot: how the difference was found, and whether figures are of the same recordings."""
    better = "lower is better" if found.task.lower_is_better else "higher is better"
    if any(c.difference and c.difference.ci95 for c in found.columns):
        trials = hasattr(found.task.room("outcomes"), "difference")
        by = "trial, with 95 % intervals over speakers" if trials else "recording, with 95 % intervals over groups"
        console.say(f"Differences are paired by {by}; {better}.")
    else:
        console.say(
            f"There is no paired difference, and intervals of single figures cannot tell two runs apart; {better}."
        )
    if not found.common:
        console.say("The figures come from different test recordings, so they cannot be compared.")
