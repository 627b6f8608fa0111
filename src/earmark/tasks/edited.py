"""params.yaml as text: some values replaced, and every other byte left as it was written."""

import difflib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import yaml

from earmark.errors import EarmarkError
from earmark.tasks import overrides


class Edit(NamedTuple):
    """Another text for a part of the file. column: where a value ended before, whose comment keeps its place; None."""

    start: int
    end: int
    text: str
    column: int | None = None


def put(text: str, values: Mapping[str, Any]) -> str:
    """The text with other values for dotted keys; a comment behind one keeps its column if it can.

    Another name for a block of one of several kinds takes the keys of the former kind away. Raises EarmarkError where
    the file cannot be edited so, as where a value is another's alias.
    """
    old = yaml.safe_load(text)
    for dotted, value in values.items():
        _require(old, dotted, value)
    new = deepcopy(old)
    overrides.put_all(new, values)
    done = text
    for edit in sorted(_edits(text, yaml.compose(text, yaml.SafeLoader), old, new), reverse=True):
        done = _replaced(done, edit)
    try:
        right = yaml.safe_load(done) == new
    except yaml.YAMLError:  # the anchor of an alias is gone
        right = False
    if not right:
        why = "earmark cannot edit this params.yaml, in which a value may be another's alias"
        raise EarmarkError(f"{why}; set {_shown(values)} in it by hand.")
    return done


def diff(before: str, after: str, name: str) -> str:
    """The change as git shows one."""
    lines = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(*lines, f"a/{name}", f"b/{name}"))


def _require(raw: Any, dotted: str, value: Any) -> None:
    """Refuse a key whose block is missing, and a plain value in place of a block."""
    *parents, last = dotted.split(".")
    for part in parents:
        raw = raw.get(part) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or (isinstance(raw.get(last), dict) and not isinstance(value, dict)):
        raise EarmarkError(f"params.yaml has no key '{dotted}' with a value of its own; add it.")


def _edits(text: str, node: yaml.Node, old: Any, new: Any) -> Iterator[Edit]:
    """What has to be replaced for a part of the file to hold `new` in place of `old`."""
    if old == new and type(old) is type(new):
        return
    if not (isinstance(node, yaml.MappingNode) and isinstance(old, dict) and isinstance(new, dict)):
        yield Edit(node.start_mark.index, node.end_mark.index, _dumped(new), node.end_mark.column)
    elif set(old) == set(new):
        for key, value in node.value:
            yield from _edits(text, value, old[key.value], new[key.value])
    elif node.flow_style:
        yield Edit(node.start_mark.index, node.end_mark.index, _dumped(new), node.end_mark.column)
    else:
        yield from _lines(text, node, old, new)


def _lines(text: str, node: yaml.MappingNode, old: dict, new: dict) -> Iterator[Edit]:
    """The same of a block whose keys stand on lines of their own, some of which go and others come."""
    starts = [text.rfind("\n", 0, key.start_mark.index) + 1 for key, _ in node.value]
    last = node.value[-1][1]
    newline = text.find(
        "\n", last.end_mark.index if isinstance(last, yaml.ScalarNode) or last.flow_style else starts[-1]
    )
    ends = [*starts[1:], newline + 1 if newline >= 0 else len(text)]
    kept = None
    for (key, value), start, end in zip(node.value, starts, ends, strict=True):
        if key.value not in new:
            yield Edit(start, end, "")
            continue
        kept = key if kept is None or key.value == "name" or kept.value != "name" else kept
        yield from _edits(text, value, old[key.value], new[key.value])
    indent = " " * node.value[0][0].start_mark.column
    end = "\r\n" if "\r\n" in text else "\n"
    added = "".join(f"{indent}{_dumped(k)}: {_dumped(v)}{end}" for k, v in new.items() if k not in old)
    if added:
        at = ends[next((i for i, (key, _) in enumerate(node.value) if key is kept), -1)]
        yield Edit(at, at, added)


def _replaced(text: str, edit: Edit) -> str:
    before, after = text[: edit.start] + edit.text, text[edit.end :]
    return before + (after if edit.column is None else _aligned(before, after, edit.column))


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


def _dumped(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, width=float("inf"), default_flow_style=True, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{dotted}: {_dumped(value)}" for dotted, value in values.items())
