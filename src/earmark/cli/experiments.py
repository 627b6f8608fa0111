"""Trainings beside the pipeline: cross-validations and studies."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli import show
from earmark.cli.arguments import Overrides, TaskName, logged, settings
from earmark.console import progress, say, warn
from earmark.errors import writable_folder
from earmark.tasks import catalog


def crossval(
    task: TaskName,
    folds: Annotated[str | None, typer.Option(help="Only these folds, as in fold1,fold3; all by default.")] = None,
    k: Annotated[int, typer.Option(help="Number of folds to make, split by group, if the manifest names none.")] = 5,
    overrides: Overrides = None,
) -> None:
    """Cross-validate over the manifest's own folds, or over k folds split by group; registers no model."""
    from earmark.experiments import crossval as cv

    cv.check_k(k)
    asked, one = settings(task, overrides), catalog.task(task)
    some = folds.split(",") if folds else None
    with cv.CrossvalReport.start(one, asked, logged(asked), Path("crossval") / task) as report:
        table, root = cv.recordings(one, asked.data, k, warn, progress)
        features = cv.features_of(one, table, root, asked.features, warn, progress)
        for dataset, fold in cv.run(one, table, features, asked, some):
            say(report.add(dataset, fold))
        found = report.finish()
    show.figures(found, f"{task}: {found['n_recordings']} recordings of {len(report.folds)} folds")


def study(
    file: Annotated[Path, typer.Argument(help="The study's file, as in studies/NAME.yaml.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Run the smaller study that the file describes under 'quick'.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many trainings run at once; by default one per core.")
    ] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; study/NAME by default.")] = None,
) -> None:
    """Train every cell of a grid of settings on folds; write one table and each factor's main effect. Resumable."""
    from earmark.experiments.study import run

    if out:
        writable_folder(out, "--out")
    run.run(file, quick, workers, overrides or [], out, warn, say, progress)


def verdicts(
    page: Annotated[Path, typer.Argument(help="A Markdown page with a marked place for the verdicts.")],
    claims: Annotated[list[Path], typer.Argument(help="The claims.csv files of all studies that the page is about.")],
) -> None:
    """Test the claims of several studies together, and write the table of verdicts at the top of their page."""
    from earmark.experiments.study import page as pages

    found = pages.merge_claims(claims)
    files = pages.write(page, found)
    say(pages.counts(found))
    say(f"Written: {', '.join(str(f) for f in files)}.")
