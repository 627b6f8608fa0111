"""Registered models: who is champion, and MLflow's pages."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console, paths
from earmark.cli import pages
from earmark.cli.arguments import TaskName, logged, settings
from earmark.errors import EarmarkError
from earmark.tasks import catalog
from earmark.tasks.task import Task

if TYPE_CHECKING:
    from mlflow import MlflowClient


def promote(
    task: TaskName,
    version: Annotated[
        int | None, typer.Option(help="The registered version to promote; the challenger by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the decision, but promote nothing and write no entry.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Promote regardless of the gate; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, which the ledger keeps.")] = None,
) -> None:
    """Make a version champion if it passes the gate. Exit status 0: yes; 3: no; 4: too few recordings to tell."""
    one = catalog.task(task)
    from earmark.evaluation.settings import GateSettings
    from earmark.pipeline import to_commit
    from earmark.registry import comparison, gate, promotion, tracking

    asked = promotion.PromotionRequest(version, force, why, dry_run)
    today = comparison.TodaysTestSplit(lambda: settings(task), console.say, console.progress)
    ask = lambda: getattr(settings(task), "gate", GateSettings())  # noqa: E731  of a task from before there was one
    client = tracking.present()
    found = promotion.promote(client, one, asked, ask, console.say, today)
    after = [] if dry_run else _other_settings(client, one) + to_commit.sentence(task, "decision")
    for sentence in found.sentences + after:
        print(sentence)
    raise typer.Exit(gate.EXIT[found.verdict])


def rollback(
    task: TaskName,
    why: Annotated[str | None, typer.Option(help="The reason, which the ledger keeps.")] = None,
) -> None:
    """Make the previous champion champion again; can be repeated back to the first."""
    one = catalog.task(task)
    from earmark.pipeline import to_commit
    from earmark.registry import champion, tracking

    client = tracking.present()
    print(champion.rollback(client, one, console.warn, why))
    for sentence in _other_settings(client, one) + to_commit.sentence(task, "decision"):
        print(sentence)


def _other_settings(client: "MlflowClient", task: Task) -> list[str]:
    """That params.yaml has other settings than the champion, and how to change that; nothing where it has the same."""
    from earmark.registry import run_settings, versions

    champion = versions.by_alias(client, task, "champion")
    try:
        now = logged(settings(task.name))
    except EarmarkError:  # nothing that belongs to a decision
        return []
    if not champion or not run_settings.differ(client, champion, now):
        return []
    return [
        f"params.yaml has other settings than the champion, version {champion.version}; `earmark runs {task.name} "
        "--apply champion` writes the champion's into it."
    ]


def history(
    task: TaskName,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, for programs.")] = False,
) -> None:
    """List a task's promotions, rollbacks and refusals, oldest first, from the ledger that git keeps."""
    one = catalog.task(task)
    from earmark.registry import history as shown
    from earmark.registry import ledger

    found = ledger.read(task)
    if as_json:
        print(json.dumps(shown.plain(found), indent=2))
        return
    if not found.entries:
        console.say(f"The ledger of {task} is empty; `earmark promote {task}` writes its first entry.")
        return
    heads = {entry.id for entry in found.heads}
    console.table(shown.columns(one), [shown.row(one, entry, entry.id in heads) for entry in found.entries])
    if len(found.heads) == 1:
        console.say(
            "* marks the champion. Version numbers are those of the store where the decision was made; hashes "
            "are the same everywhere. --json prints reasons and figures in full."
        )
    else:
        _ = found.head  # two commits decided: says so


sync_app = typer.Typer(no_args_is_help=True, help="Bring MLflow's tracking store and the ledger in git into agreement.")


@sync_app.callback()
def of_both() -> None:
    """Bring MLflow's tracking store and the ledger in git into agreement."""


@sync_app.command()
def sync(
    task: TaskName,
    ledger_counts: Annotated[
        bool,
        typer.Option(
            "--from-ledger",
            help="Make the ledger's champion champion in MLflow, too, restoring it from DVC's cache if necessary.",
        ),
    ] = False,
    store_counts: Annotated[
        bool, typer.Option("--from-store", help="Add an entry with MLflow's champion to the ledger.")
    ] = False,
    entry: Annotated[
        str | None,
        typer.Option(
            help="With --from-ledger, where two commits chose different champions: the id of the entry that counts."
        ),
    ] = None,
    why: Annotated[str | None, typer.Option(help="The reason, which the ledger keeps.")] = None,
) -> None:
    """Resolve a difference between MLflow's champion and the ledger's."""
    one = catalog.task(task)
    if ledger_counts == store_counts or (entry and store_counts):
        raise EarmarkError("Give one of --from-ledger and --from-store; --entry goes with --from-ledger.")
    from earmark.pipeline import to_commit
    from earmark.registry import champion, tracking

    client = tracking.present()
    if ledger_counts:
        print(champion.from_ledger(client, one, console.warn, entry, why))
    else:
        print(champion.from_store(client, one, console.warn, why))
    for sentence in to_commit.sentence(task, "decision"):
        print(sentence)


def ui(
    port: Annotated[int, typer.Option(help="Port on this machine to serve on.", min=1, max=65535)] = 5000,
    open_: Annotated[bool, typer.Option("--open", help="Also open the first page in your browser.")] = False,
) -> None:
    """Serve the MLflow UI on this machine until Ctrl-C, and print the address of each task's runs."""
    root, address = paths.main_repository(), paths.tracking_address() or ""
    if address.startswith(("http:", "https:")):
        raise EarmarkError(f"MLFLOW_TRACKING_URI names a server, which has pages of its own: open {address}.")
    pages.check_free(port, "earmark ui")
    from earmark.registry import arrangement, tracking

    tracking.connect(catalog.names()[0])
    server = f"http://{pages.HOST}:{port}/"
    links = {name: server + rest for name, rest in arrangement.links(tracking.present(), catalog.tasks()).items()}
    told = [f"Open {server}#/experiments?{arrangement.SIDE} (Ctrl-C closes the UI), or the runs of one task:"]
    told += [f"  {name:<8} {address}" for name, address in links.items()]
    # In the environment, and not on the command line, which every user of the machine can read.
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": tracking.address()}
    command = [sys.executable, "-m", "mlflow", "server", "--host", pages.HOST, "--port", str(port), "--workers", "1"]
    command += ["--default-artifact-root", (root / "mlartifacts").as_uri()]
    try:
        status = pages.serve(
            command, env, root, port, "\n".join(told), next(iter(links.values()), None) if open_ else None
        )
    except KeyboardInterrupt:
        print("The UI is closed.")
    else:
        raise typer.Exit(status)
