"""Baselines that a network has to beat: scikit-learn's classifiers on features that nobody learnt.

`baseline` is a logistic regression on MFCC statistics, the usual yardstick. `baseline_classical` is as strong as it can
be made without a network: many features by librosa (`earmark.features.classical`), and whichever of several classifiers
is best in inner folds by group. Both learn from the training and the validation recordings; the test split is never
looked at.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from earmark.errors import EarmarkError
from earmark.tasks.genre.dataset import GenreDataset

STATISTICS, CLASSICAL = "statistics.npy", "classical.npy"  # beside the feature store, a row a recording
INNER_FOLDS = 5
MOST = 4000  # recordings that the classical one learns from: an SVM's time grows with their square
# By what people read; each makes a classifier from a seed. Of equally good ones the first is taken.
CANDIDATES: dict[str, Callable[[int], Any]] = {
    **{
        f"logistic regression, C = {c:g}": lambda seed, c=c: make_pipeline(
            StandardScaler(), LogisticRegression(C=c, max_iter=5000)
        )
        for c in (0.01, 0.1, 1.0)
    },
    **{f"RBF SVM, C = {c:g}": lambda seed, c=c: make_pipeline(StandardScaler(), SVC(C=c)) for c in (1.0, 10.0)},
    "300 extra trees": lambda seed: ExtraTreesClassifier(300, random_state=seed),
}


class Choice(NamedTuple):
    """A candidate, and the share of right answers of each in the inner folds; none where nothing could be compared."""

    name: str
    scores: dict[str, float]


class BaselineAnswers(NamedTuple):
    """What baselines say of the same recordings: classes (n,) by the name of their figures, and what was chosen."""

    answers: Mapping[str, np.ndarray]
    choice: Choice

    def said(self) -> dict[str, Any]:
        """The choice, as metrics.json has it."""
        return {"baseline_classical_chosen": self.choice.name}


def baseline_answers(dataset: GenreDataset, features: Path, seed: int) -> BaselineAnswers:
    """What the baselines say of a dataset's test split. features: the folder with their features, of all recordings."""
    test, fit = dataset.rows("test"), np.sort(np.concatenate([dataset.rows("train"), dataset.rows("val")]))
    mfcc = regression(dataset, _stored(features / STATISTICS), fit, test).argmax(1)
    labels, group = dataset.windows.labels, dataset.table.group.to_numpy()
    answer, choice = classical(_stored(features / CLASSICAL), labels, group, fit, test, seed)
    return BaselineAnswers({"baseline": mfcc, "baseline_classical": answer}, choice)


def regression(dataset: GenreDataset, statistics: np.ndarray, fit: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Probabilities (rows, classes) of a logistic regression on MFCC statistics, fitted on the recordings `fit`.

    statistics: (recordings, 60). It is given validation recordings too, having nothing to choose on them.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    model.fit(statistics[fit], dataset.windows.labels[fit])
    probabilities = np.zeros((len(rows), len(dataset.classes)))
    probabilities[:, model.classes_] = model.predict_proba(statistics[rows])
    return probabilities


def classical(
    x: np.ndarray, y: np.ndarray, group: np.ndarray, fit: np.ndarray, rows: np.ndarray, seed: int
) -> tuple[np.ndarray, Choice]:
    """Classes (rows,) that the candidate says which is best on the recordings `fit`, and which that is.

    x: (recordings, features), y, group: (recordings,) of all recordings; fit, rows: positions of some.
    """
    few = some(fit, seed)
    choice = choose(x[few], y[few], group[few], seed)
    return CANDIDATES[choice.name](seed).fit(x[few], y[few]).predict(x[rows]), choice


def choose(x: np.ndarray, y: np.ndarray, group: np.ndarray, seed: int) -> Choice:
    """The candidate that is right most often in inner folds by group; x: (n, features), y, group: (n,).

    There are as many folds as the class of the fewest groups has groups, five at most; with less than two the first
    candidate is taken.
    """
    k = min(INNER_FOLDS, *(len(np.unique(group[y == c])) for c in np.unique(y)))
    if k < 2:
        return Choice(next(iter(CANDIDATES)), {})
    folds = list(StratifiedGroupKFold(k, shuffle=True, random_state=seed).split(x, y, group))
    scores = {name: _inner(make, x, y, folds, seed) for name, make in CANDIDATES.items()}
    return Choice(max(scores, key=scores.__getitem__), scores)


def _inner(make: Callable[[int], Any], x: np.ndarray, y: np.ndarray, folds: list, seed: int) -> float:
    """Share of right answers to what each inner fold holds out."""
    right = [make(seed).fit(x[learnt], y[learnt]).predict(x[held]) == y[held] for learnt, held in folds]
    return float(np.concatenate(right).mean())


def some(rows: np.ndarray, seed: int) -> np.ndarray:
    """The rows, or a random MOST of them, ascending."""
    if len(rows) <= MOST:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))


def _stored(path: Path) -> np.ndarray:
    if not path.exists():
        raise EarmarkError(f"There is no {path}; run `dvc repro` to extract the features again.")
    return np.load(path, allow_pickle=False)
