"""Tuning: a space of settings searched, judged on recordings that no choice saw, and written into params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.arguments import PARAMS, Overrides
from earmark.console import progress, say, warn
from earmark.errors import EarmarkError, writable_folder, writing


def tune(
    file: Annotated[Path, typer.Argument(help="The tuning file, as in tuning/genre.yaml.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Number of trials, in place of the file's.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many trials run at once; by default one per core.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no new trial starts.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Run the smaller search that the file describes under 'quick'.")
    ] = False,
    storage: Annotated[str | None, typer.Option(help="Address of a database that several machines share.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; the earlier search is kept as a backup.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only print the results so far.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write the chosen settings into params.yaml.")] = False,
    whatever: Annotated[
        bool,
        typer.Option("--whatever", help="With --apply: write them even if params.yaml has changed since the search."),
    ] = False,
    finish: Annotated[int | None, typer.Option(help="Train the pruned trial of this number to its end.")] = None,
    outer: Annotated[
        str | None, typer.Option(help="With --finish: the trial's outer fold, where there are several.")
    ] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; tuned/NAME by default.")] = None,
) -> None:
    """Search a space of settings, and say whether the chosen ones are better than those in params.yaml; resumable."""
    from earmark.experiments.tuning import apply as applied
    from earmark.experiments.tuning import run
    from earmark.experiments.tuning import show as shown

    if out:
        writable_folder(out, "--out")
    if whatever and not apply:
        raise EarmarkError("--whatever works only with --apply; add it, or leave --whatever out.")
    asked = run.TuningOptions(quick, trials, workers, timeout, storage, fresh, tuple(overrides or ()), out)
    place = out or Path("tuned") / run.read(file, asked).name
    if fresh and storage:
        raise EarmarkError(
            "--fresh starts over in the project's own journal only; in a database, give the tuning file another name."
        )
    if show:
        for sentence in shown.sentences(applied.result_of(place, file)):
            print(sentence)
    elif apply:
        _apply(file, place, whatever)
    elif finish is not None:
        run.finish_one(file, asked, finish, outer, say, warn, progress)
    else:
        run.run(file, asked, say, warn, progress)


def _apply(file: Path, place: Path, whatever: bool) -> None:
    """Write the chosen setting, and say what changed and how to commit it."""
    from earmark.experiments.tuning import apply
    from earmark.tasks import edited

    found = apply.result_of(place, file)
    before, after = apply.changed_params(PARAMS, found, whatever)
    if before == after:
        print(f"{PARAMS} has the chosen setting already.")
        return
    with writing(PARAMS):
        PARAMS.write_bytes(after.encode("utf-8"))
    print(edited.diff(before, after, str(PARAMS)), end="")
    say(found["verdict"])
    say(f"`dvc repro publish@{found['task']}` trains it. To keep it: {apply.commit(found, PARAMS)}")
