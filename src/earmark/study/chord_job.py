"""A chord job of a study: train, judge, and say of every song how much of it was right."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.chords import scores, training
from earmark.folds import chord
from earmark.models import describe
from earmark.study.figures import FIGURES
from earmark.study.jobs import Clock, Job


def train_and_judge(job: Job) -> tuple[dict, pd.DataFrame]:
    """The job's result, and one row a song with the columns that every task has."""
    material, clock = chord.joined(job.split.table, job.features, job.model), Clock()
    with tempfile.TemporaryDirectory() as folder:
        task, fit = training.run(material, job.model, job.train, Path(folder))
        seconds = clock.seconds()
        songs = chord.judged(material, job.features, Path(folder))
    sums = scores.summed(songs)
    best = next((row for row in fit.history if row["epoch"] == fit.best_epoch), {})
    found = {
        "refused": "",
        "val_accuracy": best.get("val/accuracy"),
        "best_epoch": int(fit.best_epoch),
        "parameters": describe.count(task.model),
        "history": fit.history,
    }
    figures = {name: sums.figure(name) for name in FIGURES["chord"]}
    return found | seconds | {k: v for k, v in figures.items() if np.isfinite(v)}, _answers(material.table, songs, sums)


def _answers(table: pd.DataFrame, songs: list[scores.Song], sums: scores.Sums) -> pd.DataFrame:
    """right_<figure> and of_<figure> are seconds; of the key they are songs, of transitions numbers of them."""
    fold_of = dict(zip(table.path, table.fold, strict=True))
    found = pd.DataFrame([{"recording": s.name, "group": s.group, "fold": fold_of[s.name]} for s in songs])
    for name in FIGURES["chord"]:
        right, of = sums.parts[name]
        found = found.assign(**{f"right_{name}": right, f"of_{name}": of})
    return found
