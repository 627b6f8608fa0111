"""Speakers in cross-validations: a fold's are told apart by a model that met none of them."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from earmark import audio, paths
from earmark.audio import Root
from earmark.data import splits
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError
from earmark.evaluation.fold import UNWATCHED, Clock, Fold, TrainingHooks
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.nn import describe
from earmark.tasks.speaker import checks, dataset, features, metrics, outcomes, predictions, report, train
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.settings import (
    SpeakerDataSettings,
    SpeakerFeatureSettings,
    SpeakerModelSettings,
    SpeakerSettings,
    SpeakerTrainSettings,
)
from earmark.tasks.speaker.trials import enrolment, lists, pairing, pooled, scores, trial_set, utterances
from earmark.tasks.speaker.trials.pooled import FoldAnswers
from earmark.tasks.speaker.trials.trial_set import Answers, thresholds_of

SAID = {"eer": "EER", "baseline_lda_eer": "MFCC + LDA", "mr_at_k": "MR"}
MODEL = "model"  # its name among the systems of a fold
hashes, write = train.hashes, metrics.write
Figure = outcomes.Eer


def check(
    table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Callable[[str], None]
) -> None:
    """Raise EarmarkError for folds in which nobody can be mistaken or known again, before anything is trained.

    `warn` says where a list of trials is not used: most of its pairs lie in two folds, whose models differ.
    """
    checks.recordings(table, quarantined, warn)
    for name, rows in table.groupby("fold"):
        _refuse_lonely(name, rows)
    if data.val_share == 0:
        raise EarmarkError(
            "A cross-validation of speakers chooses its thresholds on validation speakers; set data.val_share above 0."
        )
    for name in table.fold.unique():
        split = splits.split_fold(table, name, data, "label")
        checks.splits(split)
        pairing.complete(split, None, data, _said_already)
    if table.groupby("label").group.nunique().max() < 2:
        warn(
            "No speaker has recordings of several groups: same-speaker trials pair utterances of one session and are "
            "easier than real use."
        )
    present = [name for name in ("trials.csv", *lists.VOXCELEB1) if (root / name).exists()]
    if present:
        warn(f"{present[0]} is not used: its trials lie in several folds, so each fold draws its own.")


def _refuse_lonely(name: str, rows: pd.DataFrame) -> None:
    """Refuse a fold of one speaker, and one in which nobody has two utterances."""
    speakers, most = rows.label.unique(), rows.groupby("label").utterance.nunique().max()
    if len(speakers) < 2:
        raise EarmarkError(
            f"The fold '{name}' has only one speaker ('{speakers[0]}'), but telling speakers apart takes two: "
            "lower --k, or add recordings of others."
        )
    if most < 2:
        raise EarmarkError(
            f"No speaker of the fold '{name}' has two utterances, so no speaker can be recognised again: lower "
            "--k, or give some of them more recordings."
        )


def extract(
    table: pd.DataFrame, root: Root, settings: SpeakerFeatureSettings, out: Path, warn: Callable, progress: Callable
) -> None:
    """Frames of every recording below `out`, at every speed, as each is trained on in some fold."""
    features.run(table.assign(split="train"), root, settings, out, warn, progress)


def gather(table: pd.DataFrame, folder: Path, settings: SpeakerSettings) -> SpeakerDataset:
    """A manifest with a split, joined with trials of its own and the store in a folder that `extract` wrote."""
    table, trials = with_trials(table, settings.data)
    return dataset.gather(table, trials, store.load(folder))


def with_trials(table: pd.DataFrame, data: SpeakerDataSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A manifest with a split, its utterances as they are judged, and trials of its own."""
    return pairing.complete(table, None, data, _said_already)


def join_store(table: pd.DataFrame, folder: Path, model: SpeakerModelSettings, trials: pd.DataFrame) -> SpeakerDataset:
    """A manifest with a split and its trials, as `with_trials` gives them, joined with the store."""
    return dataset.gather(table, trials, store.load(folder))


def _said_already(sentence: str) -> None:
    """What makes trials easy is said once for all folds, by `check`."""


def train_and_test(found: SpeakerDataset, name: str, folder: Path, settings: SpeakerSettings) -> Fold:
    """Train on a dataset's train split and judge its test split; `judged`: FoldAnswers by system, the model's first."""
    with tempfile.TemporaryDirectory() as model:
        _, fit = train.run(found, settings.model, settings.train, Path(model))
        embedder = predictions.Embedder(Path(model))
    judged = (found.trial_set("val"), found.trial_set("test"))
    val, test = (Answers(of, predictions.stored_embeddings(embedder, of.utterances, found.store)) for of in judged)
    learnt = utterances.to_learn(found.table)
    root = audio.folder(paths.audio_root(settings.data.root), settings.data.channels)
    beside = metrics.baselines(learnt, val.trials, test.trials, root)
    systems = {MODEL: (val, test)} | beside
    parts = {system: FoldAnswers(its_test, thresholds_of(its_val)) for system, (its_val, its_test) in systems.items()}
    table = metrics.predictions(test, parts[MODEL].chosen.threshold).assign(fold=name)
    return Fold(name, table, parts, fit.history, int(fit.best_epoch))


def train_and_judge(
    found: SpeakerDataset,
    features: Path,
    model: SpeakerModelSettings,
    settings: SpeakerTrainSettings,
    watch: TrainingHooks = UNWATCHED,
) -> tuple[dict, pd.DataFrame]:
    """A study's training: its result, and one row a trial of the test speakers, as `outcomes_of` gives them."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        task, fit = train.run(found, model, settings, Path(folder), **watch._asdict())
        seconds = clock.seconds()
        embedder = predictions.Embedder(Path(folder))
    of = trial_set.require_split(found.table, found.trials, "test")
    test = Answers(of, predictions.stored_embeddings(embedder, of.utterances, found.store))
    best = next((row for row in fit.history if row["epoch"] == fit.best_epoch), {})
    result = {
        "refused": "",
        "eer": float(scores.eer(test.curve)),
        "val_accuracy": best.get("val/accuracy"),
        "best_epoch": int(fit.best_epoch),
        "parameters": describe.count(task.model.tower),
        "history": fit.history,
    }
    return result | seconds, outcomes.outcomes_of(test)


def figures(folds: list[Fold], settings: EvaluateSettings) -> dict:
    """Figures over all folds, the baselines' beside; intervals over speakers."""
    systems = {name: [fold.judged[name] for fold in folds] for name in folds[0].judged}
    return pooled.figures(systems.pop(MODEL), systems, settings)


def pictures(out: Path, folds: list[Fold]) -> list[Path]:
    """DET curves and who is taken for whom among a fold's enrolled as PNG, who was put with whom as CSV."""
    names = folds[0].judged
    report.det(out / "det.png", {name: pooled.together([f.judged[name].test for f in folds]) for name in names})
    parts = [(fold.name, fold.judged[MODEL]) for fold in folds]
    tables = [metrics.clusters(p.test, p.chosen.cluster_threshold).assign(fold=name) for name, p in parts]
    pd.concat(tables, ignore_index=True).to_csv(out / "clusters.csv", index=False)
    asked = pd.concat([enrolment.identify(p.test) for _, p in parts], ignore_index=True)
    return [out / "det.png", out / "clusters.csv", *report.confusion(out, asked)]
