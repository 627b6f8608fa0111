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


def text(config: ModelConfig, recipe: dict, sha256: str, n_bytes: int, words: str) -> str:
    """CARD.md as Markdown. words: what the training and the validation data are, for people."""
    figures = config.release["figures"]
    parts = [
        f"The released chord model of earmark: {_knows(config)}",
        f"## Data\n\n{words.strip()} {config.release['n_recordings']} recordings were trained on, all of them rendered "
        "from notes by SoundFonts; no real recording is among them.",
        f"## Figures\n\nOn {figures['n_recordings']} validation recordings, with the very file released here "
        "(weighted chord symbol recall by mir_eval, pooled over songs by duration). "
        f"{card.methods(figures)} The epoch kept was chosen on these recordings, so the figures lean a little to its "
        "side.\n\n" + card.figures_table(CALLED, figures),
        card.recipe(f"`recipes/chord.sh` at commit {config.release['commit']}:", recipe),
        card.file(config, n_bytes, sha256),
        *conditions(config.release.get("conditions", [])),
        "## Limits\n\nTrained on rendered music alone: rooms, noises, detuning, quiet passages, speech and "
        "generated singing were added by signal processing, and no recording of a song, of a singer or of a real "
        "instrument is among it. Chords that last less than half a second are often joined to their neighbours, "
        "and a voice louder than the music costs most. Rare qualities were drawn as often as common ones in some "
        "of the songs, so the model names them more readily than a corpus of pop songs would. A recording out of "
        "tune by about half a semitone may be read a semitone off throughout.",
        "## Licences\n\nPOP909 is under the MIT licence; generated songs are made by earmark. Of the SoundFonts, "
        "voices and noises none is in the file, only what was learnt from their sound; Debian's packages state "
        "the SoundFonts' terms (TimGM6mb: GPL-2, FluidR3 and MuseScore General: MIT, OPL-3 FM: CC BY-SA 4.0, "
        "sf_GMbank: with Csound's, LGPL-2.1); LibriSpeech (Panayotov et al. 2015) is under CC BY 4.0, ESC-10 "
        "(Piczak 2015) under CC BY 3.0; "
        f"{card.CODE}",
    ]
    return card.page(config.release["about"], parts)


def conditions(found: list[dict[str, Any]]) -> list[str]:
    """A section on what the bundle does in recordings of other kinds, row by row as `chord_robustness.py` wrote it."""
    if not found:
        return []
    rows = [(row["condition"], row["figure"], card.value("value", row)) for row in found]
    return [
        "## Conditions\n\nBy `benchmarks/chord_robustness.py`, with sounds that the training does not use.\n\n"
        + card.table(("recordings", "figure", "value"), rows)
    ]


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
        f"## Limits\n\n{ENDS} Recordings of another kind were not measured; judge songs of yours "
        "with `earmark score chord FOLDER` before relying on it.",
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
        calibration="It was not measured: the probability beside a chord is the mean of what its frames were given.",
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
