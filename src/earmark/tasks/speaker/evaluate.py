"""The speaker task's evaluate stage: files in, files out. Figures, predictions, pictures and the listening report."""

from collections.abc import Callable
from pathlib import Path

from earmark.audio import Root
from earmark.evaluation import pictures
from earmark.tasks.speaker import dataset, listening, metrics, predictions, report
from earmark.tasks.speaker.settings import SpeakerSettings
from earmark.tasks.speaker.trials import trial_set, utterances
from earmark.training import model_files

MODEL = Path("models/speaker")


def run(settings: SpeakerSettings, root: Root, out: Path, warn: Callable[[str], None]) -> dict:
    """Judge the trained model on the test speakers and write the report below `out`; its figures. root: the audio's."""
    heard, embedder = dataset.load(settings), predictions.Embedder(MODEL)
    val, test = (
        trial_set.Answers(trials, predictions.stored(embedder, trials.utterances, heard.store))
        for trials in (trial_set.judged(heard.table, heard.trials, split) for split in ("val", "test"))
    )
    beside = metrics.baselines(utterances.to_learn(heard.table), val.trials, test.trials, root)
    found = metrics.figures(val, test, beside, settings.evaluate) | metrics.tested_on(heard.table)
    found |= {"model_sha256": model_files.weights_sha256(MODEL)}
    chosen = trial_set.thresholds_of(val)
    metrics.write(out, metrics.predictions(test, chosen.threshold), found)
    plots = out / "plots"
    report.pictures(plots, test, chosen, {name: answers for name, (_, answers) in beside.items()})
    metrics.by_duration(test).to_csv(plots / "eer_by_duration.csv", index=False)
    crops = metrics.by_crop(test.trials, lambda of, seconds: predictions.stored(embedder, of, heard.store, seconds))
    crops.to_csv(plots / "eer_by_crop.csv", index=False)
    metrics.clusters(test, chosen.cluster_threshold).to_csv(plots / "clusters.csv", index=False)
    history, best = model_files.read_history(MODEL), embedder.config.best_epoch
    pictures.learning_curves(plots / "learning_curves.png", history, best, "trials, 1 - EER", "1 - AUC")
    listening.listening(out / "listening.html", test, chosen.threshold, root)
    return found
