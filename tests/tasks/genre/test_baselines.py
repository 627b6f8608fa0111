"""Baselines that are chosen inside of what may be learnt from, and never see the test split."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from earmark.errors import EarmarkError
from earmark.tasks.genre import baselines, report


def rings(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points inside of a ring or on it, which no line parts; two of each group."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) // 2 % 2
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = 1 + 2 * y + rng.normal(0, 0.2, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), y, np.arange(n) // 2


def leaking(n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups of three that are known by a coordinate of their own; their labels follow from nothing."""
    group = np.arange(n) // 3
    y = np.random.default_rng(0).permutation(np.arange(n // 3) % 2)[group]
    return np.eye(n // 3)[group] + np.random.default_rng(1).normal(0, 0.05, (n, n // 3)), y, group


def test_what_no_line_parts_is_not_given_to_a_regression():
    x, y, group = rings()
    found = baselines.choose(x, y, group, seed=1)
    assert found.name in ("RBF SVM, C = 1", "RBF SVM, C = 10", "300 extra trees")
    assert found.scores[found.name] == max(found.scores.values()) > 0.95
    assert found.scores["logistic regression, C = 1"] < 0.7
    assert list(found.scores) == list(baselines.CANDIDATES)


def test_inner_folds_keep_groups_together():
    found = baselines.choose(*leaking(), seed=1)
    assert max(found.scores.values()) < 0.7  # of groups that were seen, all would be right


def test_of_equally_good_ones_the_first_is_taken():
    y = np.arange(40) // 2 % 2
    found = baselines.choose(10.0 * y[:, None] + np.zeros((40, 3)), y, np.arange(40) // 2, seed=1)
    assert set(found.scores.values()) == {1.0}
    assert found.name == "logistic regression, C = 0.01"


def test_a_class_of_one_group_leaves_nothing_to_choose():
    x, y, group = rings(12)
    found = baselines.choose(x, y, np.where(y == 0, 0, group), seed=1)
    assert found == ("logistic regression, C = 0.01", {})
    both = baselines.choose(x, y, np.where(y == 0, group % 4, group), seed=1)  # two groups: two folds
    assert len(both.scores) == 6


def test_the_choice_never_sees_the_test_split():
    x, y, group = rings()
    fit, test = np.arange(80), np.arange(80, 120)
    answer, choice = baselines.classical(x, y, group, fit, test, seed=1)
    assert (answer == y[test]).mean() > 0.95
    turned = np.where(np.arange(120) >= 80, 1 - y, y)
    again, same = baselines.classical(x, turned, group, fit, test, seed=1)
    assert same == choice
    np.testing.assert_array_equal(again, answer)


def test_of_many_recordings_some_are_drawn(monkeypatch):
    rows = np.arange(10, 30)
    np.testing.assert_array_equal(baselines.some(rows, 1), rows)
    monkeypatch.setattr(baselines, "MOST", 8)
    drawn = baselines.some(rows, 1)
    assert len(set(drawn)) == 8
    assert set(drawn) < set(rows)
    assert (np.diff(drawn) > 0).all()
    np.testing.assert_array_equal(baselines.some(rows, 1), drawn)


def dataset() -> SimpleNamespace:
    """What the baselines read of a dataset: three classes, and a split that is not in order."""
    labels = np.arange(60) // 2 % 3
    table = pd.DataFrame({"group": np.arange(60) // 2, "split": ["train", "test", "val", "train", "train"] * 12})
    rows = lambda split: np.flatnonzero(table["split"] == split)  # noqa: E731
    return SimpleNamespace(table=table, classes=["a", "b", "c"], windows=SimpleNamespace(labels=labels), rows=rows)


def test_both_baselines_learn_from_training_and_validation(tmp_path):
    of = dataset()
    rng, y = np.random.default_rng(0), of.windows.labels
    statistics = np.eye(3)[y].repeat(20, 1) + rng.normal(0, 2.0, (60, 60))
    np.save(tmp_path / "statistics.npy", statistics)
    with pytest.raises(EarmarkError, match=r"no .*classical.npy; run `dvc repro` to extract the features again"):
        baselines.baseline_answers(of, tmp_path, 1)
    np.save(tmp_path / "classical.npy", np.eye(3)[y] + rng.normal(0, 0.1, (60, 3)))
    found = baselines.baseline_answers(of, tmp_path, 1)
    known, test = of.table["split"] != "test", of.table["split"] == "test"
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(statistics[known], y[known])
    np.testing.assert_array_equal(found.answers["baseline"], model.predict(statistics[test]))
    assert 0 < (found.answers["baseline"] == y[test]).mean() < 1
    np.testing.assert_array_equal(found.answers["baseline_classical"], y[test])
    assert found.said() == {"baseline_classical_chosen": "logistic regression, C = 0.01"}

    report.choice(tmp_path / "choice.csv", found.choice)
    written = pd.read_csv(tmp_path / "choice.csv")
    assert written.classifier[written.chosen].tolist() == ["logistic regression, C = 0.01"]
    assert len(written) == 6
    assert (written.inner_accuracy[0], written.columns.tolist()) == (1.0, ["classifier", "inner_accuracy", "chosen"])
