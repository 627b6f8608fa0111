"""Genres, or classes of sounds: one label a recording."""

from earmark.tasks.genre.settings import GenreSettings
from earmark.tasks.task import Task

TASK = Task(
    name="genre",
    settings=GenreSettings,
    answers={"label": "string", "probability": "double", "runner_up": "string"},
    headline="accuracy",
    compared=("accuracy", "macro_f1", "ece"),
    card_figures="the recipe's cross-validation",
    baselines={
        "baseline_accuracy": "a logistic regression on MFCC statistics",
        "baseline_classical_accuracy": "a classifier on 538 features of librosa",
    },
    study_figures=("accuracy", "crops_accuracy"),
    release="recipe",
    leak_figures=("accuracy", "baseline_accuracy"),
)
