"""The stages of the pipeline, one command each: `dvc repro` runs them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from earmark import config, paths
from earmark.cli import check, show
from earmark.cli.arguments import PARAMS, TaskName, logged, settings
from earmark.console import bar, progress, say, warn
from earmark.tasks import catalog


def repro() -> None:
    """Run the pipeline as `dvc repro` does, with the tasks in parallel on the machine's cores; on CUDA, one at a
    time."""
    from earmark.pipeline import side_by_side

    tasks = list(config.load(PARAMS).tasks)

    def lanes() -> int:
        import torch

        return 1 if torch.cuda.is_available() else len(tasks)  # trainings would share a GPU's memory

    side_by_side.run(paths.main_repository() / "dvc.yaml", tasks, lanes, say)


def code() -> None:
    """Write into code.json a hash of the source that each stage runs, which tells DVC what to run again."""
    from earmark.pipeline import stages

    roots = config.roots(PARAMS)
    Path("code.json").write_text(json.dumps(stages.code(roots.values()), indent=2) + "\n")
    for sentence in check.recordings(roots):
        warn(sentence)


def demo() -> None:
    """Generate the demo's music and voices for the tasks that use them."""
    from earmark.generated.demo import music, voices
    from earmark.pipeline import stages

    asked, used = config.load_demo(PARAMS), stages.used_folders(config.roots(PARAMS).values())
    songs, speech = (Path(folder) for folder in stages.DEMO)
    for folder in {songs, speech} - {Path(name) for name in used}:
        say(f"{folder}: not generated, since no task's data.root is this folder.")
        folder.mkdir(parents=True, exist_ok=True)
    if str(speech) in used:
        with bar("speaking demo voices", asked.voices) as advance:
            voices.generate(speech, asked.voices, asked.seed, progress=advance)
    if str(songs) in used:
        with bar("rendering demo songs", len(music.GENRES) * asked.songs_per_genre) as advance:
            music.generate(songs, asked.songs_per_genre, asked.seed, workers=2, progress=advance)


def prepare(task: TaskName) -> None:
    """Check every recording, quarantine those that cannot be used, and split the rest by group (or speaker)."""
    from earmark.data import manifest, reading, record
    from earmark.pipeline import prepare as stage

    asked, corpora = settings(task), catalog.task(task).room("corpora").CORPORA
    before = record.find(Path("splits") / f"{task}.csv", paths.main_repository())
    prepared = reading.prepare(corpora, asked.data, paths.audio_root(asked.data.root), warn, progress, before)
    stage.write(corpora, Path("data") / task, prepared)
    for row in prepared.quarantined.itertuples():
        warn(f"quarantined {row.path}: {row.reason}.")
    print(corpora.summary(prepared.table).to_string(index=False))
    print(manifest.clip_advice(manifest.clip_lengths(prepared.table)))
    for sentence in corpora.notes(prepared.table, asked):
        warn(sentence)
    for sentence in stage.remember(corpora, asked.data, before, prepared, paths.lock(f"splits-{task}")):
        say(sentence)


def features(task: TaskName) -> None:
    """Compute the features of every recording, and write them into one store."""
    from earmark.data import manifest

    asked, stage = settings(task), catalog.task(task).room("features")
    table, root = manifest.load(Path("data") / task / "manifest.csv"), _recordings(asked.data)
    out = Path("features") / task
    stage.run(table, root, asked.features, out, warn, progress)
    if beside := getattr(stage, "beside", None):
        beside(table, root, asked.features, out, progress)


def train(task: TaskName) -> None:
    """Train a model, logging live to MLflow; resumes a training that was interrupted."""
    from earmark.registry import tracking
    from earmark.training import model_files

    asked = settings(task)
    out = Path("models") / task
    rooms = catalog.task(task)
    stage, dataset = rooms.room("train"), rooms.room("dataset").load(asked)
    hashes = stage.hashes(dataset, asked.model, asked.train)
    key = hashes["train_key"]
    with tracking.only_one(key, warn):
        live = tracking.LiveRun(tracking.connect(task), task, hashes, logged(asked), warn)
        callbacks = live.start, show.also_epoch(live.epoch, asked.train.epochs)
        try:
            stage.run(dataset, asked.model, asked.train, out, paths.checkpoint(key), *callbacks)
        except BaseException as e:
            live.finish("FAILED" if isinstance(e, Exception) else "KILLED", error=str(e) or type(e).__name__)
            raise
        live.finish("FINISHED", **model_files.identity(out))


def evaluate(
    task: TaskName,
    leak_gap: Annotated[
        bool,
        typer.Option(
            "--leak-gap", help="Also train on a random split, and print by how much its leak inflates the figures."
        ),
    ] = False,
) -> None:
    """Evaluate the trained model on the test split, and write the report."""
    asked, out = settings(task), Path("reports") / task
    if leak_gap:
        show.leak_gap(catalog.task(task), asked, out)
        return
    found = catalog.task(task).room("evaluate").run(asked, _recordings(asked.data), out, warn)
    one = catalog.task(task)
    show.figures(found, f"{task}: {found['n_recordings']} test recordings")
    if outdone := one.outdone(found):
        say(outdone)


def publish(task: TaskName) -> None:
    """Log the model and its evaluation in MLflow, and register a version; a second call changes nothing."""
    from earmark.pipeline import publish as stage

    folders = (Path(name) / task for name in ("data", "models", "reports"))
    for sentence in stage.run(catalog.task(task), *folders, logged(settings(task))):
        print(sentence)


def _recordings(data):
    """The folder of a task's audio, and which channel of it is read."""
    from earmark import audio

    return audio.folder(paths.audio_root(data.root), data.channels)
