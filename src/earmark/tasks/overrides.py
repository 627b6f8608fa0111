"""Settings changed by dotted keys, as -S and studies give them, in plain nested dicts; and which keys there are."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from earmark.data.settings import DemoSettings
from earmark.errors import EarmarkError, nearest
from earmark.tasks import catalog
from earmark.training import tagged


def put_all(raw: Any, values: Mapping[str, Any]) -> None:
    """Set keys, dotted from the top of params.yaml, in plain nested dicts, whatever order they are given in."""
    for dotted in sorted(values, key=_outer_first):
        put(raw, dotted, values[dotted])


def _outer_first(dotted: str) -> tuple[int, bool]:
    """Whole blocks, then their names, then their keys: each decides what the next may be."""
    return dotted.removesuffix(".name").count("."), dotted.endswith(".name")


def below(task: str, dotted: str) -> str:
    """A key below tasks.TASK, which may be given from the top of params.yaml, as DVC's own -S wants it.

    Raises EarmarkError where it is another task's.
    """
    block, _, rest = dotted.partition(".")
    if block != "tasks":
        return dotted
    name, _, key = rest.partition(".")
    if name != task:
        raise EarmarkError(
            f"The key '{dotted}' does not belong to {task}, the task of this command; name a key of {task}."
        )
    return key


def over(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `more` says: a block that it sets whole leaves nothing of the base's keys within."""
    return {key: v for key, v in base.items() if not any(key.startswith(f"{block}.") for block in more)} | dict(more)


def put(raw: Any, dotted: str, value: Any) -> None:
    """Set one key, dotted from the top of params.yaml, in plain nested dicts. Raises EarmarkError where none exists."""
    block, _, rest = dotted.partition(".")
    where = f"key '{dotted}'"
    if block == "demo" and rest:
        put_in(_below(raw, "demo", where), DemoSettings, rest, value, where)
        return
    task, _, key = rest.partition(".")
    tasks = _below(raw, block, where)
    if block != "tasks" or task not in catalog.names() or not key:
        _below(tasks, task, where)
        raise EarmarkError(f"The {where} is a block and cannot be overridden; name one of the keys below it.")
    put_in(_below(tasks, task, where), catalog.task(task).settings, key, value, where)


def put_in(block: Any, kind: Any, dotted: str, value: Any, where: str) -> None:
    """Set a key below a block that the dataclass `kind` describes; `where`: how it is called in the sentence.

    Another name for a block that is one of several kinds drops the keys that belong to the former kind.
    """
    if now := new_key(kind, dotted):
        raise EarmarkError(f"There is no {where} to override: {dotted} is now {now}.")
    *parents, last = dotted.split(".")
    for part in parents:
        kind = _kind_of(block, kind, part, where)
        block = block.setdefault(part, {})
    _kind_of(block, kind, last, where)
    if last == "name" and (of := tagged.branches(kind)):
        kept = _kept(of.get(str(block.get("name"))), of.get(str(value)), block)
        block.clear()
        block.update(kept)
    block[last] = value


def _kept(old: Any, new: Any, block: dict[str, Any]) -> dict[str, Any]:
    """The keys of a block that stay when its name changes: those of both kinds that mean one thing.

    Two that share a name alone have different defaults, as the margins of two losses.
    """
    if old is None or new is None:
        return block
    before, after = ({f.name: f.default for f in fields(kind)} for kind in (old, new))
    return {key: v for key, v in block.items() if key in after and before.get(key) == after[key]}


def _kind_of(block: Any, kind: Any, key: str, where: str) -> Any:
    """The type of a key of a block. Raises EarmarkError where the block has none of this name."""
    if not isinstance(block, dict):
        raise EarmarkError(f"There is no {where} to override; its path goes on below the plain value {block!r}.")
    of = tagged.branches(kind)
    name = str(block.get("name")) if of else ""
    if of and key not in (known := tagged.types(of.get(name, next(iter(of.values()))))):
        if others := tagged.having(kind, key):
            raise EarmarkError(f"There is no {where} to override: {belongs(key, others, name)}.")
    elif not of:
        known = tagged.types(kind) if is_dataclass(kind) else {}
    if key not in known:
        raise EarmarkError(
            f"There is no {where} to override; "
            f"{nearest(key, known) if known else 'its path goes on below a plain value.'}"
        )
    return known[key]


def belongs(key: str, others: list[str], name: str) -> str:
    """That a key is of other names of a union than the one a block has."""
    return f"{key} is a key for name {' or '.join(others)}, but name is {name}"


def new_key(kind: Any, dotted: str) -> str | None:
    """What a key of before is called now, dotted below the dataclass `kind`; None for one that never was."""
    within, rest = "", dotted
    while is_dataclass(kind):
        for old, new in tagged.former(kind).items():
            if rest == old or rest.startswith(f"{old}."):
                at, *note = new.split(" ", 1)
                return " ".join([f"{within}{at}{rest[len(old) :]}", *(note or _of_names(kind, at))])
        part, _, rest = rest.partition(".")
        within, kind = f"{within}{part}.", tagged.types(kind).get(part)
    return None


def _of_names(kind: Any, dotted: str) -> list[str]:
    """Of which names a key of a union below a dataclass is; nothing where all have it."""
    union, _, key = dotted.partition(".")
    of = tagged.types(kind)[union]
    some = tagged.having(of, key)
    return [f"(of {union} {' or '.join(some)})"] if len(some) < len(tagged.branches(of)) else []


def keys(kind: Any, prefix: str = "") -> dict[str, Any]:
    """Every dotted key below a dataclass of settings, blocks and all branches included, with its type."""
    found: dict[str, Any] = {}
    for one in tagged.branches(kind).values() or [kind]:
        for key, of in tagged.types(one).items():
            found[f"{prefix}{key}"] = of
            if is_dataclass(of) or tagged.branches(of):
                found |= keys(of, f"{prefix}{key}.")
    return found


def former_values(kind: Any, prefix: str = "") -> dict[str, Mapping[str, str]]:
    """Every dotted key below a dataclass of settings that had other values before: old value -> new one."""
    found: dict[str, Mapping[str, str]] = {}
    for one in tagged.branches(kind).values() or [kind]:
        found |= {f"{prefix}{key}": said for key, said in tagged.former_values(one).items()}
        for key, of in tagged.types(one).items():
            if is_dataclass(of) or tagged.branches(of):
                found |= former_values(of, f"{prefix}{key}.")
    return found


def _below(node: Any, key: str, where: str) -> Any:
    known = [str(k) for k in node] if isinstance(node, dict) else []
    if key not in known:
        raise EarmarkError(
            f"There is no {where} to override; "
            f"{nearest(key, known) if known else 'its path goes on below a plain value.'}"
        )
    return node[key]
