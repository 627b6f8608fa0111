"""Chords in time, with their basses, and the key of a song."""

from earmark.tasks.chord.settings import ChordSettings
from earmark.tasks.task import Task

TASK = Task(
    name="chord",
    settings=ChordSettings,
    answers={
        "segments": "string",
        "key": "string",
        "key_probability": "double",
        "duration_s": "double",
        "music": "boolean",
    },
    headline="majmin",
    compared=("majmin", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads", "key_accuracy"),
    card_figures="the recipe's own songs",
    baselines={"baseline_majmin": "template matching of librosa's chroma"},
    study_figures=("majmin", "tetrads", "chord529_accuracy", "root", "bass", "seg", "key_accuracy", "transition_f1"),
)
