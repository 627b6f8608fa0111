"""Arguments with one meaning in every command."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from earmark import config
from earmark.tasks import catalog
from earmark.tasks.overrides import below

PARAMS = Path("params.yaml")
TaskName = Annotated[str, typer.Argument(metavar="TASK", help=", ".join(catalog.names()))]
ModelName = Annotated[
    str | None,
    typer.Option(help="A model folder or MLflow URI, in place of the champion."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-S",
        help=(
            "Override a key of params.yaml, as in -S tasks.TASK.train.lr=0.001 or, for short, -S train.lr=0.001. "
            "May be repeated."
        ),
    ),
]


def settings(task: str, overrides: Iterable[str] | None = None) -> config.Settings:
    """A task's settings from params.yaml, with overrides of its keys, which may begin with tasks.TASK or below it."""
    return config.load_task(PARAMS, task, [f"tasks.{task}.{below(task, o)}" for o in overrides or ()])


def logged(settings: config.Settings) -> dict[str, str]:
    """Parameters for MLflow, as dotted keys."""
    from earmark.training.key import flatten

    known = asdict(settings)
    known.pop("gate", None)  # decides on a promotion, not on what a run does
    return flatten(known)
