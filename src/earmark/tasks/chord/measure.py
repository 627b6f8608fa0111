"""What a chord model reads right in a folder of labelled recordings."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.predictions import Recogniser

HEADLINES = ("root", "majmin", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads", "key_accuracy")


def folder(model: Path, table: pd.DataFrame, progress: Callable[[Iterable, int, str], Iterable]) -> dict:
    """Every figure of `scores.evaluate` for the model of a folder on a table's `path`, `lab`, `key` and `group`."""
    recognise, songs = Recogniser(model), []
    for row in progress(table.itertuples(), len(table), "recognising chords"):
        found = recognise(row.path)
        keys = targets.key_of(row.key), targets.key_of(found.key)
        songs.append(scores.Song(str(row.path), lab.read(row.lab), found.segments, row.group, *keys))
    return scores.evaluate(songs) | {"n_recordings": len(songs)}
