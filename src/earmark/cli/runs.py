"""`earmark runs`: what the runs of a task changed, and what it brought. Thin, as `cli` is."""

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console, paths
from earmark.cli.arguments import PARAMS, TaskName, logged, settings
from earmark.errors import EarmarkError, writing
from earmark.tasks import catalog
from earmark.tasks.task import Task

if TYPE_CHECKING:
    from earmark.registry.runs import Evaluation, RunRow

LONGEST = 60  # characters of an error or a value; more is cut
NO_BREAK = "\N{NO-BREAK SPACE}"


def runs(
    task: TaskName,
    every_kind: Annotated[
        bool,
        typer.Option("--all", help="Also list studies, cross-validations and scores."),
    ] = False,
    last: Annotated[int, typer.Option(min=1, help="How many runs to list, newest first.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, for programs.")] = False,
    apply: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help=(
                "Write the settings of a run into params.yaml. RUN is a number or name from the list that this command "
                "prints, the beginning of an id, a version (v2), champion or challenger."
            ),
        ),
    ] = None,
) -> None:
    """List a task's runs, newest first, with their figures and the settings changed since the run before."""
    one = catalog.task(task)
    if apply:
        _apply(one, apply, every_kind)
        return
    found = _rows(one, every_kind)
    if as_json:
        from earmark.registry.runs import plain

        print(json.dumps([plain(row) for row in found[:last]], indent=2))
        return
    if not found:
        kind = "" if every_kind else " of the pipeline"
        console.say(f"No run{kind} for {task} yet; `dvc repro publish@{task}` trains and evaluates a model.")
        return
    _print(one, found, last)


def _apply(task: Task, word: str, every_kind: bool) -> None:
    """Write a run's settings into params.yaml, and say what changed and how its model comes back."""
    from earmark.registry import run_settings
    from earmark.registry.named_runs import RunIndex
    from earmark.tasks import edited

    run = RunIndex.of(task.name, _rows(task, True), every_kind).named(word)
    settings(task.name)  # says what is wrong with params.yaml
    before = PARAMS.read_bytes().decode()
    after = run_settings.put(before, task, run.row.settings, run.title)
    if before == after:
        console.say(f"{PARAMS} has the settings of {run.title} already.")
        return
    with writing(PARAMS, "make it writable"):
        PARAMS.write_bytes(after.encode())
    print(edited.diff(before, after, str(PARAMS)), end="")
    console.say(
        f"{PARAMS} has the settings of {run.title} now; `dvc repro publish@{task.name}` brings its model back, and "
        "trains only if DVC's cache no longer has it, or if recordings or code have changed."
    )


def _rows(task: Task, every_kind: bool) -> "list[RunRow]":
    """All runs; none where there is no store to ask, which spares the time of importing MLflow."""
    if paths.tracking_store() is None:
        paths.main_repository()  # says so outside of a project
        return []
    from earmark.registry import runs, tracking

    client = tracking.present()
    with tracking.answering(tracking.address()):
        return runs.rows(client, task, every_kind, runs.CurrentHashes.of(task))


def _print(task: Task, found: "list[RunRow]", last: int) -> None:
    of = f"the newest {last} of {len(found)}" if len(found) > last else f"{len(found)}"
    better = "lower is better" if task.lower_is_better else "higher is better"
    _say(f"{task.name}: {of} run{'s' * (len(found) != 1)}; {task.headline} with its 95 % interval, {better}")
    numbers = {row.run_id: len(found) - i for i, row in enumerate(found)}
    for lines in (_waiting(task, found), *(list(_lines(task, row, numbers)) for row in found[:last])):
        for i, line in enumerate(lines):
            if not i:
                console.say("")
            _say(line, "   " * bool(i))


def _say(line: str, indent: str = "") -> None:
    """A line of at most 80 columns, those after it further in; what stands between no-break spaces is kept together."""
    wrapped = textwrap.wrap(line, 80, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
    for part in wrapped:
        console.say(part.replace(NO_BREAK, " "))


def _lines(task: Task, row: "RunRow", numbers: dict[str, int]) -> Iterator[str]:
    """What is said of a run: when and what became of it, its figure, and what it changed."""
    yield "  ".join([f"#{numbers[row.run_id]}", f"{row.started.astimezone():%Y-%m-%d %H:%M}", *_facts(row)])
    if row.evaluation:
        yield _figure(task, row, numbers)
    for e in row.earlier:
        yield f"before, {'; '.join(_measured(task, e, 'test recordings, not the same set'))}"
    if row.against:
        yield f"against #{numbers[row.against]}: {'; '.join(_changes(row))}"


def _facts(row: "RunRow") -> Iterator[str]:
    yield row.name if row.kind == "pipeline" else f"{row.kind}{' (part)' * bool(row.parent)} {row.name}"
    finished = row.state == "FINISHED"
    took = "" if row.seconds is None else f" {'in' if finished else 'after'} {console.duration(row.seconds)}"
    # A run that was broken off and went on to its end keeps the tag of the error.
    yield row.state.lower() + took + (f": {_short(row.error)}" if row.error and not finished else "")
    if row.experiment:
        yield "DVC experiment"
    for number, aliases in row.versions.items():
        yield f"version {number}" + (f" ({', '.join(aliases)})" if aliases else "")


def _figure(task: Task, row: "RunRow", numbers: dict[str, int]) -> str:
    """The headline figure, its difference to an earlier run, the baseline, and on what it was measured."""
    e = row.evaluation
    assert e
    head, *rest = _measured(task, e, "test recordings" if row.kind == "pipeline" else "recordings")
    said = [head]
    if row.against and not row.compared:
        said.append(f"not comparable with #{numbers[row.against]}: other test recordings")
    elif row.against and row.compared:
        before = (
            "" if row.compared[0] == e else f" on {row.compared[0].n_recordings} recordings that both were judged on"
        )
        said.append(f"{row.difference:+.3f} against #{numbers[row.against]}{before}: {_verdict(task, *row.compared)}")
    if row.today is False:
        rest.append("not today's test recordings")
    return "; ".join(said + rest)


def _measured(task: Task, e: "Evaluation", which: str) -> list[str]:
    """The headline figure with its interval, the baseline, and of how many recordings, which are called `which`."""
    said = [f"{task.headline} {e.figure:.3f}" + (f" [{e.ci95[0]:.3f}, {e.ci95[1]:.3f}]" if e.ci95 else "")]
    said += [] if e.baseline is None else [f"baseline {e.baseline:.3f}"]
    return said + ([] if e.n_recordings is None else [f"{e.n_recordings} {which}"])


def _verdict(task: Task, ours: "Evaluation", theirs: "Evaluation") -> str:
    """Better or worse, and whether the intervals tell them apart."""
    if ours.figure == theirs.figure:
        return "equal"
    word = "better" if task.better(ours.figure - theirs.figure, 0.0) else "worse"
    overlap = ours.ci95 and theirs.ci95 and ours.ci95[0] <= theirs.ci95[1] and theirs.ci95[0] <= ours.ci95[1]
    return f"{word}, but the intervals overlap" if overlap else word


def _changes(row: "RunRow") -> list[str]:
    """Each setting that changed, and recordings and code where they did."""
    said = _settings(row.changed) + [f"other{NO_BREAK}{name}" for name in row.other]
    return said or ["the same settings, recordings and code"]


def _settings(changed: dict[str, tuple[str | None, str | None]]) -> list[str]:
    return [f"{key} {_value(old)} → {_value(new)}".replace(" ", NO_BREAK) for key, (old, new) in changed.items()]


def _waiting(task: Task, found: "list[RunRow]") -> list[str]:
    """How params.yaml differs from the newest run, where no run has its settings; nothing where it cannot be read.

    What is trained counts: other data may hold the same recordings, and an evaluation belongs to the run it judges.
    """
    from earmark.registry.run_settings import trained
    from earmark.registry.runs import changed_settings

    try:
        now = trained(logged(settings(task.name)))
    except EarmarkError:
        return []
    mine = [(len(found) - i, trained(row.settings)) for i, row in enumerate(found) if row.kind == "pipeline"]
    same = next((n for n, theirs in mine if theirs == now), None)
    if not mine or same == mine[0][0]:
        return []
    if same:
        return [f"params.yaml has the settings of #{same}."]
    return [f"Changed in params.yaml since, and not run yet: {'; '.join(_settings(changed_settings(mine[0][1], now)))}"]


def _value(text: str | None) -> str:
    return "(none)" if text is None else _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
