"""What is said of settings in their source: each field's meaning stands once, as a string below the field."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any


def class_meaning(kind: type) -> str:
    """The docstring of a dataclass of settings, without what it would say of itself; one line a paragraph."""
    said = vars(kind).get("__doc__") or ""
    return "" if said.startswith(f"{kind.__name__}(") else _flowing(said)


def field_meaning(kind: type, name: str) -> str:
    """The meaning of a field, from the class that brings it; empty where none is said."""
    return next((found[name] for one in kind.__mro__ if name in (found := _said(one))), "")


@cache
def _said(kind: type) -> dict[str, str]:
    """Strings that stand below the fields in the source of a class."""
    if kind is object:
        return {}
    body: list[Any] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: _flowing(said.value.value)
        for field, said in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
    }


def _flowing(text: str) -> str:
    return "\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))
