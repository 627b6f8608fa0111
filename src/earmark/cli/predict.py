"""`earmark predict TASK`: each task's own command, and the model that answers."""

from pathlib import Path

import click
import typer
from typer.core import TyperGroup

from earmark.tasks import catalog
from earmark.training.model_files import Chosen


class Tasks(TyperGroup):
    """Names the nearest task for one that does not exist."""

    def resolve_command(self, ctx: click.Context, args: list[str]):
        catalog.check(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(no_args_is_help=True, cls=Tasks)


@app.callback()
def predict(ctx: typer.Context) -> None:
    """Say what recordings are, with the registry's champion, another model, or the released one."""

    def resolve(named: str | None) -> Chosen:
        from earmark.registry import resolve

        return resolve.model(catalog.task(str(ctx.invoked_subcommand)), named)

    ctx.obj = resolve


for _name in catalog.names():
    if (Path(catalog.__file__).parent / _name / "commands.py").exists():
        app.command(_name)(catalog.task(_name).room("commands").predict)
