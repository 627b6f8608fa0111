"""Parts that the cards of released bundles share, as Markdown; each task's `card` says the rest."""

from collections.abc import Iterable
from typing import Any

import yaml

from earmark.training.model_files import ModelConfig

CODE = "the code is under the licence in the project's LICENSE."


def page(title: str, parts: Iterable[str]) -> str:
    """A whole card."""
    return "\n\n".join([f"# {title}", *parts]) + "\n"


def figures_table(names: dict[str, str], found: dict[str, Any]) -> str:
    """Figures with their intervals, those of `names` (figure -> how it is called) that there are."""
    there = {name: called for name, called in names.items() if name in found}
    rows = [f"| {called} | {found[name]:.3f} | {_interval(name, found)} |" for name, called in there.items()]
    return "\n".join(["| figure | value | 95 % interval |", "|---|---|---|", *rows])


def _interval(name: str, found: dict[str, Any]) -> str:
    low, high = found.get(f"{name}_ci95", (None, None))
    return "" if low is None else f"{low:.3f} to {high:.3f}"


def recipe(how: str, settings: dict[str, Any]) -> str:
    """By what it was made: `how` ends in a colon, the settings follow."""
    return f"## Recipe\n\n{how}\n\n```yaml\n{yaml.safe_dump(settings, sort_keys=False).rstrip()}\n```"


def own_recipe(facts: dict[str, str], settings: dict[str, Any]) -> str:
    """The recipe of a model of the pipeline's. facts: commit and command of the release."""
    return recipe(f"Commit `{facts['commit']}`, `dvc repro`, then:\n\n```\n{facts['command']}\n```", settings)


def file(config: ModelConfig, n_bytes: int, sha256: str, more: str = "") -> str:
    """The weights' file; n_bytes, sha256: of model.safetensors."""
    return (
        f"## File\n\n`model.safetensors`: {n_bytes:,} bytes, sha256 `{sha256}`, {config.n_parameters:,} parameters in "
        f"half precision, read without pickle.{more}"
    )


def licences(data: str) -> str:
    """Whose terms bind. data: the recordings and their licence."""
    return (
        f"## Licences\n\nRecordings: {data}. The weights were learnt from these recordings, so their terms may bind "
        f"what you do with the weights; {CODE}"
    )
