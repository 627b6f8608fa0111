"""Train, evaluate, promote and use audio models: genre, chord and speaker."""

import errno
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Annotated

import typer

from earmark import console
from earmark.cli import (
    bench,
    check,
    compare,
    experiments,
    extras,
    listen,
    own,
    params,
    pipeline,
    predict,
    registry,
    render,
    review,
    runs,
    tune,
    use,
)
from earmark.errors import EarmarkError

# What a disk says that takes no more, or not from us; every other OSError is a mistake of ours, with its traceback.
REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
COMMANDS = {
    "Your recordings": (own.init, own.use, check.check, params.params, listen.listen, review.review),
    "The pipeline; its stages are run by `dvc repro`": (
        *(pipeline.repro, pipeline.code, pipeline.demo, pipeline.prepare, pipeline.features),
        *(pipeline.train, pipeline.evaluate, pipeline.publish),
    ),
    "Runs and registered models": (
        *(runs.runs, compare.compare, registry.ui, registry.promote, registry.rollback, registry.history),
        registry.sync_app,
    ),
    "Models in use": (predict.app, use.score, use.release),
    "Experiments": (experiments.crossval, tune.tune, experiments.study, experiments.verdicts),
    "Other programs, and musical scores": (bench.app, render.app),
}
NAMES = {predict.app: "predict", registry.sync_app: "registry", bench.app: "bench", render.app: "render"}
for _panel, _commands in COMMANDS.items():
    for _command in _commands:
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=NAMES[_command], rich_help_panel=_panel)
        else:
            app.command(rich_help_panel=_panel)(_command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"earmark {version('earmark')}")
        raise typer.Exit


@app.callback()
def earmark(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the installed version of earmark."),
    ] = False,
) -> None:
    """The command line's own options."""


def main() -> None:
    """Run a command; a user's mistake is one sentence on stderr and exit status 1."""
    console.never_fail()
    _end_at_signals()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # or a full disk behind `>` would be noticed when nobody can say so
    except EarmarkError as e:
        _end(str(e))
    except ModuleNotFoundError as e:
        if (said := extras.missing(e.name or "")) is None:
            raise
        _end(said)
    except OSError as e:
        if e.errno not in (*REFUSED, errno.EPIPE):
            raise
        _drop_output()
        if e.errno == errno.EPIPE:  # whoever read has read enough
            sys.exit(1)
        what = console.printable(e.filename or "The output")
        _end(
            f"{what} cannot be used: {e.strerror}; free some space there, get write permission, or name another place."
        )
    except Exception as e:
        if (said := _of_the_store(e)) is None:
            raise
        _end(str(said))


def _end_at_signals() -> None:
    """SIGTERM and a closed terminal end what is under way as an error does: runs and files are left in order."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            signal.signal(number, end)


def _of_the_store(error: Exception) -> EarmarkError | None:
    """What to say of an error that the tracking store raised in the midst of a command; None of any other."""
    if "mlflow" not in sys.modules:
        return None
    from earmark.registry import tracking, trouble

    return trouble.error_of(error, tracking.address())


def _drop_output() -> None:
    """What is left in stdout's buffer goes nowhere, or Python would try again when it ends."""
    with suppress(OSError):  # a stdout that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(sentence: str) -> None:
    console.warn(sentence)
    sys.exit(1)
