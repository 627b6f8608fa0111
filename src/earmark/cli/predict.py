"""`earmark predict TASK`: each task's own command, and the model that answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from earmark.tasks import catalog

if TYPE_CHECKING:
    import click

    from earmark.training.model_files import ResolvedModel


class Tasks(TyperGroup):
    """A command for each task that has one, imported when it is asked for; the nearest for one that does not exist."""

    def list_commands(self, ctx: "click.Context") -> list[str]:
        """Names of the tasks that have a command."""
        there = Path(catalog.__file__).parent
        return [name for name in catalog.names() if (there / name / "commands.py").exists()]

    def get_command(self, ctx: "click.Context", cmd_name: str) -> "click.Command | None":
        """A task's command; EarmarkError names the nearest for one that does not exist."""
        catalog.check(cmd_name)
        one = typer.Typer(add_completion=False)
        one.command(cmd_name)(catalog.task(cmd_name).room("commands").predict)
        return typer.main.get_command(one)


app = typer.Typer(no_args_is_help=True, cls=Tasks)


@app.callback()
def predict(ctx: typer.Context) -> None:
    """Predict on recordings with the champion, with a model that you name, or with the released model."""

    def resolve(named: str | None) -> "ResolvedModel":
        from earmark.registry import resolve

        return resolve.model(catalog.task(str(ctx.invoked_subcommand)), named)

    ctx.obj = resolve
