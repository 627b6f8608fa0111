"""The speaker task's evaluate stage: files in, files out. Figures, predictions, pictures and the listening report."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark.audio import Root
from earmark.errors import EarmarkError
from earmark.evaluation import outcomes as kept
from earmark.evaluation import pictures
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.tasks.speaker import dataset, listening, metrics, outcomes, predictions, report
from earmark.tasks.speaker.settings import SpeakerSettings
from earmark.tasks.speaker.trials import enrolment, lists, trial_set, utterances
from earmark.training import model_files

DATA, MODEL = Path("data/speaker"), Path("models/speaker")


def run(settings: SpeakerSettings, root: Root, out: Path, warn: Callable[[str], None]) -> dict:
    """Judge the trained model on the test speakers and write the report below `out`; its figures. root: the audio's."""
    heard, embedder = dataset.load(settings), predictions.Embedder(MODEL)
    val, test = (
        trial_set.Answers(trials, predictions.stored_embeddings(embedder, trials.utterances, heard.store))
        for trials in (trial_set.require_split(heard.table, heard.trials, split) for split in ("val", "test"))
    )
    beside = metrics.baselines(utterances.to_learn(heard.table), val.trials, test.trials, root)
    found = metrics.figures(val, test, beside, settings.evaluate) | metrics.manifest_hash(heard.table)
    found |= {"model_sha256": model_files.weights_sha256(MODEL)}
    chosen = trial_set.thresholds_of(val)
    metrics.write(out, metrics.predictions(test, chosen.threshold), found)
    kept.write(out, outcomes.outcomes_of(test))
    plots = out / "plots"
    drawn, queries = report.map_utterances(test), enrolment.identify(test)
    report.pictures(plots, test, chosen, {name: answers for name, (_, answers) in beside.items()}, drawn)
    report.confusion(plots, queries)
    metrics.by_duration(test).to_csv(plots / "eer_by_duration.csv", index=False)
    crops = metrics.by_crop(
        test.trials, lambda of, seconds: predictions.stored_embeddings(embedder, of, heard.store, seconds)
    )
    crops.to_csv(plots / "eer_by_crop.csv", index=False)
    metrics.clusters(test, chosen.cluster_threshold).to_csv(plots / "clusters.csv", index=False)
    history, config = model_files.read_history(MODEL), embedder.config
    shown = history, config.best_epoch, "trials, 1 - EER", "1 - AUC", config.train["average"]
    pictures.learning_curves(plots / "learning_curves.png", *shown)
    listening.listening(out / "listening.html", test, chosen.threshold, root, found, queries, drawn)
    return found


def evaluate_model(
    model: Path, table: pd.DataFrame, features: Path, settings: EvaluateSettings
) -> tuple[dict, pd.DataFrame]:
    """Figures of `run` that take no threshold, and outcomes, of any model's folder on recordings of the test split.

    table: their rows; trials are those of data/speaker that pair them. features: a folder with their store, of the
    model's own settings. Raises EarmarkError where these trials are not of both kinds.
    """
    trials, known = lists.load(DATA / "trials.csv"), set(utterances.utterances_of(table).id)
    asked = trial_set.require_split(table, trials[trials.a.isin(known) & trials.b.isin(known)], "test")
    if asked.same.all() or not asked.same.any():
        raise EarmarkError("their trials are all same-speaker or all different-speaker trials")
    embedder = predictions.Embedder(model)
    test = trial_set.Answers(asked, predictions.stored_embeddings(embedder, asked.utterances, store.load(features)))
    found = metrics.without_thresholds(test, settings) | metrics.manifest_hash(table)
    return found | {"model_sha256": model_files.weights_sha256(model)}, outcomes.outcomes_of(test)
