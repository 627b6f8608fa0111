"""The command line of earmark: thin, and every command imports only what it runs."""

import sys

import typer

from earmark.cli import bench, experiments, params, pipeline, predict, registry, render, use
from earmark.errors import EarmarkError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for _command in (
    *(pipeline.code, pipeline.demo, pipeline.prepare, pipeline.features),
    *(pipeline.train, pipeline.evaluate, pipeline.publish),
    *(experiments.crossval, experiments.study),
    *(registry.promote, registry.rollback, registry.ui),
    *(use.score, use.release, params.params),
):
    app.command()(_command)
app.add_typer(predict.app, name="predict")
app.add_typer(bench.app, name="bench")
app.add_typer(render.app, name="render")


def main() -> None:
    """Run a command; a user's mistake is one sentence on stderr and exit status 1."""
    try:
        app()
    except EarmarkError as e:
        print(f"earmark: {e}", file=sys.stderr)
        sys.exit(1)
