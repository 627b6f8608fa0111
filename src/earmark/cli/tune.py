"""Tuning: a space of settings searched, judged on recordings that no choice saw, and written into params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.arguments import PARAMS, Overrides
from earmark.console import progress, say, warn
from earmark.errors import EarmarkError, writable_folder, writing


def tune(
    file: Annotated[Path, typer.Argument(help="A tuning file, as in tuning/genre.yaml.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Trials, in place of the file's.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at once; a core each by default.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no trial begins.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The smaller tuning that the file names under 'quick'.")
    ] = False,
    storage: Annotated[str | None, typer.Option(help="A database's address, for several machines.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over; the earlier study is kept as a backup.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Say what was found, and do nothing.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Write the chosen setting into params.yaml.")] = False,
    whatever: Annotated[
        bool, typer.Option("--whatever", help="With --apply: even if params.yaml changed since.")
    ] = False,
    finish: Annotated[int | None, typer.Option(help="Train this pruned trial to its end.")] = None,
    outer: Annotated[str | None, typer.Option(help="With --finish: the outer fold, where there are several.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables; tuned/NAME by default.")] = None,
) -> None:
    """Search a space of settings, resumable, and say whether what was chosen is better than today's."""
    from earmark.experiments.tuning import apply as applied
    from earmark.experiments.tuning import run
    from earmark.experiments.tuning import show as shown

    if out:
        writable_folder(out, "--out")
    if whatever and not apply:
        raise EarmarkError("--whatever goes with --apply.")
    asked = run.TuningOptions(quick, trials, workers, timeout, storage, fresh, tuple(overrides or ()), out)
    place = out or Path("tuned") / run.read(file, asked).name
    if fresh and storage:
        raise EarmarkError("--fresh moves the project's own journal aside; in a database give the file another name.")
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

    found = apply.result_of(place, file)
    before, after = apply.changed_params(PARAMS, found, whatever)
    if before == after:
        print(f"{PARAMS} has the chosen setting already.")
        return
    with writing(PARAMS):
        PARAMS.write_bytes(after.encode("utf-8"))
    print(apply.diff(before, after, str(PARAMS)), end="")
    say(found["verdict"])
    say(f"`dvc repro publish@{found['task']}` trains it. To keep it: {apply.commit(found, PARAMS)}")
