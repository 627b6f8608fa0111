"""Models at work: judging a folder from elsewhere, and handing a model on."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console, paths
from earmark.cli import show
from earmark.cli.arguments import ModelName, Overrides, TaskName, settings
from earmark.console import warn
from earmark.errors import EarmarkError, writable_folder
from earmark.tasks import catalog
from earmark.tasks.task import Task

if TYPE_CHECKING:
    from earmark.release.facts import Words


def score(
    task: TaskName,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder: one sub-folder per label, or a manifest.csv.")
    ],
    model: ModelName = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; score/TASK by default.")] = None,
    with_training: Annotated[
        bool, typer.Option("--with-training", help="Also score recordings that the model was trained on.")
    ] = False,
) -> None:
    """Score a model on another labelled folder, such as generated sounds, beside its figures on its own test set."""
    one = catalog.task(task)
    from earmark.data.learnt import Learnt
    from earmark.experiments import score as work
    from earmark.registry import resolve

    out = out or Path("score") / task
    writable_folder(out, "--out")
    chosen = resolve.model(one, model)
    warn(chosen.sentence)
    tracker = _tracker(task)
    learnt = Learnt(work.known_recordings(chosen.folder, tracker), with_training)
    judged = work.judge_folder(one, chosen.folder, folder, learnt, warn, console.progress)
    for row in judged.unusable.itertuples():
        warn(f"left out {row.path}: {row.reason}.")
    beside = work.real_figures(one, chosen.folder, Path("reports") / task, tracker)
    found = work.summary(one, judged, chosen, learnt, beside)
    work.write(out, judged.predictions, found)
    pictures = judged.draw(out)
    if tracker:
        work.log(tracker, out, found, folder, pictures)
    show.score(found, one.compared)


def _tracker(task: str):
    """The project's tracker; outside a project there is nowhere to log, which is said."""
    if paths.project() is None:
        warn("Not inside an earmark project, so nothing is logged in MLflow.")
        return None
    from earmark.registry import tracking

    return tracking.connect(task)


def release(
    task: TaskName,
    about: Annotated[
        str | None, typer.Option(help="What the model recognises, as in 'environmental sounds, ten classes'.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="The training recordings and their licence, as in 'ESC-10, CC BY 3.0'.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="For the card: metrics.json of a cross-validation with exactly these settings."),
    ] = None,
    limits: Annotated[str, typer.Option(help="For the card: what else the model is not for.")] = "",
    conditions: Annotated[
        Path | None,
        typer.Option(
            help="For the card: measurements on other kinds of recordings, as a JSON list of condition, figure and "
            "value, as benchmarks/chord_robustness.py --card writes it."
        ),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the model; release/TASK by default.")] = None,
) -> None:
    """Write a model folder with a card: a genre model trained on all recordings, or the champion of chord or speaker.

    `predict --model FOLDER` uses it. The model that `predict` uses by default does not change.
    """
    one = catalog.task(task)
    for name, given in (("about", about), ("data", data)):
        if not given:
            raise EarmarkError(f"A release needs --{name}; `earmark release --help` shows an example.")
    from earmark.release import bundle
    from earmark.release.facts import Words, conditions_of
    from earmark.training import provenance

    folder = out or Path("release") / task
    writable_folder(folder, "--out")
    if former := bundle.replaced(folder):
        warn(former)
    if provenance.git_tags()["earmark.dirty"] == "true":
        warn(
            "There are uncommitted changes, so nobody could repeat this from the commit that the card will "
            "name; commit them first."
        )
    options = {"--about": about, "--data": data, "--limits": limits or None, "--conditions": _told(conditions)}
    options |= {"--figures": _told(figures), "--out": _told(out)}
    command = _release_command(task, options, overrides or [])
    words = Words(about, data, command, limits, conditions_of(conditions))
    if one.release == "recipe":
        _release_recipe(one, words, figures, overrides or [], folder)
    elif figures or overrides:
        raise EarmarkError(
            f"A release of a {task} model trains nothing and measures the model itself; leave --figures and -S out."
        )
    else:
        _release_champion(one, words, folder)
    _say_written(task, folder)


def _release_recipe(task: Task, words: "Words", figures: Path | None, overrides: list[str], folder: Path) -> None:
    asked, work = settings(task.name, overrides), task.room("release")
    quoted = work.figures(figures, asked, warn)
    table, root = work.recordings(asked, quoted, warn, console.progress)
    dataset = work.gathered(table, root, asked, warn, console.progress)
    work.make(dataset, asked, quoted, words, folder, _say_epoch(asked.train.epochs))


def _release_champion(task: Task, words: "Words", folder: Path) -> None:
    from earmark.registry import resolve

    chosen = resolve.own_model(task)
    warn(f"Releasing {chosen.name}.")
    task.room("release").make(chosen.folder, settings(task.name), words, folder)


def _say_written(task: str, folder: Path) -> None:
    from earmark.release import bundle

    print(f"Wrote {folder}: {(folder / 'model.safetensors').stat().st_size / 1e6:.2f} MB; read its CARD.md.")
    if folder.resolve() == (bundle.ROOT / task).resolve():
        print(
            f"This is the bundle that the package ships: `earmark predict {task}` answers with it where there is "
            "no champion."
        )
    else:
        print(f"`earmark predict {task} --model {shlex.quote(str(folder))} FILE...` answers with it.")


def _release_command(task: str, options: dict[str, str | None], overrides: list[str]) -> str:
    """The command for the card; options that are None were not given."""
    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    shown = [f"data.root=path/to/{Path(o).name}" if o.startswith("data.root=/") else o for o in overrides]
    return shlex.join(["earmark", "release", task, *given] + [part for o in shown for part in ("-S", o)])


def _told(path: Path | None) -> str | None:
    """A path as the card has it: of an absolute one only the name is told."""
    return path and (path.name if path.is_absolute() else str(path))


def _say_epoch(epochs: int):
    return lambda fit, seconds: console.say(f"epoch {fit.epoch}/{epochs}  ({seconds:.1f} s)")
