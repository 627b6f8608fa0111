"""A genre job of a study: train, judge, and say of every recording whether it was known."""

import pandas as pd

from earmark import evaluate, training
from earmark.features import store
from earmark.material import Material, gather
from earmark.models import describe
from earmark.study.jobs import Clock, Job
from earmark.study.windowed import split_windows


def train_and_judge(job: Job) -> tuple[dict, pd.DataFrame]:
    """The job's result, and one row a recording: label, predicted and p_<class> beside what every task says."""
    material, clock = _material(job), Clock()
    fitted, fit = training.run(material, job.model, job.train, out=None)
    seconds = clock.seconds()
    answers = _answers(material, evaluate.predict(material, fitted.model, fitted.data, material.rows("test")), job)
    best = next((row for row in fit.history if row["epoch"] == fit.best_epoch), {})
    found = {
        "refused": "",
        "accuracy": float(answers.right_accuracy.mean()),
        "val_accuracy": best.get("val/accuracy"),
        "best_epoch": int(fit.best_epoch),
        "parameters": describe.count(fitted.model),
        "classes": material.classes,
        "history": fit.history,
    }
    return found | seconds, answers


def _material(job: Job) -> Material:
    material = gather(job.task, job.split.table, store.load(job.features))
    return split_windows(material, job.split.windowed) if job.split.windowed else material


def _answers(material: Material, windows: pd.DataFrame, job: Job) -> pd.DataFrame:
    songs = windows[windows["window"] == 0].reset_index(drop=True)
    fold_of = dict(zip(material.table.path, material.table.fold, strict=True))
    fold = job.test[0] if job.split.windowed else songs.recording.map(fold_of)
    found = songs[["recording", "label", "group"]].assign(fold=fold, predicted=songs.recording_predicted)
    found = found.assign(right_accuracy=(found.predicted == found.label).astype(float), of_accuracy=1.0)
    return found.join(pd.DataFrame({f"p_{c}": songs[f"recording_p_{c}"] for c in material.classes}))
