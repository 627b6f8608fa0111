"""`earmark params`: every key of params.yaml with its meaning, type, default, and value here."""

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer

from earmark import config
from earmark.cli import meanings
from earmark.cli.arguments import PARAMS
from earmark.data.settings import DemoSettings
from earmark.errors import EarmarkError
from earmark.tasks import catalog
from earmark.training import tagged

WIDTH = 100
ABSENT = object()  # no value: outside of a project, or of a name that params.yaml does not have


@dataclass(frozen=True)
class ParamEntry:
    """A key, or a kind of a block. key: as -S takes it, with its task; kind: the name it belongs to, '' for all.

    facts: its type, value and default, for people.
    """

    key: str
    kind: str
    facts: list[str]
    meaning: str

    def lines(self) -> list[str]:
        """The entry as text."""
        head = f"{self.key} ({self.kind})" if self.kind else self.key
        said = [line for part in self.meaning.split("\n") for line in textwrap.wrap(part, WIDTH)]
        return [": ".join([head, *(["; ".join(self.facts)] if self.facts else [])]), *(f"    {line}" for line in said)]


def params(
    key: Annotated[
        str | None,
        typer.Argument(
            help=(
                "A key or a block, such as genre.train.schedule, train (that block of every task), or lr; everything "
                "by default."
            )
        ),
    ] = None,
) -> None:
    """Explain the keys of params.yaml: their meaning, their possible values, and their values in this project."""
    for entry in select(entries(), key):
        print("\n".join(entry.lines()))


def select(found: list[ParamEntry], key: str | None) -> list[ParamEntry]:
    """The entries of a key and of all below it; a name may stand in its block, as in genre.train.schedule.step.

    Where there are none, the entries whose key ends in these names, as in lr.
    """
    asked = (key or "").removeprefix("tasks.").rstrip(".")
    if some := [e for e in found if not asked or any(_within(p, asked) for p in _paths(e))]:
        return some
    known = {path for e in found for path in _paths(e)}
    if some := [e for e in found if any(path.endswith(f".{asked}") for path in _paths(e))]:
        return some
    known |= {path.rpartition(".")[2] for path in known}
    near = difflib.get_close_matches(asked, sorted(known), n=1)
    meant = f"did you mean '{near[0]}'?" if near else "`earmark params` lists all of them."
    raise EarmarkError(f"params.yaml has no key '{key}'; {meant}")


def _paths(entry: ParamEntry) -> set[str]:
    """How an entry may be asked for: by its key, with its kind in the key or not, and without the task."""
    block, _, last = entry.key.rpartition(".")
    names = entry.kind.split(" | ") if entry.kind else []
    of_kinds = {f"{block}.{name}" if last == "name" else f"{block}.{name}.{last}" for name in names}
    whole = {entry.key} | of_kinds
    return whole | {path.partition(".")[2] for path in whole if "." in path}


def _within(path: str, asked: str) -> bool:
    return path == asked or path.startswith(f"{asked}.")


def entries() -> list[ParamEntry]:
    """All keys, in the order of params.yaml."""
    raw = config.read(PARAMS) if PARAMS.exists() else {}
    tasks = _value(raw, "tasks")
    found = [*_block("demo", DemoSettings, _value(raw, "demo"))]
    for name in catalog.names():
        found += _block(name, catalog.task(name).settings, _value(tasks, name))
    return found


def _block(key: str, kind: type, value: Any, meaning: str = "") -> Iterator[ParamEntry]:
    yield ParamEntry(key, "", [], meaning or meanings.class_meaning(kind))
    yield from _fields(key, kind, value, "")


def _fields(key: str, kind: type, value: Any, of: str) -> Iterator[ParamEntry]:
    for f in fields(kind):
        dotted = f"{key}.{f.name}"
        inner = _value(value, f.name)
        said = meanings.field_meaning(kind, f.name)
        if tagged.branches(f.type):
            yield from _union(dotted, f.type, inner, said)
        elif is_dataclass(f.type):
            yield from _block(dotted, f.type, inner, said)  # type: ignore[arg-type]
        elif not (of and f.name == "name"):
            default = [] if f.default is MISSING else [f"by default {_yaml(f.default)}"]
            here = [] if inner is ABSENT else [f"here {_yaml(inner)}"]
            yield ParamEntry(dotted, of, [_type(f.type), *here, *default], said)


def _union(key: str, union: Any, value: Any, meaning: str) -> Iterator[ParamEntry]:
    of, here = tagged.branches(union), _value(value, "name")
    yield ParamEntry(key, "", [" | ".join(of), *([] if here is ABSENT else [f"here {_yaml(here)}"])], meaning)
    for kind in dict.fromkeys(of.values()):
        names = [name for name, one in of.items() if one is kind]
        yield ParamEntry(f"{key}.name", " | ".join(names), [], meanings.class_meaning(kind))
        yield from _fields(key, kind, value if here in names else ABSENT, " | ".join(names))


def _value(raw: Any, key: str) -> Any:
    return raw.get(key, ABSENT) if isinstance(raw, dict) else ABSENT


def _yaml(value: Any) -> str:
    import yaml

    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=WIDTH).removesuffix("...\n").strip()


def _type(kind: Any) -> str:
    """A type in words."""
    words = {int: "whole number", float: "number", str: "text", bool: "true | false", NoneType: "null"}
    if get_origin(kind) is Literal:
        return " | ".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) in (Union, UnionType):  # with a Literal it is typing's
        return " | ".join(map(_type, get_args(kind)))
    if get_origin(kind) is tuple:
        some = get_args(kind)
        return f"list of {_type(some[0])}s" if some[-1] is Ellipsis else f"list of {len(some)} {_type(some[0])}s"
    if get_origin(kind) is dict:
        return "{%s: %s, ...}" % tuple(map(_type, get_args(kind)))  # noqa: UP031 (braces)
    return words[kind]
