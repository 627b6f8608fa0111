"""What judging a labelled folder from elsewhere gives, of whichever task."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

BOOTSTRAP, SEED = 1000, 1


@dataclass(frozen=True)
class ScoredFolder:
    """A folder judged: predictions, what could not be used (path, reason), figures, hash of the folder's content.

    draw: makes pictures and tables below a folder, and returns their paths.
    """

    predictions: pd.DataFrame
    unusable: pd.DataFrame
    figures: dict
    data_sha256: str
    draw: Callable[[Path], list[Path]]


def by_class(predictions: pd.DataFrame) -> dict[str, dict]:
    """Of every label that occurs: n recordings, recall, and `taken_for`: wrong answers by number, most first."""
    songs = predictions[predictions["window"] == 0]
    out = {}
    for label, rows in songs.groupby("label"):
        wrong = rows.recording_predicted[rows.recording_predicted != label].value_counts()
        taken_for = dict(sorted(wrong.items(), key=lambda kn: (-kn[1], kn[0])))
        out[label] = {"n": len(rows), "recall": 1 - len(rows[rows.recording_predicted != label]) / len(rows)}
        out[label] |= {"taken_for": {k: int(n) for k, n in taken_for.items()}}
    return out
