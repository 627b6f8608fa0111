"""params.yaml -> typed settings. The only reader of that file; unknown keys are errors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from earmark.data.settings import DataSettings, DemoSettings
from earmark.errors import EarmarkError, nearest
from earmark.tasks import catalog

T = TypeVar("T")


class Settings(Protocol):
    """A task's block of params.yaml, in the order of its stages; each task has classes of its own for them."""

    @property
    def data(self) -> DataSettings: ...
    @property
    def features(self) -> Any: ...
    @property
    def model(self) -> Any: ...
    @property
    def train(self) -> Any: ...
    @property
    def evaluate(self) -> Any: ...


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml: the settings of the demo data and of every task, by its name."""

    demo: DemoSettings
    tasks: dict[str, Settings]


BLOCKS = tuple(f.name for f in fields(Params))


def load(path: Path, overrides: Iterable[str] = ()) -> Params:
    """Read and check params.yaml; `overrides` are 'dotted.key=value' with YAML values.

    Raises EarmarkError: one sentence naming the key and the remedy.
    """
    return parse(_read_with(path, overrides), str(path))


def load_task(path: Path, task: str, overrides: Iterable[str] = ()) -> Settings:
    """The settings of one task; those of others are not looked at, nor is their code imported."""
    return parse_task(_read_with(path, overrides), task, str(path))


def load_demo(path: Path) -> DemoSettings:
    """The settings of the demo data alone."""
    return typed(DemoSettings, _block(read(path), "demo", str(path)), str(path), "demo")


def _read_with(path: Path, overrides: Iterable[str]) -> Any:
    raw = read(path)
    for override in overrides if isinstance(raw, dict) else ():  # parse says what is wrong otherwise
        put(raw, *assignment(override))
    return raw


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
    demo = typed(DemoSettings, _block(raw, "demo", origin), origin, "demo")
    tasks = _block(raw, "tasks", origin)
    if not isinstance(tasks, dict):
        raise EarmarkError(f"{origin}: tasks must hold keys and values, not {tasks!r}.")
    return Params(demo, {str(name): parse_task(raw, str(name), origin) for name in tasks})


def parse_task(raw: Any, task: str, origin: str = "params.yaml") -> Settings:
    """The typed settings of one task from those of the whole file."""
    tasks = _block(raw, "tasks", origin)
    for name in tasks if isinstance(tasks, dict) else ():
        if name not in catalog.names():
            raise EarmarkError(f"{origin}: unknown key 'tasks.{name}'; {nearest(str(name), catalog.names())}")
    kind = catalog.task(task).settings
    if not isinstance(tasks, dict) or task not in tasks:
        raise EarmarkError(f"{origin}: the key 'tasks.{task}' is missing; add it.")
    return typed(kind, tasks[task], origin, f"tasks.{task}")


def _block(raw: Any, name: str, origin: str) -> Any:
    """A block of the whole file, whose other keys are known, too."""
    if not isinstance(raw, dict):
        raise EarmarkError(f"{origin}: the file must hold keys and values, not {raw!r}.")
    for key in raw:
        if key not in BLOCKS:
            raise EarmarkError(f"{origin}: unknown key '{key}'; {nearest(str(key), BLOCKS)}")
    if name not in raw:
        raise EarmarkError(f"{origin}: the key '{name}' is missing; add it.")
    return raw[name]


def typed(cls: type[T], raw: Any, origin: str, where: str = "") -> T:
    """A dataclass of settings from plain nested dicts; EarmarkError names the key, below `where`, and the file."""
    _forbid_unknown(cls, raw, where, origin)
    try:
        return TypeAdapter(cls).validate_python(raw)
    except ValidationError as e:
        raise EarmarkError(f"{origin}: {_sentence(e, where)}") from None


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


def _sentence(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in ((where,) if where else ()) + first["loc"])
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
