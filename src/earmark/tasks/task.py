"""What a task tells the rest of earmark: facts, and the rooms of its folder, each a module with one job."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Literal


@dataclass(frozen=True)
class Task:
    """What is true of a task; `earmark.tasks.<name>.task` holds it as TASK.

    name: the folder below `earmark.tasks`, and the key below `tasks` in params.yaml.
    settings: the dataclass of its block there, with data, features, model, train and evaluate.
    answers: columns of what a registered model answers and their MLflow types; one row a recording.
    headline: the figure that decides a promotion; lower_is_better: whether it counts errors.
    compared: figures that `earmark score` holds against the real test set's, those that the task has.
    card_figures: whose figures a released bundle's card states, for people.
    study_figures: figures of a study of folds, each a quotient of sums over recordings, the headline first; empty where
        the task has no such study. release: whether `earmark release` hands on the champion as it is, or trains the
        recipe anew on every recording. leak_figures: those of which `--leak-gap` shows how much a random split adds.
    """

    name: str
    settings: type
    answers: Mapping[str, str]
    headline: str
    compared: tuple[str, ...]
    card_figures: str
    lower_is_better: bool = False
    study_figures: tuple[str, ...] = ()
    leak_figures: tuple[str, ...] = ()
    release: Literal["champion", "recipe"] = "champion"

    @property
    def registered_model(self) -> str:
        """The name of its registered model."""
        return f"earmark-{self.name}"

    def better(self, one: float, other: float) -> bool:
        """Whether a headline figure is better than another."""
        return one < other if self.lower_is_better else one > other

    def room(self, name: "Room") -> ModuleType:
        """A module of the task's folder by name; `earmark.tasks.rooms` says what each has."""
        return import_module(f"earmark.tasks.{self.name}.{name}")


Room = Literal[
    "corpora", "features", "dataset", "train", "predictions", "evaluate", "folds", "score", "release", "commands"
]
