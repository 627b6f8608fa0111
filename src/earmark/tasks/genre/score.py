"""A labelled folder of recordings judged by a genre model."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import AudioError
from earmark.data import copies, folder, manifest
from earmark.data.learnt import Learnt
from earmark.errors import EarmarkError, nearest
from earmark.evaluation.scored import BOOTSTRAP, SEED, ScoredFolder, by_class
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.genre import metrics, report
from earmark.tasks.genre.predictions import Answer, Predictor

SETTINGS = EvaluateSettings(BOOTSTRAP, SEED)


def judge_folder(
    model: Path, root: Path, warn: Callable[[str], None], progress: Callable, learnt: Learnt | None = None
) -> ScoredFolder:
    """What the model of a folder says of the recordings below `root`. learnt: what it met, and what becomes of that."""
    predictor = Predictor(model, whole=False)  # as its test set was judged
    classes = predictor.config.labels
    table = with_hashes(recordings(root, classes, warn), root)
    table = learnt.leave(table, "group", root, warn) if learnt else table
    predictions, unusable = judge(table, root, predictor, progress)
    found = figures(predictions, classes) | {"by_class": by_class(predictions), "n_classes": len(classes)}
    usable = table[~table.path.isin(unusable.path)]
    copies.check(usable, "label", True, warn)

    def draw(out: Path) -> list[Path]:
        report.confusion(out / "confusion.png", predictions, classes)
        return [out / "confusion.png"]

    return ScoredFolder(predictions, unusable, found, manifest.digest(usable), draw)


def recordings(root: Path, labels: list[str], warn: Callable[[str], None]) -> pd.DataFrame:
    """The manifest of a labelled folder. Raises EarmarkError for a label that a model of `labels` cannot give."""
    if not root.is_dir():
        raise EarmarkError(f"There is no folder {root}; name one with a sub-folder per label, or with manifest.csv.")
    table = folder.read(root, warn)
    unknown = sorted(set(table.label) - set(labels))
    if unknown:
        n, hint = int((table.label == unknown[0]).sum()), nearest(unknown[0], labels)
        known = "" if hint.startswith("known:") else f" Known: {', '.join(labels)}."
        raise EarmarkError(
            f"{root} has {n} recording{'s' * (n != 1)} of '{unknown[0]}', which the model does not know; {hint}{known}"
        )
    return table


def judge(
    table: pd.DataFrame, root: Path, predictor: Predictor, progress: Callable
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers for a manifest's recordings, and those that cannot be used.

    Returns (predictions, unusable): the first with one row a window and the columns of `evaluate.predict`, the
    second with path and reason. Raises EarmarkError when nothing can be used.
    """
    files = {line: manifest.inside(root, path, line) for line, path in table.path.items()}
    answered, unusable = [], []
    for row in progress(table.itertuples(), len(table), "judging recordings"):
        try:
            answered.append(_rows(row, predictor(files[row.Index])))
        except FileNotFoundError:
            unusable.append({"path": row.path, "reason": "the file does not exist"})
        except (AudioError, OSError) as e:
            unusable.append({"path": row.path, "reason": getattr(e, "strerror", None) or str(e)})
    if not answered:
        first = unusable[0]
        raise EarmarkError(f"No recording of {root} can be used; the first is {first['path']}: {first['reason']}.")
    return pd.concat(answered, ignore_index=True), pd.DataFrame(unusable, columns=["path", "reason"])


def _rows(row, answer: Answer) -> pd.DataFrame:
    by_window = answer.window_probabilities
    facts = {"recording": row.path, "window": np.arange(len(by_window)), "start_s": answer.starts_s}
    table = pd.DataFrame(facts | {"label": row.label, "group": row.group})
    by_song = np.broadcast_to(answer.probabilities, by_window.shape)
    return metrics.with_answers(table, by_window, by_song, answer.labels)


def figures(predictions: pd.DataFrame, classes: list[str]) -> dict:
    """Accuracy, macro F1 and calibration error by recording, with intervals over groups."""
    songs = predictions[predictions["window"] == 0]
    y, answer = (songs[c].map(classes.index).to_numpy() for c in ("label", "recording_predicted"))
    confidence = songs.recording_probability.to_numpy()
    return metrics.with_intervals(metrics.of_recordings(answer, y, confidence), songs.group, SETTINGS)


def with_hashes(table: pd.DataFrame, root: Path) -> pd.DataFrame:
    """The manifest of a scored set with the sha256 of every recording, "" of one that cannot be read.

    Raises EarmarkError for a path that leaves the folder.
    """
    return table.assign(sha256=[_sha256(manifest.inside(root, path, line)) for line, path in table.path.items()])


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
