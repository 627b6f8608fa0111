"""The evaluate stage: pure, files in and files out. Figures, intervals, baseline, predictions with their names."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from earmark.data import manifest
from earmark.evaluation import metrics
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.genre.batches import DeviceWindows
from earmark.tasks.genre.dataset import Material
from earmark.tasks.genre.networks.song import SongModel


def predict(material: Material, model: SongModel, data: DeviceWindows, rows: np.ndarray) -> pd.DataFrame:
    """One row a window of the recordings `rows` (positions, ascending), with the recording's answer beside it.

    Columns: recording, window (0.. within its recording), start_s, label, group, predicted and probability
    (of the window), recording_predicted, recording_probability, and `p_<class>` (of the window) and
    `recording_p_<class>`.
    """
    by_window, by_song = (p.exp().numpy() for p in data.predict(model, rows))
    counts = data.counts(rows)
    place = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    classes = np.array(material.classes)
    table = material.table.iloc[rows]
    columns = {
        "recording": table.path.to_numpy()[place],
        "window": within,
        "start_s": within * material.features.window_stride_s,
        "label": table.label.to_numpy()[place],
        "group": table.group.to_numpy()[place],
        "predicted": classes[by_window.argmax(1)],
        "probability": by_window.max(1),
        "recording_predicted": classes[by_song.argmax(1)][place],
        "recording_probability": by_song.max(1)[place],
    }
    columns |= {f"p_{c}": by_window[:, i] for i, c in enumerate(classes)}
    columns |= {f"recording_p_{c}": by_song[place, i] for i, c in enumerate(classes)}
    return pd.DataFrame(columns)


def baseline(material: Material, statistics: np.ndarray, fit: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Probabilities (rows, classes) of a logistic regression on MFCC statistics, fitted on the recordings `fit`.

    statistics: (recordings, 60). It is given validation recordings too, having nothing to choose on them.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    model.fit(statistics[fit], material.windows.labels[fit])
    probabilities = np.zeros((len(rows), len(material.classes)))
    probabilities[:, model.classes_] = model.predict_proba(statistics[rows])
    return probabilities


def figures(predictions: pd.DataFrame, baseline_p: np.ndarray, classes: list[str], settings: EvaluateSettings) -> dict:
    """Headline figures with `<name>_ci95`, the baseline's beside them, and the paired difference.

    predictions: as `predict` gives them; baseline_p: (recordings, classes) in their order.
    """
    first = predictions["window"] == 0
    songs = predictions[first].reset_index(drop=True)
    segment = (first.cumsum() - 1).to_numpy()
    y = songs.label.map(classes.index).to_numpy()
    p = songs[[f"recording_p_{c}" for c in classes]].to_numpy()
    p_window = predictions[[f"p_{c}" for c in classes]].to_numpy()
    vote = metrics.majority_vote(p_window, segment, len(songs))
    # Windows enter the bootstrap as counts of their recording, because a recording is resampled whole.
    right = np.bincount(segment, p_window.argmax(1) == y[segment])
    n_windows = np.bincount(segment)
    answer, guess, confidence = p.argmax(1), baseline_p.argmax(1), p.max(1)
    of = {
        "accuracy": lambda r: np.mean(answer[r] == y[r]),
        "macro_f1": lambda r: metrics.macro_f1(answer[r], y[r]),
        "ece": lambda r: metrics.ece(confidence[r], answer[r] == y[r]),
        "window_accuracy": lambda r: right[r].sum() / n_windows[r].sum(),
        "majority_vote_accuracy": lambda r: np.mean(vote[r] == y[r]),
        "baseline_accuracy": lambda r: np.mean(guess[r] == y[r]),
        "baseline_macro_f1": lambda r: metrics.macro_f1(guess[r], y[r]),
        "accuracy_minus_baseline": lambda r: np.mean(answer[r] == y[r]) - np.mean(guess[r] == y[r]),
    }
    draws = metrics.resamples(songs.group.to_numpy(), settings.bootstrap, settings.seed)
    out = {}
    for name, figure in of.items():
        out[name] = float(figure(np.arange(len(songs))))
        out[f"{name}_ci95"] = metrics.interval(figure, draws)
    return out | {
        "n_recordings": len(songs),
        "n_groups": int(songs.group.nunique()),
        "n_windows": len(predictions),
    }


def run(
    material: Material,
    model: SongModel,
    data: DeviceWindows,
    statistics: np.ndarray,
    settings: EvaluateSettings,
) -> tuple[pd.DataFrame, dict]:
    """Predictions and figures of the test split."""
    test = material.rows("test")
    fit = np.sort(np.concatenate([material.rows("train"), material.rows("val")]))
    predictions = predict(material, model, data, test)
    found = figures(predictions, baseline(material, statistics, fit, test), material.classes, settings)
    return predictions, found | {"test_manifest_sha256": manifest.digest(material.table.iloc[test])}


def write(out: Path, predictions: pd.DataFrame, found: dict) -> None:
    """predictions.parquet and metrics.json below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(out / "predictions.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(found, indent=2) + "\n")
