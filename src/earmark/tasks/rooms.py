"""What each room of a task's folder has: the names and types that the rest of earmark relies on.

A room is a module, so functions stand here without `self` of their own. Settings and datasets are of the task's own
classes, and nobody else looks into them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from earmark.audio import Root, Source
from earmark.data.corpus import Corpora, Warn
from earmark.data.learnt import Learnt
from earmark.data.reading import Progress
from earmark.data.settings import DataSettings
from earmark.evaluation.fold import Fold
from earmark.evaluation.scored import ScoredFolder
from earmark.evaluation.settings import EvaluateSettings

# A dataset and a settings class are each task's own: no other room's code reads them.
Dataset = Any
Settings = Any


class CorporaRoom(Protocol):
    """How recordings are read, checked and annotated."""

    CORPORA: Corpora


class FeaturesRoom(Protocol):
    """The features stage.

    It may have `beside(table, root, settings, out, progress)` too, which writes below `out` what baselines read; it is
    called after `run`, and not where a model alone is judged.
    """

    def run(
        self, table: pd.DataFrame, root: Root, settings: Settings, out: Path, warn: Warn, progress: Progress
    ) -> None:
        """Write the feature store of a manifest, whose paths are below `root`, below `out`."""


class DatasetRoom(Protocol):
    """What a training reads."""

    def load(self, settings: Settings) -> Dataset:
        """What the stages before left in the working tree, by the settings of the whole task.

        The dataset has `table`, the manifest with its split.
        """


class TrainRoom(Protocol):
    """The train stage."""

    def hashes(self, dataset: Dataset, model: Settings, settings: Settings, /) -> dict[str, str]:
        """The train key and what it is made of (`training.key.hashes`)."""

    def run(
        self,
        dataset: Dataset,
        model: Settings,
        settings: Settings,
        out: Path,
        checkpoint: Path | None = None,
        on_start: Callable[..., None] | None = None,
        on_epoch: Callable[..., None] | None = None,
        /,
    ) -> Any:
        """Train, going on from the checkpoint where there is one, and write the model folder `out`."""


class PredictionsRoom(Protocol):
    """Answers for recordings that nobody has labelled."""

    def answering(self, folder: Path) -> Callable[[Source], Mapping[str, Any]]:
        """What the model of a folder says of one recording: the columns that the task's `answers` names."""


class EvaluateRoom(Protocol):
    """The evaluate stage."""

    def run(self, settings: Settings, root: Root, out: Path, warn: Warn) -> dict[str, Any]:
        """Judge the trained model on the test split and write the report below `out`; its figures.

        Files: metrics.json, predictions.parquet, outcomes.parquet, listening.html and the folder plots. The figures
        have the task's headline with `<name>_ci95`, n_recordings, test_manifest_sha256 and model_sha256.
        """

    def evaluate_model(
        self, model: Path, table: pd.DataFrame, features: Path, settings: EvaluateSettings
    ) -> tuple[dict[str, Any], pd.DataFrame]:
        """Figures of the model of a folder, trained on whichever recordings, as `run` finds them, without baselines.

        And its outcomes (`evaluation.outcomes`).

        table: rows of the prepared manifest. features: a folder with their store, made with the model's own settings.
        Raises EarmarkError where the recordings cannot be judged by themselves.
        """


class FoldsRoom(Protocol):
    """Cross-validations, and studies of folds where the task has figures for them.

    It may have `beside`, as the features room, for a folder that `extract` wrote; what is there already it leaves. And
    `Figure`, a class as `experiments.study.figure` describes it, where its figures are no quotients of sums.
    """

    @property
    def SAID(self) -> Mapping[str, str]:  # noqa: N802
        """Figures of a fold that are said as it ends, with a word for each."""

    def check(self, table: pd.DataFrame, quarantined: pd.DataFrame, root: Path, data: DataSettings, warn: Warn) -> None:
        """Refuse folds that cannot be judged, and say what they lack."""

    def extract(
        self, table: pd.DataFrame, root: Root, settings: Settings, out: Path, warn: Warn, progress: Progress
    ) -> None:
        """The feature store of recordings that are in no split yet."""

    def gather(self, table: pd.DataFrame, features: Path, settings: Settings) -> Dataset:
        """The dataset of a manifest with a split and a folder that `extract` wrote; settings: of the whole task."""

    def hashes(self, dataset: Dataset, model: Settings, settings: Settings, /) -> dict[str, str]:
        """As of the train room."""

    def train_and_test(self, dataset: Dataset, name: str, features: Path, settings: Settings, /) -> Fold:
        """Train on the train split and judge the test split."""

    def figures(self, folds: list[Fold], settings: Settings) -> dict[str, Any]:
        """Figures over several folds, with their intervals."""

    def write(self, out: Path, predictions: pd.DataFrame, found: dict[str, Any], /) -> None:
        """predictions.parquet and metrics.json below `out`."""

    def pictures(self, out: Path, folds: list[Fold]) -> list[Path]:
        """Pictures and tables below `out`; their paths."""


class ScoreRoom(Protocol):
    """A labelled folder from elsewhere, judged."""

    def judge_folder(
        self, model: Path, root: Path, warn: Warn, progress: Progress, learnt: Learnt | None = None, /
    ) -> ScoredFolder:
        """What the model of a folder makes of the recordings below `root`, but those that `learnt` leaves out."""


class CommandsRoom(Protocol):
    """The task's part of the command line."""

    predict: Callable[..., None]
