"""Listening to what a model got wrong, and marking labels."""

import getpass
import subprocess
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from earmark import console, paths
from earmark.cli import pages
from earmark.cli.arguments import TaskName, settings
from earmark.tasks import catalog

By = Annotated[str | None, typer.Option(help="Your name, saved with each mark; git's user.name by default.")]


def listen(
    task: TaskName,
    port: Annotated[int, typer.Option(help="Port on this machine to serve on.", min=1, max=65535)] = 5002,
    out: Annotated[
        Path | None, typer.Option(help="File that your marks are saved to; review/TASK.csv by default.")
    ] = None,
    by: By = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
) -> None:
    """Serve the listening report on this machine until Ctrl-C: play the recordings, and mark wrong labels."""
    one, asked = catalog.task(task), settings(task)
    pages.check_free(port, f"earmark listen {task}")
    from earmark import audio
    from earmark.data import review
    from earmark.evaluation.listening import marking, page, server

    report = page.read(Path("reports") / task / "listening.html")
    root = paths.audio_root(asked.data.root)
    sha256 = review.fingerprint(one.room("corpora").CORPORA, asked.data, root)
    kept = marking.MarkFile(out or review_file(task, sha256), report, sha256, by or who())

    def started(address: str) -> None:
        console.say(f"Open {address} (Ctrl-C ends it). Marks go into {kept.path}.")
        console.say(f"`earmark review {task} --apply {kept.path}` makes a new manifest of them.")
        _ = open_ and webbrowser.open(address)

    try:
        server.serve(report, audio.folder(root, asked.data.channels), kept, port, started)
    except KeyboardInterrupt:
        console.say("The page is closed.")


def review_file(task: str, manifest_sha256: str) -> Path:
    """The first of review/TASK.csv, review/TASK-2.csv, ... that is new, or holds marks of this manifest."""
    from earmark.data import marks

    path, number = Path("review") / f"{task}.csv", 1
    while path.exists() and any(mark.manifest_sha256 != manifest_sha256 for mark in marks.read(path)):
        number += 1
        path = path.with_name(f"{task}-{number}.csv")
    return path


def who() -> str:
    """Who is at work: git's user.name, or the name of the login."""
    try:
        said = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True).stdout.strip()
    except OSError:  # git is not installed
        said = ""
    try:
        return said or getpass.getuser()
    except (KeyError, OSError):  # a login without a name, as in a container
        return "somebody"
