"""params.yaml as text: some values replaced, and everything else left as it was written."""

from collections.abc import Mapping
from typing import Any

import yaml

from earmark.errors import EarmarkError


def put(text: str, values: Mapping[str, Any]) -> str:
    """The text with other scalar values for dotted keys that it has; a comment behind one keeps its column if it can.

    Raises EarmarkError where that is not possible, as for a key that is missing, or a value that is another's alias.
    """
    whole = text
    for dotted, value in values.items():
        text = _put(text, dotted, value)
    try:
        right = yaml.safe_load(text) == _with(yaml.safe_load(whole), values)
    except yaml.YAMLError:  # the anchor of an alias is gone
        right = False
    if not right:
        raise EarmarkError(f"params.yaml cannot be edited here; set {_shown(values)} in it by hand.")
    return text


def _put(text: str, dotted: str, value: Any) -> str:
    node = yaml.compose(text, yaml.SafeLoader)
    for part in dotted.split("."):
        below = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((inner for key, inner in below if key.value == part), None)
    if not isinstance(node, yaml.ScalarNode):
        raise EarmarkError(f"params.yaml has no key '{dotted}' with a value of its own; add it.")
    start, end = node.start_mark.index, node.end_mark.index
    before, after = text[:start] + _scalar(value), text[end:]
    return before + _aligned(before, after, node.end_mark.column)


def _aligned(before: str, after: str, column: int) -> str:
    """What follows a value, with its comment where it stood, or where that of a neighbouring line stands further left.

    column: where the former value ended. Behind a value that reaches further the comment stands one blank away.
    """
    blanks = len(after) - len(after.lstrip(" "))
    if not after[blanks:].startswith("#"):
        return after
    *_, above, line = ["", *before.split("\n")]
    places = [*_comment(after.partition("\n")[2].partition("\n")[0]), *_comment(above), column + blanks]
    place = min((at for at in places if at > len(line)), default=len(line) + 1)
    return " " * (place - len(line)) + after[blanks:]


def _comment(line: str) -> list[int]:
    """The column of a line's comment, if there is one behind something else."""
    found = line.find(" #")
    return [found + 1] if line[:found].strip() and found > 0 else []


def _scalar(value: Any) -> str:
    text = yaml.safe_dump(value, allow_unicode=True, width=float("inf"))
    return text.removesuffix("...\n").strip()


def _with(raw: Any, values: Mapping[str, Any]) -> Any:
    for dotted, value in values.items():
        *parents, last = dotted.split(".")
        node = raw
        for part in parents:
            node = node[part]
        node[last] = value
    return raw


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{dotted}: {_scalar(value)}" for dotted, value in values.items())
