"""Registered models: who is champion, and MLflow's pages."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from earmark import paths
from earmark.cli.arguments import TaskName
from earmark.errors import EarmarkError
from earmark.tasks import catalog


def promote(
    task: TaskName,
    version: Annotated[int | None, typer.Option(help="A registered version; the challenger by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="In spite of a lower figure or another test set.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept with the version.")] = None,
) -> None:
    """Make a version champion, if it is no worse on the same test recordings."""
    one = catalog.task(task)
    from earmark.registry import promotion, tracking

    print(promotion.promote(tracking.present(), one, version, force, why))


def rollback(task: TaskName) -> None:
    """Give the champion alias back to the version before."""
    one = catalog.task(task)
    from earmark.registry import promotion, tracking

    print(promotion.rollback(tracking.present(), one))


def ui(port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000) -> None:
    """Open the MLflow UI on loopback. Choose 'Model training' at its top left."""
    from earmark.registry import tracking

    tracking.connect(catalog.names()[0])
    root, address = paths.main_repository(), tracking.address()
    if address.startswith(("http:", "https:")):
        raise EarmarkError(f"MLFLOW_TRACKING_URI names a server, which has pages of its own: open {address}.")
    # In the environment, and not on the command line, which every user of the machine can read.
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": address}
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    try:
        subprocess.run([*command, "--default-artifact-root", (root / "mlartifacts").as_uri()], env=env, cwd=root)
    except KeyboardInterrupt:
        print("The UI is closed.")
