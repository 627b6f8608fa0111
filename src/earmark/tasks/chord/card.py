"""Cards of chord models, bundles and versions."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.evaluation import outcomes
from earmark.release import card
from earmark.release.facts import Said
from earmark.release.inert import markdown
from earmark.training.model_files import ModelConfig

FIGURES = ("root", "majmin", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads", "key_accuracy")
CALLED = {name: name.replace("_", " ") for name in FIGURES}
MEASURED = ("root", "majmin", "tetrads", "bass")  # by quality


HEADLINE = "right major or minor chord (majmin), share of time"
MINUS = "majmin minus that of template matching of librosa's chroma"
ENDS = "It names one of its qualities in every frame, or none."
UNMEASURED = (
    "Recordings of another kind were not measured; judge songs of yours with `earmark score chord FOLDER` before "
    "relying on it."
)


def own(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    """CARD.md of a bundle that `earmark release chord` made of a model of the pipeline's."""
    facts, figures = config.release, config.release["figures"]
    settings = {"features": asdict(config.features), "model": asdict(config.model), "train": config.train}
    parts = [
        f"A chord model trained with earmark: {_knows(config)}",
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings were trained on.",
        f"## Figures\n\nOn {figures['n_recordings']} test recordings of the same source, whose groups were not trained "
        "on, with the very file released here (weighted chord symbol recall by mir_eval, pooled over songs by "
        f"duration). {card.methods(figures)}\n\n" + card.figures_table(CALLED, figures),
        card.own_recipe(facts, settings),
        card.file(config, n_bytes, sha256),
        *card.conditions(facts),
        card.limits(f"{ENDS} {UNMEASURED}" if "conditions" not in facts else ENDS, facts),
        card.licences(facts["data"]),
    ]
    return card.page(facts["about"], parts)


def describe_model(config: ModelConfig, reports: Path, found: Mapping[str, Any]) -> Said:
    """What the card of a version says of a model. reports: of its evaluation, whose figures are `found`."""
    path, kept = reports / "plots/by_quality.csv", reports / outcomes.FILE
    shares = pd.read_parquet(kept) if kept.exists() else None
    return Said(
        what=f"A chord model: {_knows(config)}",
        measured="Weighted chord symbol recall by mir_eval, pooled over songs by duration.",
        called={"majmin": HEADLINE} | CALLED | {"majmin": HEADLINE, "majmin_minus_baseline": MINUS},
        tables=[by_quality(pd.read_csv(path), shares)] if path.exists() else [],
        calibration="It was not measured: the probability beside a chord is the mean of its frames' probabilities.",
        limits=f"{ENDS} Songs without chords, and tunings far from 440 Hz, were not measured.",
        picture="confusion_qualities.png",
    )


def by_quality(found: pd.DataFrame, shares: pd.DataFrame | None = None) -> str:
    """A section on every quality of the test songs: seconds, and shares of them that are right.

    shares: the evaluation's outcomes, of which tetrads get their intervals; None of an earlier release's.
    """
    shown = [name for name in MEASURED if name in found]
    share = lambda value: "" if pd.isna(value) else f"{value:.3f}"  # noqa: E731
    rows = []
    for row in found.to_dict("records"):
        cells = {name: share(row[name]) for name in shown}
        if shares is not None and len(own := shares.query("figure == 'tetrads'").query("part == @row['quality']")):
            cells["tetrads"] = card.share(*(own[c].to_numpy() for c in ("right", "weight", "group")))
        rows.append((markdown(row["quality"]), f"{row['seconds']:.0f}", *cells.values()))
    head = ("quality", "seconds", *(CALLED.get(name, name) for name in shown))
    return "## By chord quality\n\n" + card.table(head, rows)


def _knows(config: ModelConfig) -> str:
    """What a model answers with."""
    return (
        f"{len(config.labels)} chord qualities on 12 roots, inversions, and one key a song. Qualities: "
        f"{', '.join(map(markdown, config.labels))}."
    )
