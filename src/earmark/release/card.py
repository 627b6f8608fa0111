"""Parts that the cards of released bundles and of registered versions share, as Markdown.

Each task's `card` says the rest. Text of files and labels comes in as `inert.markdown` gives it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import yaml

from earmark.evaluation import paired
from earmark.release.inert import code, markdown
from earmark.training.model_files import ModelConfig

CODE = "the code is under the licence in the project's LICENSE."


def page(title: str, parts: Iterable[str]) -> str:
    """A whole card."""
    return "\n\n".join([f"# {title}", *parts]) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells are Markdown without `|` or new lines of their own."""
    names = tuple(head)
    lines = [f"| {' | '.join(cells)} |" for cells in (names, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(names), *lines[1:]])


def figures_table(names: Mapping[str, str], found: Mapping[str, Any]) -> str:
    """Figures with their intervals, those of `names` (figure -> how it is called) that there are."""
    there = {name: called for name, called in names.items() if name in found}
    rows = [(called, f"{found[name]:.3f}", _interval(name, found)) for name, called in there.items()]
    return table(("figure", "value", "95 % interval"), rows)


def value(name: str, found: Mapping[str, Any]) -> str:
    """A figure with its interval: '0.900 [0.699, 0.988]'."""
    low, high = found.get(f"{name}_ci95", (None, None))
    return f"{found[name]:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def share(right: np.ndarray, weight: np.ndarray, group: np.ndarray) -> str:
    """What is right of what counts in some recordings, (n,) each, with its 95 % interval over their groups."""
    low, high = paired.share_interval(right, weight, group)
    return f"{right.sum() / weight.sum():.3f} [{low:.3f}, {high:.3f}]"


def methods(found: Mapping[str, Any]) -> str:
    """How the 95 % intervals of an evaluation were found, as metrics.json says; earlier releases had one way."""
    known = found.get("ci95_methods")
    if not known:
        return "Intervals: 95 %, bootstrap over groups."
    first, *others = sorted(known, key=lambda method: -len(known[method]))
    rest = "".join(f"; of {', '.join(known[method])}: {method}" for method in others)
    return f"Intervals: 95 %, {first}{rest}."


def _interval(name: str, found: Mapping[str, Any]) -> str:
    low, high = found.get(f"{name}_ci95", (None, None))
    return "" if low is None else f"{low:.3f} to {high:.3f}"


def recipe(how: str, settings: dict[str, Any]) -> str:
    """By what it was made: `how` ends in a colon, the settings follow."""
    return f"## Recipe\n\n{how}\n\n{code(yaml.safe_dump(settings, sort_keys=False).rstrip(), 'yaml')}"


def own_recipe(facts: dict[str, str], settings: dict[str, Any]) -> str:
    """The recipe of a model of the pipeline's. facts: commit and command of the release."""
    return recipe(f"Commit `{facts['commit']}`, `dvc repro`, then:\n\n{code(facts['command'])}", settings)


def file(config: ModelConfig, n_bytes: int, sha256: str, more: str = "") -> str:
    """The weights' file; n_bytes, sha256: of model.safetensors."""
    return (
        f"## File\n\n`model.safetensors`: {n_bytes:,} bytes, sha256 `{sha256}`, {config.n_parameters:,} parameters in "
        f"half precision, read without pickle.{more}"
    )


def limits(text: str, facts: Mapping[str, Any]) -> str:
    """What the model is not for. facts: of the release, whose author may have said more."""
    more = facts.get("limits", "")
    return f"## Limits\n\n{text}{' ' * bool(more)}{markdown(more)}"


def conditions(facts: Mapping[str, Any]) -> list[str]:
    """A section on what the model does on other kinds of recordings; none where its author measured none."""
    rows = [
        (markdown(row["condition"]), markdown(row["figure"]), value("value", row))
        for row in facts.get("conditions", [])
    ]
    said = "On recordings of other kinds, as measured by the author of the release:"
    return [f"## Conditions\n\n{said}\n\n{table(('recordings', 'figure', 'value'), rows)}"] if rows else []


def licences(data: str) -> str:
    """Whose terms bind. data: the recordings and their licence."""
    return (
        f"## Licences\n\nRecordings: {data}. The weights were learnt from these recordings, so their terms may bind "
        f"what you do with the weights; {CODE}"
    )
