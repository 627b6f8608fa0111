"""Text of files, labels and paths as Markdown that shows it and does nothing: no markup, no link, no new line.

It holds for CommonMark, GitHub's tables and links, and the renderers of MLflow's pages.
"""

import re

from earmark.console import printable

# What would be HTML or a formula; entities are never taken for structure.
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
ESCAPED = re.compile(r"[\\`*_\[\]|~]")
ADDRESS = re.compile(r"(?i)(?<=[a-z]:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@)")
APART = "\N{WORD JOINER}"  # invisible: some renderers make links of addresses once entities are signs again
# At the beginning of a line: a heading, a list, a rule, code.
BLOCK = re.compile(r"[#= ]|[-+](?=\s|$)|-(?=-)|\d+(?=[.)](\s|$))")
# Would show a name in another order, or on two lines.
REORDERS = re.compile("[\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069]")


def markdown(text: object) -> str:
    """The text for a line or a table's cell; what is no character, or moves others, is shown as an escape."""
    shown = REORDERS.sub(lambda c: f"\\u{ord(c[0]):04x}", printable(text))
    first = BLOCK.match(shown)
    shown = ESCAPED.sub(lambda c: f"\\{c[0]}", shown)
    shown = re.sub(f"[{''.join(ENTITIES)}]", lambda c: ENTITIES[c[0]], shown)
    shown = ADDRESS.sub(APART, shown)
    return shown if first is None else _not_a_block(shown)


def _not_a_block(shown: str) -> str:
    """The text with what begins a block made an entity: the mark, or the sign behind a number."""
    return re.sub(r"^(\d*)(\D)", lambda m: f"{m[1]}&#{ord(m[2])};", shown)


def code(text: str, language: str = "") -> str:
    """The text as a block of code, whatever marks it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
