"""What the pipeline's commands do for the chord task; `stages_genre` does it for genres.

Each reads the outputs of the stages before it in the working tree and imports only what it runs.
"""

from pathlib import Path

from earmark import manifest, model_folder, paths
from earmark.config import ChordSettings
from earmark.console import progress
from earmark.errors import EarmarkError

TRUTH = "lab"  # what prepare needs to know of a recording
DATA, FEATURES, MODEL = Path("data/chord"), Path("features/chord"), Path("models/chord")


def features(settings: ChordSettings, table) -> None:
    """A constant-Q spectrogram of every recording of the manifest."""
    from earmark.chords import extract

    extract.run(table, paths.audio_root(settings.data.root), settings.features, FEATURES, progress)


def material(settings: ChordSettings):
    """What a training reads: manifest, .lab files and store."""
    from earmark.chords import material
    from earmark.features import store

    return material.gather(manifest.load(DATA / "manifest.csv"), DATA, store.load(FEATURES), settings.model)


def training():
    """The module with `hashes` and `run`."""
    from earmark.chords import training

    return training


def evaluate(settings: ChordSettings, out: Path, leak_gap: bool) -> dict:
    """Judge the trained model on the test split and write the report below `out`; its figures."""
    import torch

    from earmark import pictures
    from earmark.chords import evaluate as stage
    from earmark.chords import pages, report, vectors
    from earmark.chords.network import seen
    from earmark.chords.recognise import Recogniser
    from earmark.features import store

    if leak_gap:
        raise EarmarkError("The leak of a random split is shown for genre alone; leave --leak-gap out.")
    every = manifest.load(DATA / "manifest.csv")
    table, held_out = (every[every["split"] == split].reset_index(drop=True) for split in ("test", "val"))
    stored, recognise = store.load(FEATURES), Recogniser(MODEL)
    songs = stage.judged(table, DATA, stage.recognised(recognise, table, stored))
    found = stage.figures(songs, table, settings.evaluate) | {"model_sha256": model_folder.weights_sha256(MODEL)}
    stage.write(out, stage.predictions(songs), found)
    report.breakdowns(out / "plots", songs, recognise.vocabulary)
    curves = out / "plots/learning_curves.png"
    pictures.learning_curves(curves, model_folder.read_history(MODEL), recognise.config.best_epoch, "frames")
    f = recognise.features
    if suggestion := stage.suggested(recognise, held_out, DATA, stored):
        report.quality_weights(out / "plots", suggestion, f.hop_s, recognise.vocabulary)
    worst = songs[pages.worst_first(songs)[0]]
    heard = vectors.heard(recognise.model, torch.from_numpy(stored.frames(worst.name)), f.channels)
    vectors.picture(out / "plots/vectors.png", worst, heard, f.hop_s)
    pages.listening(
        out / "listening.html",
        songs,
        [seen(torch.from_numpy(stored.frames(path)), f.channels, f.bins_per_octave)[0].numpy() for path in table.path],
        f.hop_s,
        paths.audio_root(settings.data.root),
    )
    return found
