"""The command line of earmark: thin, and every command imports only what it runs."""

import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from earmark import cli_bench, cli_render, cli_score, cli_use, config, paths
from earmark.console import Overrides, TaskName
from earmark.console import bar as _bar
from earmark.console import progress as _progress
from earmark.console import say as _say
from earmark.console import settings as _settings
from earmark.console import warn as _warn
from earmark.errors import EarmarkError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def main() -> None:
    """Run a command; a user's mistake is one sentence on stderr and exit status 1."""
    try:
        app()
    except EarmarkError as e:
        print(f"earmark: {e}", file=sys.stderr)
        sys.exit(1)


@app.command()
def demo() -> None:
    """Generate the demo music and voices that data.source 'demo' uses."""
    from earmark.datasets import demo_music, demo_voices

    settings = config.load(Path("params.yaml")).demo
    with _bar("speaking demo voices", settings.voices) as advance:
        demo_voices.generate(Path("data/demo_voices"), settings.voices, settings.seed, progress=advance)
    total = len(demo_music.GENRES) * settings.songs_per_genre
    with _bar("rendering demo songs", total) as advance:
        demo_music.generate(Path("data/demo"), settings.songs_per_genre, settings.seed, workers=2, progress=advance)


@app.command()
def prepare(task: TaskName) -> None:
    """Read the recordings, try each, quarantine what cannot be used, split by group (or speaker)."""
    from earmark import manifest
    from earmark import prepare as stage

    settings, truth = _settings(task), _stages(task).TRUTH
    data, root = settings.data, paths.audio_root(settings.data.root)
    table, quarantined = stage.run(data, root, _warn, _progress, truth)
    trials = stage.trials(data, root, table, quarantined, _warn) if truth == "speaker" else None
    stage.write(Path("data") / task, table, quarantined, trials)
    for row in quarantined.itertuples():
        _warn(f"quarantined {row.path}: {row.reason}.")
    summary = manifest.summary(table)
    if truth == "speaker":  # there are too many to show each
        speakers = table.groupby("split").label.nunique()
        summary = summary[summary.label == "(all)"].assign(speakers=lambda s: s["split"].map(speakers))
    print(summary.to_string(index=False))
    print(manifest.clip_advice(manifest.clip_lengths(table)))


@app.command()
def features(task: TaskName) -> None:
    """Extract features of every recording into one store."""
    from earmark import manifest

    settings = _settings(task)
    _stages(task).features(settings, manifest.load(Path("data") / task / "manifest.csv"))


@app.command()
def train(task: TaskName) -> None:
    """Train, followed live in MLflow; resumes where a killed training left off."""
    from earmark import model_folder, tracking

    settings, stages, out = _settings(task), _stages(task), Path("models") / task
    training, material = stages.training(), stages.material(settings)
    hashes = training.hashes(material, settings.model, settings.train)
    key = hashes["train_key"]
    with tracking.only_one(key, _warn):
        live = tracking.LiveRun(tracking.connect(task), task, hashes, _logged(settings), _warn)
        callbacks = live.start, _also_print(live.epoch, settings.train.epochs)
        try:
            training.run(material, settings.model, settings.train, out, paths.checkpoint(key), *callbacks)
        except BaseException as e:
            live.finish("FAILED" if isinstance(e, Exception) else "KILLED", error=str(e) or type(e).__name__)
            raise
        live.finish("FINISHED", **model_folder.identity(out))


@app.command()
def evaluate(
    task: TaskName,
    leak_gap: Annotated[
        bool, typer.Option("--leak-gap", help="Add the score of a random split (trains anew).")
    ] = False,
) -> None:
    """Judge the trained model on the test split; files in, files out."""
    found = _stages(task).evaluate(_settings(task), Path("reports") / task, leak_gap)
    _print_figures(found, f"{task}: {found['n_recordings']} test recordings")


@app.command()
def publish(task: TaskName) -> None:
    """Make MLflow show the model and its evaluation, and register a version; idempotent."""
    from earmark import publish as stage

    folders = (Path(name) / task for name in ("data", "models", "reports"))
    for sentence in stage.run(task, *folders, _logged(_settings(task))):
        print(sentence)


@app.command()
def crossval(
    task: TaskName,
    folds: Annotated[str | None, typer.Option(help="Some folds only, as in fold1,fold3.")] = None,
    k: Annotated[int, typer.Option(help="Number of grouped folds where the manifest names none.")] = 5,
    overrides: Overrides = None,
) -> None:
    """Cross-validate over official folds (or k grouped ones); registers nothing."""
    from earmark import crossval as cv

    settings = _settings(task, overrides)
    some = folds.split(",") if folds else None
    report = cv.Report.start(task, settings, _logged(settings), Path("crossval") / task)
    table, root = cv.recordings(task, settings.data, k, _warn, _progress)
    features = cv.features_of(task, table, root, settings.features, paths.state() / "features", _warn, _progress)
    for material, fold in cv.run(task, table, features, settings, some):
        _say(report.add(material, fold))
    found = report.finish()
    _print_figures(found, f"{task}: {found['n_recordings']} recordings of {len(report.folds)} folds")


@app.command()
def study(
    file: Annotated[Path, typer.Argument(help="A study file, as in studies/NAME.yaml.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="The smaller study that the file names under 'quick'.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Trainings at once; a core each by default.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables; study/NAME by default.")] = None,
) -> None:
    """Run a grid of settings over folds, resumable: one table, and the main effect of every factor."""
    from earmark.study import run as stage

    stage.run(file, quick, workers, overrides or [], out, _warn, _say, _progress)


@app.command()
def promote(
    task: TaskName,
    version: Annotated[int | None, typer.Option(help="A registered version; the challenger by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="In spite of a lower figure or another test set.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept with the version.")] = None,
) -> None:
    """Make a version champion, if it is no worse on the same test recordings."""
    from earmark import registry, tracking

    _settings(task)
    print(registry.promote(tracking.connect(task).client, task, version, force, why))


@app.command()
def rollback(task: TaskName) -> None:
    """Give the champion alias back to the version before."""
    from earmark import registry, tracking

    _settings(task)
    print(registry.rollback(tracking.connect(task).client, task))


for _command in (cli_use.predict, cli_score.score, cli_use.release):
    app.command()(_command)
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_render.app, name="render")


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000) -> None:
    """Open the MLflow UI on loopback. Choose 'Model training' at its top left."""
    import os
    import subprocess

    from earmark import tracking

    tracking.connect("genre")
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    root = paths.main_repository()
    store = f"sqlite:///{root / 'mlflow.db'}"
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store]
    try:
        subprocess.run([*command, "--default-artifact-root", (root / "mlartifacts").as_uri()], env=env, cwd=root)
    except KeyboardInterrupt:
        print("The UI is closed.")


def _stages(task: str):
    """What the stages do for a task."""
    config.check_task(task)
    return import_module(f"earmark.stages_{task}")


def _logged(settings: config.Settings) -> dict[str, str]:
    """Parameters for MLflow, as dotted keys."""
    from earmark.tracking import flatten

    return flatten(asdict(settings))


def _print_figures(found: dict, title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", "95 % interval", title=title)
    for name in (k for k in found if f"{k}_ci95" in found):
        low, high = found[f"{name}_ci95"]
        table.add_row(name, f"{found[name]:.3f}", f"{low:.3f} to {high:.3f}")
    Console().print(table)


def _also_print(on_epoch, epochs: int):
    def both(fit, seconds: float) -> None:
        on_epoch(fit, seconds)
        row = "  ".join(f"{k} {v:.3f}" for k, v in fit.history[-1].items() if k != "epoch")
        print(f"epoch {fit.epoch}/{epochs}  {row}  ({seconds:.1f} s)", flush=True)

    return both
