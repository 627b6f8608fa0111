"""What cards are made of: what only a person can say of a release, and what a task says of a model of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from earmark.training.model_files import ModelConfig


@dataclass(frozen=True)
class Words:
    """What only a person can say of a release.

    about: what it knows, as in 'environmental sounds, ten classes of ESC-10'; data: the source with its
    licence; command: the very command, without folders of this machine.
    """

    about: str
    data: str
    command: str


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
