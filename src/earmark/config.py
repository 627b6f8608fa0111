"""params.yaml -> typed settings. The only reader of that file; unknown keys are errors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from earmark.errors import EarmarkError, nearest
from earmark.settings.checks import require
from earmark.settings.chord import ChordFeatureSettings, ChordModelSettings, ChordTrainSettings
from earmark.settings.data import DataSettings, DemoSettings
from earmark.settings.evaluation import EvaluateSettings
from earmark.settings.features import FeatureSettings
from earmark.settings.speaker import (
    SpeakerEvaluateSettings,
    SpeakerFeatureSettings,
    SpeakerModelSettings,
    SpeakerTrainSettings,
)
from earmark.settings.training import ModelSettings, TrainSettings

T = TypeVar("T")


@dataclass(frozen=True)
class GenreSettings:
    """All settings of the genre (or sound class) task, in the order of its stages."""

    data: DataSettings
    features: FeatureSettings
    model: ModelSettings
    train: TrainSettings
    evaluate: EvaluateSettings

    def __post_init__(self) -> None:
        trained = self.model.pooling != "attention" or self.train.loss == "song"
        require(trained, "model.pooling", "'attention' is trained by the song loss alone; set train.loss to song")


@dataclass(frozen=True)
class ChordSettings:
    """All settings of the chord task, in the order of its stages."""

    data: DataSettings
    features: ChordFeatureSettings
    model: ChordModelSettings
    train: ChordTrainSettings
    evaluate: EvaluateSettings

    def __post_init__(self) -> None:
        channels = {"pitch_net": 1, "chordnet": 2}[self.model.name]
        fits = self.features.channels == channels
        require(fits, "features.channels", f"must be {channels} for model.name {self.model.name}")
        read = self.model.name == "chordnet" or self.features.bins_per_octave == 36
        require(read, "features.bins_per_octave", f"must be 36 for model.name {self.model.name}")
        ranged = self.features.normalize == "share" or not (self.train.tilt or self.train.floor)
        require(ranged, "train.tilt", "and train.floor must be 0 where features.normalize is deviation")


@dataclass(frozen=True)
class SpeakerSettings:
    """All settings of the speaker task, in the order of its stages."""

    data: DataSettings
    features: SpeakerFeatureSettings
    model: SpeakerModelSettings
    train: SpeakerTrainSettings
    evaluate: SpeakerEvaluateSettings

    def __post_init__(self) -> None:
        positive = self.model.name == "blstm" and self.model.read == "dense"
        fits = positive or self.train.loss != "pairs"
        alone = self.model.name != "blstm" or self.features.normalize != "both"
        require(alone, "features.normalize", "must be bands or level for model.name blstm")
        heard = not self.model.statistics or self.features.normalize != "bands"
        require(heard, "model.statistics", "must be 0 where features.normalize is bands, which takes their means away")
        require(fits, "train.loss", "pairs compares the word of blstm's dense layers; set model.name and model.read so")


Settings = GenreSettings | ChordSettings | SpeakerSettings


@dataclass(frozen=True)
class Tasks:
    """The tasks that params.yaml may hold."""

    genre: GenreSettings
    chord: ChordSettings
    speaker: SpeakerSettings


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml."""

    demo: DemoSettings
    tasks: Tasks


def load(path: Path, overrides: Iterable[str] = ()) -> Params:
    """Read and check params.yaml; `overrides` are 'dotted.key=value' with YAML values.

    Raises EarmarkError: one sentence naming the key and the remedy.
    """
    raw = read(path)
    for override in overrides if isinstance(raw, dict) else ():  # parse says what is wrong otherwise
        put(raw, *assignment(override))
    return parse(raw, str(path))


def read(path: Path) -> Any:
    """params.yaml as plain nested dicts, not yet checked."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EarmarkError(f"{path} is missing; run earmark in the project's folder.") from None
    except yaml.YAMLError as e:
        raise EarmarkError(f"{path} is not valid YAML: {_one_line(e)}") from None
    except UnicodeDecodeError:
        raise EarmarkError(f"{path} is not UTF-8 text; save it as UTF-8.") from None


def assignment(override: str) -> tuple[str, Any]:
    """Dotted key and YAML value of 'dotted.key=value'."""
    dotted, eq, value = override.partition("=")
    if not eq:
        raise EarmarkError(f"'{override}' must read key=value, as in tasks.genre.train.lr=0.001.")
    try:
        return dotted, yaml.safe_load(value)
    except yaml.YAMLError as e:
        raise EarmarkError(f"The value of '{override}' is not valid YAML: {_one_line(e)}") from None


def put(raw: Any, dotted: str, value: Any) -> None:
    """Set a key that exists in plain nested dicts."""
    *parents, last = dotted.split(".")
    node = raw
    for part in parents:
        node = _below(node, part, dotted)
    _below(node, last, dotted)
    node[last] = value


def parse(raw: Any, origin: str = "params.yaml") -> Params:
    """Typed settings from plain nested dicts."""
    return typed(Params, raw, origin)


def typed(cls: type[T], raw: Any, origin: str) -> T:
    """A dataclass of settings from plain nested dicts; EarmarkError names the key, and the file as `origin`."""
    _forbid_unknown(cls, raw, "", origin)
    try:
        return TypeAdapter(cls).validate_python(raw)
    except ValidationError as e:
        raise EarmarkError(f"{origin}: {_sentence(e)}") from None


def task_settings(params: Params, task: str) -> Settings:
    """The settings of one task by its name."""
    check_task(task)
    return getattr(params.tasks, task)


def check_task(task: str) -> None:
    """Raise EarmarkError unless earmark has a task of this name; needs no params.yaml."""
    known = [f.name for f in fields(Tasks)]
    if task not in known:
        raise EarmarkError(f"There is no task '{task}'; {nearest(task, known)}")


def _forbid_unknown(cls: type, raw: Any, where: str, origin: str) -> None:
    if not isinstance(raw, dict):
        raise EarmarkError(f"{origin}: {where or 'the file'} must hold keys and values, not {raw!r}.")
    known = {f.name: f.type for f in fields(cls)}
    for key, value in raw.items():
        dotted = f"{where}.{key}".lstrip(".")
        if key not in known:
            raise EarmarkError(f"{origin}: unknown key '{dotted}'; {nearest(str(key), known)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise EarmarkError(f"{origin}: {dotted} must be a finite number (it is {value}).")
        if is_dataclass(known[key]):
            _forbid_unknown(known[key], value, dotted, origin)


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"the key '{key}' is missing; add it."
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":  # raised by the settings themselves, which name the key
        return f"in {key}, {message}."
    return f"{key}: {message[0].lower()}{message[1:]} (it is {first['input']!r})."


def _below(node: Any, key: str, dotted: str) -> Any:
    known = [str(k) for k in node] if isinstance(node, dict) else []
    if key not in known:
        raise EarmarkError(
            f"There is no key '{dotted}' to override; {nearest(key, known) if known else 'it ends earlier.'}"
        )
    return node[key]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
