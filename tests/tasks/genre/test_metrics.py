"""Figures of an evaluation against scikit-learn and numbers worked by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.genre import metrics

CLASSES = ["a", "b", "c"]


def predictions(n: int = 30, seed: int = 0) -> pd.DataFrame:
    """Recordings of 1 to 4 windows in groups of two, with random probabilities that lean to the truth."""
    rng = np.random.default_rng(seed)
    rows = []
    for r in range(n):
        label = CLASSES[r // 2 % 3]
        windows = rng.dirichlet(np.ones(3), rng.integers(1, 5)) + 0.4 * (np.array(CLASSES) == label)
        windows /= windows.sum(1, keepdims=True)
        song = windows.mean(0)
        for w, p in enumerate(windows):
            row = {"recording": f"r{r}", "window": w, "label": label, "group": f"g{r // 2}"}
            row |= {f"p_{c}": p[i] for i, c in enumerate(CLASSES)}
            rows.append(row | {f"recording_p_{c}": song[i] for i, c in enumerate(CLASSES)})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def found():
    table = predictions()
    songs = table[table["window"] == 0]
    y = songs.label.map(CLASSES.index).to_numpy()
    base = {"baseline": (y + (np.arange(30) % 5 == 0)) % 3, "baseline_classical": (y + (np.arange(30) % 3 == 0)) % 3}
    return table, songs, base, metrics.figures(table, base, CLASSES, EvaluateSettings(400, 1))


def test_recording_figures_equal_scikit_learn(found):
    _, songs, _, figures = found
    answer = songs[[f"recording_p_{c}" for c in CLASSES]].to_numpy().argmax(1)
    y = songs.label.map(CLASSES.index)
    assert figures["accuracy"] == pytest.approx(accuracy_score(y, answer))
    assert figures["macro_f1"] == pytest.approx(f1_score(y, answer, average="macro"))
    assert figures["baseline_accuracy"] == pytest.approx(0.8)
    assert figures["accuracy_minus_baseline"] == pytest.approx(figures["accuracy"] - 0.8)
    assert figures["baseline_classical_accuracy"] == pytest.approx(2 / 3)
    classical = (y + (np.arange(30) % 3 == 0)) % 3
    assert figures["baseline_classical_macro_f1"] == pytest.approx(f1_score(y, classical, average="macro"))
    assert figures["accuracy_minus_baseline_classical"] == pytest.approx(figures["accuracy"] - 2 / 3)
    assert (figures["n_recordings"], figures["n_groups"]) == (30, 15)


def test_window_accuracy_counts_windows(found):
    table, _, _, figures = found
    answer = table[[f"p_{c}" for c in CLASSES]].to_numpy().argmax(1)
    assert figures["window_accuracy"] == pytest.approx(np.mean(answer == table.label.map(CLASSES.index)))
    assert figures["n_windows"] == len(table)


def test_majority_vote_by_a_loop(found):
    table, _, _, figures = found
    right = []
    for _, rows in table.groupby("recording"):
        p = rows[[f"p_{c}" for c in CLASSES]].to_numpy()
        votes = np.bincount(p.argmax(1), minlength=3)
        best = max(range(3), key=lambda c: (votes[c], p.mean(0)[c]))
        right.append(CLASSES[best] == rows.label.iloc[0])
    assert figures["majority_vote_accuracy"] == pytest.approx(np.mean(right))


def test_intervals_hold_the_figure_and_resample_whole_groups(found):
    table, songs, base, figures = found
    for name in (k for k in figures if f"{k}_ci95" in figures):
        low, high = figures[f"{name}_ci95"]
        assert low <= high
        assert low <= figures[name] + 1e-9 or name == "ece"
        assert high >= figures[name] - 1e-9
    # Groups that are all right or all wrong together spread a score more than single recordings would.
    whole = table.assign(group=songs.set_index("recording").loc[table.recording, "label"].to_numpy())
    wide = metrics.figures(whole, base, CLASSES, EvaluateSettings(400, 1))
    assert np.ptp(wide["accuracy_ci95"]) != np.ptp(figures["accuracy_ci95"])
    assert wide["n_groups"] == 3


def test_perfect_answers_score_one_of_which_six_groups_are_not_sure():
    table = predictions(12)
    for i, c in enumerate(CLASSES):
        table[f"p_{c}"] = table[f"recording_p_{c}"] = (table.label == CLASSES[i]).astype(float)
    base = {"baseline": table[table["window"] == 0].label.map(CLASSES.index).to_numpy()}
    figures = metrics.figures(table, base, CLASSES, EvaluateSettings(100, 1))
    for name in ("accuracy", "window_accuracy", "majority_vote_accuracy", "baseline_accuracy"):
        low, high = figures[f"{name}_ci95"]
        assert (figures[name], high) == (1.0, pytest.approx(1))
        assert low < 0.7  # six of six: Clopper and Pearson say .54
    low, high = figures["accuracy_minus_baseline_ci95"]
    assert -0.8 < low < 0 < high < 0.8
    assert figures["ece"] == 0
