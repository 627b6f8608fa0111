"""Registered models: who is champion, and MLflow's pages."""

import os
import sys
from typing import Annotated

import typer

from earmark import console, paths
from earmark.cli import pages
from earmark.cli.arguments import TaskName, settings
from earmark.errors import EarmarkError
from earmark.tasks import catalog


def promote(
    task: TaskName,
    version: Annotated[int | None, typer.Option(help="A registered version; the challenger by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="In spite of a lower figure or another test set.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept with the version.")] = None,
) -> None:
    """Make a version champion, if it is no worse on the same test recordings; where theirs differ, on today's."""
    one = catalog.task(task)
    from earmark.registry import comparison, promotion, tracking

    today = comparison.Today(lambda: settings(task), console.say, console.progress)
    for sentence in promotion.promote(tracking.present(), one, version, force, why, today):
        print(sentence)


def rollback(task: TaskName) -> None:
    """Give the champion alias back to the version before."""
    one = catalog.task(task)
    from earmark.registry import promotion, tracking

    print(promotion.rollback(tracking.present(), one))


def ui(port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000) -> None:
    """Open the MLflow UI on loopback, until Ctrl-C."""
    root, address = paths.main_repository(), paths.tracking_address() or ""
    if address.startswith(("http:", "https:")):
        raise EarmarkError(f"MLFLOW_TRACKING_URI names a server, which has pages of its own: open {address}.")
    pages.check_free(port, "earmark ui")
    from earmark.registry import tracking

    tracking.connect(catalog.names()[0])
    # In the environment, and not on the command line, which every user of the machine can read.
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": tracking.address()}
    command = [sys.executable, "-m", "mlflow", "server", "--host", pages.HOST, "--port", str(port), "--workers", "1"]
    command += ["--default-artifact-root", (root / "mlartifacts").as_uri()]
    try:
        status = pages.serve(command, env, root, port, f"Open {pages.HOME.format(port)} (Ctrl-C closes the UI).")
    except KeyboardInterrupt:
        print("The UI is closed.")
    else:
        raise typer.Exit(status)
