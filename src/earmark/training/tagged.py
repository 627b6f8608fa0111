"""Settings that are one of several kinds: unions of dataclasses, told apart by their `name`; standard library only.

A class may say in FORMER what its keys were called before: old key -> new one, below the same block; and in
FORMER_VALUES what values of a key were: key -> old value -> new one.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin

from earmark.errors import EarmarkError, nearest


def branches(kind: Any) -> dict[str, type]:
    """The names that a union of settings may have, and the dataclass of each; empty for any other type."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else ()
    if not kinds or not all(is_dataclass(one) for one in kinds):
        return {}
    return {name: one for one in kinds for name in get_args(types(one)["name"])}


def types(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass and their types."""
    return {f.name: f.type for f in fields(kind)}


def former(kind: Any) -> Mapping[str, str]:
    """The old keys of a class and what each is called now."""
    found: Mapping[str, str] = getattr(kind, "FORMER", {})
    return found


def former_values(kind: Any) -> Mapping[str, Mapping[str, str]]:
    """The keys of a class whose values were called otherwise before, and what each old value is called now."""
    found: Mapping[str, Mapping[str, str]] = getattr(kind, "FORMER_VALUES", {})
    return found


def renamed_values(kind: Any, raw: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The keys of a block that have a value of before: the old value and the new one."""
    said = {key: raw.get(key) for key in former_values(kind)}
    return {
        key: (value, former_values(kind)[key][value])
        for key, value in said.items()
        if isinstance(value, str) and value in former_values(kind)[key]
    }


def of_today(kind: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    """A block of a class with its values of before under their names of today."""
    return dict(raw) | {key: new for key, (_, new) in renamed_values(kind, raw).items()}


def having(kind: Any, key: str) -> list[str]:
    """The names of a union whose settings have a key."""
    return [name for name, one in branches(kind).items() if key in types(one)]


def without_foreign(kind: Any, raw: dict[str, Any]) -> dict[str, Any]:
    """A block of a union without the keys that belong to another of its names, as files of before there were unions
    and blocks whose name was changed have them."""
    own = branches(kind).get(str(raw.get("name")))
    return {key: value for key, value in raw.items() if own is None or key in types(own) or not having(kind, key)}


def from_stored(kind: Any, raw: Any) -> Any:
    """Settings from plain nested dicts and lists, as JSON of a model folder holds them; unions by their name."""
    if of := branches(kind):
        name, raw = str(raw.get("name")), without_foreign(kind, raw)
        if name not in of:
            raise EarmarkError(f"unknown name '{name}'; {nearest(name, of)}")
        kind = of[name]
    if not is_dataclass(kind):
        return tuple(raw) if get_origin(kind) is tuple else raw
    known, raw = types(kind), of_today(kind, raw)
    if unknown := [key for key in raw if key not in known]:
        raise EarmarkError(f"unknown key '{unknown[0]}'; {nearest(unknown[0], known)}")
    return kind(**{key: from_stored(known[key], value) for key, value in raw.items()})  # type: ignore[operator]
