"""The evaluate stage: pure, files in and files out. Figures, intervals, predictions with their names."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from earmark.data import manifest
from earmark.evaluation import intervals, metrics
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.genre.batches import DeviceWindows
from earmark.tasks.genre.dataset import GenreDataset
from earmark.tasks.genre.networks.song import SongModel

DRAWN = 20  # draws of random crops that tell how far one draw's accuracy may lie from another's
# A figure of some recordings, by their places (n,), which is no quotient of sums.
Figure = Callable[[np.ndarray], float]


class WeightedShare(NamedTuple):
    """A figure that is right.sum() / weight.sum(), (recordings,) each; less that of `theirs`, where there are."""

    right: np.ndarray
    weight: np.ndarray
    theirs: np.ndarray | None = None


def predict(dataset: GenreDataset, model: SongModel, data: DeviceWindows, rows: np.ndarray) -> pd.DataFrame:
    """One row a window of the recordings `rows` (positions, ascending), with the recording's answer beside it.

    Columns: recording, window (0.. within its recording), start_s, label, group, predicted and probability
    (of the window), recording_predicted, recording_probability, and `p_<class>` (of the window) and
    `recording_p_<class>`.
    """
    by_window, by_song = (p.exp().numpy() for p in data.predict(model, rows))
    counts = data.counts(rows)
    place = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    known = dataset.table[["path", "label", "group"]].iloc[rows[place]].set_axis(range(len(place)))
    facts = known.rename(columns={"path": "recording"})
    facts.insert(1, "window", within)
    facts.insert(2, "start_s", within * dataset.features.window_stride_s)
    return with_answers(facts, by_window, by_song[place], dataset.classes)


def predict_crops(dataset: GenreDataset, model: SongModel, data: DeviceWindows, rows: np.ndarray) -> pd.DataFrame:
    """`predict`, with one random crop for the windows of each recording; it draws from torch's generator."""
    by_window, by_song, first = data.judge_crops(model, rows)
    known = dataset.table[["path", "label", "group"]].iloc[rows].set_axis(range(len(rows)))
    facts = known.rename(columns={"path": "recording"})
    facts.insert(1, "window", 0)
    facts.insert(2, "start_s", first.numpy() / dataset.features.frames_per_second)
    return with_answers(facts, by_window.exp().numpy(), by_song.exp().numpy(), dataset.classes)


def answers(
    dataset: GenreDataset, model: SongModel, data: DeviceWindows, rows: np.ndarray, judged_on: str, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """What a model says of the recordings `rows`, judged as train.judged_on says, and which draws of crops are right.

    With `crop` the predictions are of the first draw, as an article that draws once reports them; seed decides all
    draws (draws, recordings). With `windows` nothing is drawn: (0, recordings).
    """
    if judged_on == "windows":
        return predict(dataset, model, data, rows), np.empty((0, len(rows)), bool)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        drawn = [predict_crops(dataset, model, data, rows) for _ in range(DRAWN)]
    return drawn[0], np.array([one.recording_predicted == one.label for one in drawn])


def of_draws(right: np.ndarray) -> dict[str, float]:
    """How the accuracy goes from draw to draw of the crops: mean, deviation, least and most; {} for none.

    right: (draws, recordings).
    """
    accuracies = right.mean(1)
    if not len(accuracies):
        return {}
    found = {"mean": np.mean(accuracies), "sd": np.std(accuracies, ddof=1), "low": accuracies.min()}
    return {f"crops_{k}": float(v) for k, v in (found | {"high": accuracies.max()}).items()}


def with_answers(facts: pd.DataFrame, by_window: np.ndarray, by_song: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Rows of windows with what is said of each; by_window, by_song: (rows, classes), of it and of its recording."""
    names = np.array(classes)
    columns = {
        "predicted": names[by_window.argmax(1)],
        "probability": by_window.max(1),
        "recording_predicted": names[by_song.argmax(1)],
        "recording_probability": by_song.max(1),
    }
    columns |= {f"p_{c}": by_window[:, i] for i, c in enumerate(classes)}
    columns |= {f"recording_p_{c}": by_song[:, i] for i, c in enumerate(classes)}
    return facts.join(pd.DataFrame(columns, index=facts.index))


def figures(
    predictions: pd.DataFrame, beside: Mapping[str, np.ndarray], classes: list[str], settings: EvaluateSettings
) -> dict:
    """Headline figures with `<name>_ci95`, the baselines' beside them, and the paired differences.

    predictions: as `predict` gives them; beside: each baseline's answers by its name, classes (recordings,) in their
    order.
    """
    first = predictions["window"] == 0
    songs = predictions[first].reset_index(drop=True)
    segment = (first.cumsum() - 1).to_numpy()
    y = songs.label.map(classes.index).to_numpy()
    p = songs[[f"recording_p_{c}" for c in classes]].to_numpy()
    p_window = predictions[[f"p_{c}" for c in classes]].to_numpy()
    vote = metrics.majority_vote(p_window, segment, len(songs))
    # Windows count for their recording, which is drawn whole.
    right = np.bincount(segment, p_window.argmax(1) == y[segment])
    n_windows = np.bincount(segment)
    answer = p.argmax(1)
    of = of_recordings(answer, y, p.max(1)) | {
        "window_accuracy": WeightedShare(right, n_windows),
        "majority_vote_accuracy": _accuracy(vote, y),
    }
    for name, guess in beside.items():
        of |= _beside(name, answer, guess, y)
    return with_intervals(of, songs.group, settings) | {"n_windows": len(predictions)}


def _accuracy(answer: np.ndarray, y: np.ndarray) -> WeightedShare:
    """Of answers (n,) to recordings of true classes (n,)."""
    return WeightedShare(answer == y, np.ones(len(y)))


def _beside(name: str, answer: np.ndarray, guess: np.ndarray, y: np.ndarray) -> dict[str, Figure | WeightedShare]:
    """What a baseline says and how much better the model is: (n,) class said, class the baseline said, true class."""
    return {
        f"{name}_accuracy": _accuracy(guess, y),
        f"{name}_macro_f1": WeightedShare(*metrics.f1_parts(guess, y)),
        f"accuracy_minus_{name}": _accuracy(answer, y)._replace(theirs=guess == y),
    }


def of_recordings(answer: np.ndarray, y: np.ndarray, confidence: np.ndarray) -> dict[str, Figure | WeightedShare]:
    """Accuracy, macro F1 and calibration error of any of the recordings: (n,) class said, true class, probability."""
    return {
        "accuracy": _accuracy(answer, y),
        "macro_f1": WeightedShare(*metrics.f1_parts(answer, y)),
        "ece": lambda r: metrics.ece(confidence[r], answer[r] == y[r]),
    }


def with_intervals(of: dict[str, Figure | WeightedShare], groups: pd.Series, settings: EvaluateSettings) -> dict:
    """Figures of all recordings, each with its interval over their groups (n,), and how many there are."""
    group, found = groups.to_numpy(), {}
    draws = metrics.resamples(group, settings.bootstrap, settings.seed)
    for name, figure in of.items():
        if not isinstance(figure, WeightedShare):
            found |= {name: float(figure(np.arange(len(group)))), f"{name}_ci95": metrics.interval(figure, draws)}
        elif figure.theirs is None:
            found |= intervals.share(name, figure.right, figure.weight, group, settings)
        else:
            found |= intervals.difference(name, figure.right, figure.theirs, figure.weight, group, settings)
    found |= intervals.methods(found, [name for name, figure in of.items() if not isinstance(figure, WeightedShare)])
    return found | {"n_recordings": len(groups), "n_groups": int(groups.nunique())}


def run(
    dataset: GenreDataset,
    model: SongModel,
    data: DeviceWindows,
    beside: Mapping[str, np.ndarray],
    settings: EvaluateSettings,
    judged_on: str = "windows",
) -> tuple[pd.DataFrame, dict]:
    """Predictions and figures of the test split; beside: as `figures` has it, judged_on: as the model's settings."""
    test = dataset.rows("test")
    predictions, drawn = answers(dataset, model, data, test, judged_on, settings.seed)
    found = figures(predictions, beside, dataset.classes, settings)
    found |= of_draws(drawn)
    return predictions, found | {"test_manifest_sha256": manifest.digest(dataset.table.iloc[test])}


def write(out: Path, predictions: pd.DataFrame, found: dict) -> None:
    """predictions.parquet and metrics.json below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(out / "predictions.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(metrics.in_order(found, "accuracy"), indent=2) + "\n")
