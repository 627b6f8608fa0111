"""What a task tells the rest of earmark: facts, and the rooms of its folder, each a module with one job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from earmark.tasks import rooms


@dataclass(frozen=True)
class Task:
    """What is true of a task; `earmark.tasks.<name>.task` holds it as TASK.

    name: the folder below `earmark.tasks`, and the key below `tasks` in params.yaml.
    settings: the dataclass of its block there, with data, features, model, train and evaluate.
    answers: columns of what a registered model answers and their MLflow types; one row a recording.
    headline: the figure that decides a promotion; lower_is_better: whether it counts errors.
    compared: figures that `earmark score` holds against the model's own test set's, those that the task has.
    card_figures: whose figures a released bundle's card states, for people.
    baselines: figures of an evaluation that baselines reached where the model has its headline, with what each one is,
        for people; empty where none is measured.
    study_figures: figures of a study of folds, the headline first; empty where the task has no such study.
    release: whether `earmark release` hands on the champion as it is, or trains the recipe anew on every recording.
    leak_figures: those of which `--leak-gap` shows how much a random split adds.
    """

    name: str
    settings: type
    answers: Mapping[str, str]
    headline: str
    compared: tuple[str, ...]
    card_figures: str
    baselines: Mapping[str, str] = field(default_factory=dict)
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

    def outdone(self, found: Mapping[str, Any], who: str = "the model") -> str | None:
        """A sentence where a baseline is better than the model by the figures of one evaluation; None where none is."""
        best: str | None = None
        for name in self.baselines:
            if name in found and self.better(found[name], found[best or self.headline]):
                best = name
        if best is None:
            return None
        theirs, ours = found[best], found[self.headline]
        better = f"{self.baselines[best]} has {self.headline} {theirs:.3f}, against {ours:.3f}"
        return f"A baseline is better than {who}: {better}{self._by_chance(best, found)}."

    def difference_from(self, baseline: str) -> str:
        """The name of the paired difference of the headline figure from that of a baseline."""
        return f"{self.headline}_minus_{baseline.removesuffix(f'_{self.headline}')}"

    def _by_chance(self, baseline: str, found: Mapping[str, Any]) -> str:
        """Whether the paired difference from a baseline may be chance, where its interval is known."""
        name = self.difference_from(baseline)
        if f"{name}_ci95" not in found:
            return ""
        low, high = found[f"{name}_ci95"]
        chance = "which may be chance" if low <= 0 <= high else "which is more than chance"
        return f", {chance} (paired difference {found[name]:+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}])"

    @overload
    def room(self, name: Literal["corpora"]) -> "rooms.CorporaRoom": ...
    @overload
    def room(self, name: Literal["features"]) -> "rooms.FeaturesRoom": ...
    @overload
    def room(self, name: Literal["dataset"]) -> "rooms.DatasetRoom": ...
    @overload
    def room(self, name: Literal["train"]) -> "rooms.TrainRoom": ...
    @overload
    def room(self, name: Literal["predictions"]) -> "rooms.PredictionsRoom": ...
    @overload
    def room(self, name: Literal["evaluate"]) -> "rooms.EvaluateRoom": ...
    @overload
    def room(self, name: Literal["folds"]) -> "rooms.FoldsRoom": ...
    @overload
    def room(self, name: Literal["score"]) -> "rooms.ScoreRoom": ...
    @overload
    def room(self, name: Literal["commands"]) -> "rooms.CommandsRoom": ...
    @overload
    def room(self, name: Literal["outcomes", "release", "card"]) -> Any: ...
    def room(self, name: str) -> Any:
        """A module of the task's folder by its name."""
        return import_module(f"earmark.tasks.{self.name}.{name}")
