"""params.yaml -> typed settings. The only reader of that file; unknown keys are errors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from earmark.data.settings import DataSettings, DemoSettings
from earmark.errors import EarmarkError, nearest
from earmark.tasks import catalog, overrides
from earmark.training import tagged

if TYPE_CHECKING:
    from pydantic import ValidationError

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


def roots(path: Path) -> dict[str, str]:
    """The audio folders by task, as far as params.yaml names them; a task's own stages say what is wrong there."""
    match read(path):
        case {"tasks": dict() as tasks}:
            return {str(name): root for name, task in tasks.items() if (root := _root(task)) is not None}
    return {}


def _root(task: Any) -> str | None:
    match task:
        case {"data": {"root": str() as root}}:
            return root
    return None


def _read_with(path: Path, said: Iterable[str]) -> Any:
    raw = read(path)
    if isinstance(raw, dict):  # parse says what is wrong otherwise
        overrides.put_all(raw, dict(assignment(o) for o in said))
    return raw


def read(path: Path) -> Any:
    """params.yaml as plain nested dicts, not yet checked."""
    import yaml

    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EarmarkError(
            f"{path} is missing; run earmark in the project's folder, or start a project with `earmark init FOLDER`."
        ) from None
    except yaml.YAMLError as e:
        raise EarmarkError(f"{path} is not valid YAML: {_one_line(e)}") from None
    except UnicodeDecodeError:
        raise EarmarkError(f"{path} is not UTF-8 text; save it as UTF-8.") from None


def assignment(override: str) -> tuple[str, Any]:
    """Dotted key and YAML value of 'dotted.key=value'."""
    import yaml

    dotted, eq, value = override.partition("=")
    if not eq:
        raise EarmarkError(f"'{override}' must read key=value, as in tasks.genre.train.lr=0.001.")
    try:
        return dotted, yaml.safe_load(value)
    except yaml.YAMLError as e:
        raise EarmarkError(f"The value of '{override}' is not valid YAML: {_one_line(e)}") from None


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
    from pydantic import TypeAdapter, ValidationError  # a quarter of a second, which `earmark --help` has no use for

    checked = _checked(cls, raw, where, origin)
    try:
        return TypeAdapter(cls).validate_python(checked)
    except ValidationError as e:
        raise EarmarkError(f"{origin}: {_sentence(e, where)}") from None


def _checked(kind: Any, raw: Any, where: str, origin: str) -> Any:
    """Plain nested dicts with no unknown key, and the blocks of unions made into settings of their kind."""
    if of := tagged.branches(kind):
        return _of_union(kind, of, raw, where, origin)
    if isinstance(raw, float) and not math.isfinite(raw):
        raise EarmarkError(f"{origin}: {where} must be a finite number (it is {raw}).")
    if isinstance(raw, list):
        return [_checked(None, one, where, origin) for one in raw]
    if not is_dataclass(kind):
        return raw
    if not isinstance(raw, dict):
        raise EarmarkError(f"{origin}: {where or 'the file'} must hold keys and values, not {raw!r}.")
    _refuse_former(kind, raw, where, origin)
    known = tagged.types(kind)
    for key in raw:
        if key not in known:
            raise EarmarkError(f"{origin}: unknown key '{_dotted(where, key)}'; {nearest(str(key), known)}")
    return {key: _checked(known[key], value, _dotted(where, key), origin) for key, value in raw.items()}


def _of_union(kind: Any, of: dict[str, type], raw: Any, where: str, origin: str) -> Any:
    """The settings of a block by its name."""
    if isinstance(raw, str):
        raise EarmarkError(
            f"{origin}: {where} is a block of keys; write {where}: {{name: {raw}}}, or set {where}.name."
        )
    if not isinstance(raw, dict):
        raise EarmarkError(f"{origin}: {where} must hold keys and values, not {raw!r}.")
    if "name" not in raw:
        raise EarmarkError(f"{origin}: the key '{where}.name' is missing; add it: {', '.join(of)}.")
    name = str(raw["name"])
    if name not in of:
        raise EarmarkError(f"{origin}: {where}.name is '{name}'; {nearest(name, of)}")
    for key in raw:
        if key not in tagged.types(of[name]) and (others := tagged.having(kind, key)):
            raise EarmarkError(
                f"{origin}: {where}: {overrides.belongs(key, others, name)}; remove the key, or change the name."
            )
    return typed(of[name], raw, origin, where)


def _refuse_former(kind: Any, raw: dict[str, Any], where: str, origin: str) -> None:
    """Raise EarmarkError for a key or a value of before, with its name of today."""
    for old in tagged.former(kind):
        node: Any = raw
        for part in old.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        if node is not None:
            sentence = f"{_dotted(where, old)} is now {_dotted(where, overrides.new_key(kind, old))}"
            raise EarmarkError(f"{origin}: {sentence}; move it there, or remove it.")
    for key, (was, now) in tagged.renamed_values(kind, raw).items():
        raise EarmarkError(f"{origin}: {_dotted(where, key)} '{was}' is now '{now}'; write that.")


def _dotted(where: str, key: Any) -> str:
    return f"{where}.{key}".lstrip(".")


def _sentence(error: "ValidationError", where: str) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in ((where,) if where else ()) + first["loc"])
    if first["type"] == "missing":
        return f"the key '{key}' is missing; add it."
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":  # raised by the settings themselves, which name the key
        return f"in {key}, {message}."
    return f"{key}: {message[0].lower()}{message[1:]} (it is {first['input']!r})."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
