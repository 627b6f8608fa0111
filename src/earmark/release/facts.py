"""What cards are made of: what only a person can say of a release, and what a task says of a model of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.errors import EarmarkError
from earmark.training.model_files import ModelConfig


@dataclass(frozen=True)
class Words:
    """What only a person can say of a release.

    about: what it knows, as in 'environmental sounds, ten classes of ESC-10'; data: the source with its
    licence; command: the very command, without folders of this machine. limits: what else it is not for; conditions:
    what was measured with it on other kinds of recordings, rows of condition, figure and value.
    """

    about: str
    data: str
    command: str
    limits: str = ""
    conditions: tuple[dict[str, Any], ...] = ()

    def facts(self) -> dict[str, Any]:
        """What config.json of the bundle keeps of them."""
        kept = {"about": self.about, "data": self.data, "command": self.command}
        kept |= {"limits": self.limits} if self.limits else {}
        return kept | ({"conditions": list(self.conditions)} if self.conditions else {})


def read_json(file: Path, hint: str) -> Any:
    """What a file of figures holds. hint: the remedy where it cannot be read. Raises EarmarkError."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EarmarkError(f"There is no file {file}; {hint}.") from None
    except ValueError as e:
        raise EarmarkError(f"{file} is not valid JSON ({e}); {hint}.") from None


def conditions_of(file: Path | None) -> tuple[dict[str, Any], ...]:
    """The rows of a file of conditions. Raises EarmarkError for a file that has none."""
    if file is None:
        return ()
    rows = read_json(file, "name a list of condition, figure and value with --conditions")
    for n, row in enumerate(rows if isinstance(rows, list) else [None], 1):
        whole = isinstance(row, dict) and {"condition", "figure", "value"} <= set(row)
        if not whole or not isinstance(row["value"], int | float):
            raise EarmarkError(f"Row {n} of {file} lacks condition, figure or a number as value; give it all three.")
    return tuple(rows)


@dataclass(frozen=True)
class Said:
    """What a task says of a model, as Markdown.

    what: what it answers; measured: how its figures are meant; called: names of the figures that a card shows, the
    headline first; tables: sections on parts of the test recordings; calibration: whether its probabilities or
    thresholds hold; limits: what it is not for. picture: of the confusion, below the report's plots.
    """

    what: str
    measured: str
    called: Mapping[str, str]
    tables: list[str]
    calibration: str
    limits: str
    picture: str = "confusion.png"


@dataclass(frozen=True)
class Version:
    """A registered version and what is known of it.

    name: of the registered model. headline, baselines: of the task. config: of the model; found: metrics.json; table:
    the prepared manifest, None where there is none; params: the run's settings, tags: the run's; dvc: DVC's hashes by
    path; licence: of the recordings, in words; said: by the task; labels: what its labels are called; outdone: the
    sentence about a baseline that is better.
    """

    name: str
    number: int
    headline: str
    baselines: Mapping[str, str]
    config: ModelConfig
    found: Mapping[str, Any]
    table: pd.DataFrame | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    licence: str
    said: Said
    dvc: Mapping[str, str] = field(default_factory=dict)
    labels: str = "labels"
    outdone: str | None = None
