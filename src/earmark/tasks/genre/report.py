"""Pictures and tables of an evaluation."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from earmark.evaluation import metrics
from earmark.evaluation.pictures import plt, save
from earmark.evaluation.scored import by_class
from earmark.tasks.genre.baselines import Choice


def confusion(path: Path, predictions: pd.DataFrame, classes: list[str]) -> None:
    """Confusion of recordings as PNG: rows are true labels, shares of the row; counts are written in."""
    songs = predictions[predictions["window"] == 0]
    counts = confusion_matrix(songs.label, songs.recording_predicted, labels=classes)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = max(4.0, 0.55 * len(classes) + 2)
    fig, ax = plt.subplots(figsize=(side + 1, side), layout="constrained")
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), n in np.ndenumerate(counts):
        if n:
            ax.text(j, i, n, ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    ax.set_xticks(range(len(classes)), classes, rotation=45, ha="right", parse_math=False)
    ax.set_yticks(range(len(classes)), classes, parse_math=False)
    ax.set(xlabel="predicted", ylabel="true", title=f"Confusion of {len(songs)} recordings")
    fig.colorbar(image, label="share of the true class")
    save(fig, path)


def tables(folder: Path, predictions: pd.DataFrame, classes: list[str]) -> None:
    """confusion.csv, recordings by true label (rows) and answer (columns), and by_class.csv, recall and what a label is
    taken for, below `folder`."""
    songs = predictions[predictions["window"] == 0]
    counts = confusion_matrix(songs.label, songs.recording_predicted, labels=classes)
    pd.DataFrame(counts, index=pd.Index(classes, name="true"), columns=classes).to_csv(folder / "confusion.csv")
    rows = [
        (label, of["n"], of["recall"], ", ".join(f"{other} {n}" for other, n in of["taken_for"].items()))
        for label, of in by_class(predictions).items()
    ]
    found = pd.DataFrame(rows, columns=["label", "recordings", "recall", "taken_for"])
    found.sort_values(["recall", "label"]).to_csv(folder / "by_class.csv", index=False)


def reliability(path: Path, predictions: pd.DataFrame, bins: int = 10) -> None:
    """Reliability diagram of recordings as PNG: accuracy by confidence, the gaps to it, and the counts below."""
    songs = predictions[predictions["window"] == 0]
    confidence = songs.recording_probability.to_numpy(float)
    right = (songs.recording_predicted == songs.label).to_numpy()
    counts, mean, accuracy = metrics.reliability(confidence, right, bins)
    error = metrics.ece(confidence, right, bins)
    middle = (np.arange(bins) + 0.5) / bins
    used = counts > 0
    width = 1 / bins
    shape = {"height_ratios": (3, 1), "hspace": 0.05}
    fig, (top, below) = plt.subplots(2, 1, figsize=(5, 6), sharex=True, gridspec_kw=shape, layout="constrained")
    top.plot([0, 1], [0, 1], ls=":", color="0.4", label="perfectly calibrated")
    top.bar(middle[used], accuracy[used], width, color="C0", edgecolor="white", label="accuracy")
    gap, least = np.abs(mean - accuracy)[used], np.fmin(mean, accuracy)[used]
    top.bar(
        middle[used], gap, width, least, color="C3", alpha=0.35, hatch="//", edgecolor="C3", label="gap to confidence"
    )
    top.set(ylabel="share right", ylim=(0, 1.02), title=f"{len(songs)} recordings, calibration error (ECE) {error:.3f}")
    top.legend(loc="upper left")
    below.bar(middle, counts, width, color="0.6", edgecolor="white")
    below.set(xlabel="confidence (top probability)", ylabel="recordings", xlim=(0, 1))
    save(fig, path)


def choice(path: Path, found: Choice) -> None:
    """The classifiers that the classical baseline was chosen from, as CSV: the share right in the inner folds."""
    rows = [(name, score, name == found.name) for name, score in found.scores.items()]
    pd.DataFrame(rows, columns=["classifier", "inner_accuracy", "chosen"]).to_csv(path, index=False)
