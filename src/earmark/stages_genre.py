"""What the pipeline's commands do for the genre (or sound class) task; `stages_chord` does it for chords.

Each reads the outputs of the stages before it in the working tree and imports only what it runs.
"""

from dataclasses import replace
from pathlib import Path

from earmark import manifest, model_folder, paths
from earmark.config import GenreSettings
from earmark.console import progress, warn

TRUTH = "label"  # what prepare needs to know of a recording


def features(settings: GenreSettings, table) -> None:
    """Log-mel or MFCC frames of every recording of the manifest."""
    from earmark.features import extract

    extract.run(table, paths.audio_root(settings.data.root), settings.features, Path("features/genre"), warn, progress)


def material(settings: GenreSettings):
    """What a training reads: manifest and store."""
    from earmark import material
    from earmark.features import store

    table = manifest.load(Path("data/genre/manifest.csv"))
    return material.gather("genre", table, store.load(Path("features/genre")))


def training():
    """The module with `hashes` and `run`."""
    from earmark import training

    return training


def evaluate(settings: GenreSettings, out: Path, leak_gap: bool) -> dict:
    """Judge the trained model on the test split and write the report below `out`; its figures.

    leak_gap: an addition for people; the stage's own outputs stay as they are.
    """
    import numpy as np

    from earmark import evaluate as stage
    from earmark import pictures, report
    from earmark.models import trained
    from earmark.tasks.genre import DeviceWindows

    gathered, folder = material(settings), Path("models/genre")
    statistics = np.load(Path("features/genre/statistics.npy"))
    done = model_folder.read_config(folder)
    model, data = trained.load(folder, done), DeviceWindows(gathered.windows)
    predictions, found = stage.run(gathered, model, data, statistics, settings.evaluate)
    found |= {"model_sha256": model_folder.weights_sha256(folder)}
    if leak_gap:
        _leak_gap(settings, gathered, found, out)
        return found
    stage.write(out, predictions, found)
    report.confusion(out / "plots/confusion.png", predictions, gathered.classes)
    report.reliability(out / "plots/reliability.png", predictions)
    pictures.learning_curves(out / "plots/learning_curves.png", model_folder.read_history(folder), done.best_epoch)
    root = paths.audio_root(settings.data.root)
    report.listening(out / "listening.html", predictions, root, gathered.features.window_s)
    return found


def _leak_gap(settings: GenreSettings, gathered, found: dict, out: Path) -> None:
    import json

    from earmark import crossval as cv
    from earmark import folds

    leaking = replace(gathered, table=cv.random_split(gathered.table, settings.data.seed))
    fold = folds.of("genre").one(leaking, "random", Path("features/genre"), settings)
    random = cv.pooled("genre", [fold], settings)
    gap = {
        k: {"grouped": found[k], "random": random[k], "gap": random[k] - found[k]}
        for k in ("accuracy", "baseline_accuracy")
    }
    (out / "leak_gap.json").write_text(json.dumps(gap, indent=2) + "\n")
    for name, row in gap.items():
        print(f"{name}: {row['grouped']:.3f} by group, {row['random']:.3f} at random: the leak adds {row['gap']:+.3f}")
