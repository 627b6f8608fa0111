"""A figure of a cell's answers, by itself and under random weights of groups.

`ShareFigure` is a quotient of sums over recordings. A task whose figure is none has a class of its own with the same
methods.
"""

from typing import Protocol, Self

import numpy as np
import pandas as pd

from earmark.evaluation import paired
from earmark.evaluation.settings import EvaluateSettings


class StudyFigure(Protocol):
    """What a table and its effects ask of a figure. groups: names of those that are weighted, ascending."""

    groups: np.ndarray
    recordings: pd.Index

    @staticmethod
    def names(answers: pd.DataFrame) -> list[str]:
        """The figures that answers hold, the headline first."""

    @classmethod
    def read(cls, answers: pd.DataFrame, name: str) -> Self:
        """A figure of answers, of all folds and seeds together."""

    @property
    def value(self) -> float:
        """The figure."""

    def interval(self, settings: EvaluateSettings) -> list[float]:
        """95 % interval [low, high]."""

    def common(self, other: Self) -> tuple[Self, Self]:
        """Both, of the recordings that both have."""

    def under(self, shares: np.ndarray, end: int) -> np.ndarray:
        """The figure (draws,) at its lower (0) or upper (1) end.

        shares: (draws, 1 + groups), the first of a group that nobody has seen, which brings the figure to that end.
        """


class GroupDraws:
    """Random weights of groups, as in `evaluation.paired`, made once for each set of groups."""

    def __init__(self, settings: EvaluateSettings):
        self.settings, self.made = settings, {}

    def of(self, names: np.ndarray) -> np.ndarray:
        """Weights (draws, 1 + groups) of groups by their names, the first of a group that nobody has seen."""
        key = tuple(names)
        if key not in self.made:
            rng = np.random.default_rng(self.settings.seed)
            self.made[key] = rng.standard_exponential((self.settings.bootstrap, len(names) + 1))
        return self.made[key]


class ShareFigure:
    """The sum of what is right over the sum of what counts.

    songs: by recording right, of and group.
    """

    def __init__(self, songs: pd.DataFrame):
        self.songs, self.recordings = songs, songs.index
        self.groups, self.place = np.unique(songs.group.to_numpy(), return_inverse=True)
        self.right, self.of = songs.right.to_numpy(), songs.of.to_numpy()

    @property
    def whole(self) -> bool:
        """Whether every recording is right or wrong as a whole, as one that has a class is."""
        return bool(((self.right == 0) | (self.right == self.of)).all())

    @staticmethod
    def names(answers: pd.DataFrame) -> list[str]:
        """The figures that answers hold."""
        return [c.removeprefix("right_") for c in answers if c.startswith("right_")]

    @classmethod
    def read(cls, answers: pd.DataFrame, name: str) -> Self:
        """Of answers with right_<name> and of_<name>, means over a recording's trainings."""
        by = answers.groupby("recording")
        return cls(by.agg(right=(f"right_{name}", "mean"), of=(f"of_{name}", "mean"), group=("group", "first")))

    @property
    def value(self) -> float:
        """The figure; NaN where nothing counts."""
        return float(quotient(self.right.sum(), self.of.sum()))

    def interval(self, settings: EvaluateSettings) -> list[float]:
        """95 % interval [low, high]; NaN where nothing counts."""
        if not self.of.sum() > 0:
            return [np.nan, np.nan]
        group = self.songs.group.to_numpy()
        return paired.share_interval(self.right, self.of, group, draws=settings.bootstrap, seed=settings.seed)

    def common(self, other: "ShareFigure") -> tuple["ShareFigure", "ShareFigure"]:
        """Both, of the recordings that both have."""
        both = self.recordings.intersection(other.recordings)
        return ShareFigure(self.songs.loc[both]), ShareFigure(other.songs.loc[both])

    def under(self, shares: np.ndarray, end: int) -> np.ndarray:
        """The figure (draws,) at its lower (0) or upper (1) end.

        shares: (draws, 1 + groups), the first of the group that nobody has seen, in which all is right, or nothing.
        """
        sizes = np.bincount(self.place, self.of)
        weights, extra = shares[:, 1:][:, self.place], shares[:, 0] * quotient((sizes**2).sum(), sizes.sum())
        return quotient(weights @ self.right + end * extra, weights @ self.of + extra)


def quotient(right: np.ndarray, of: np.ndarray) -> np.ndarray:
    """right / of, NaN where nothing counts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of > 0, right / of, np.nan)
