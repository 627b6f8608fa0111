"""What the pipeline's commands do for the speaker task; `stages_genre` does it for genres.

Each reads the outputs of the stages before it in the working tree and imports only what it runs.
"""

from pathlib import Path

from earmark import manifest, model_folder, paths
from earmark.config import SpeakerSettings
from earmark.console import progress, warn
from earmark.errors import EarmarkError

TRUTH = "speaker"  # what prepare needs to know of a recording
DATA, FEATURES, MODEL = Path("data/speaker"), Path("features/speaker"), Path("models/speaker")


def features(settings: SpeakerSettings, table) -> None:
    """Log-mel frames of every recording of the manifest, training ones at other speeds, too."""
    from earmark.speakers import extract

    extract.run(table, paths.audio_root(settings.data.root), settings.features, FEATURES, progress)


def material(settings: SpeakerSettings):
    """What a training reads: manifest, trial list and store."""
    from earmark.features import store
    from earmark.speakers import material

    table = manifest.load(DATA / "manifest.csv")
    return material.gather(table, _given(), store.load(FEATURES), settings.evaluate)


def _given():
    """The corpus's own trials, or None."""
    path = DATA / "trials.csv"
    return manifest.read_csv(path, ("split", "a", "b", "same")) if path.exists() else None


def training():
    """The module with `hashes` and `run`."""
    from earmark.speakers import training

    return training


def evaluate(settings: SpeakerSettings, out: Path, leak_gap: bool) -> dict:
    """Judge the trained model on the test speakers and write the report below `out`; its figures."""
    from earmark import pictures
    from earmark.features import store
    from earmark.speakers import embed, exams, pages, report
    from earmark.speakers import evaluate as stage

    if leak_gap:
        raise EarmarkError("The leak of a random split is shown for genre alone; leave --leak-gap out.")
    table, root = manifest.load(DATA / "manifest.csv"), paths.audio_root(settings.data.root)
    known, given = store.load(FEATURES), _given()
    embedder = embed.Embedder(MODEL)
    val, test = (
        exams.Answers(exam, embed.stored(embedder, exam.utterances, known))
        for exam in (exams.exam(table, split, settings.evaluate, given, warn) for split in ("val", "test"))
    )
    beside = stage.baselines(exams.learnt(table, settings.evaluate, given), val.exam, test.exam, root)
    found = stage.figures(val, test, beside, settings.evaluate) | stage.tested_on(table)
    found |= {"model_sha256": model_folder.weights_sha256(MODEL)}
    chosen = exams.carried(val)
    stage.write(out, stage.predictions(test, chosen.threshold), found)
    plots = out / "plots"
    report.pictures(plots, test, chosen, {name: answers for name, (_, answers) in beside.items()})
    stage.by_duration(test).to_csv(plots / "eer_by_duration.csv", index=False)
    crops = stage.by_crop(test.exam, lambda of, seconds: embed.stored(embedder, of, known, seconds))
    crops.to_csv(plots / "eer_by_crop.csv", index=False)
    stage.clusters(test, chosen.cluster_threshold).to_csv(plots / "clusters.csv", index=False)
    history, best = model_folder.read_history(MODEL), embedder.config.best_epoch
    pictures.learning_curves(plots / "learning_curves.png", history, best, "trials, 1 - EER", "1 - AUC")
    pages.listening(out / "listening.html", test, chosen.threshold, root)
    return found
