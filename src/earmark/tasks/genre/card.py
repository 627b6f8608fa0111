"""Cards of genre models, bundles and versions: what they know, from which data, how well, and where they end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark.evaluation.scored import by_class
from earmark.release import card
from earmark.release.facts import Said
from earmark.release.inert import markdown
from earmark.training.model_files import ModelConfig

QUOTED = {
    "accuracy": "accuracy, by recording",
    "macro_f1": "macro F1",
    "ece": "calibration error (ECE)",
    "window_accuracy": "accuracy, by window",
    "baseline_accuracy": "accuracy of MFCC statistics + logistic regression",
    "accuracy_minus_baseline": "accuracy minus that baseline's",
    "baseline_classical_accuracy": "accuracy of librosa's features + the best of several classifiers",
    "accuracy_minus_baseline_classical": "accuracy minus that baseline's",
    "ensemble_accuracy": "accuracy of the seeds' ensemble",
}
TAKEN_FOR = 3  # classes that are named beside one


def text(config: ModelConfig, recipe: dict, n_bytes: int, sha256: str) -> str:
    """CARD.md as Markdown; its first line says what the model knows. n_bytes, sha256: of model.safetensors."""
    facts = config.release
    how = (
        f"Commit `{facts['commit']}`:\n\n```\n{facts['command']}\n```\n\n"
        "The settings that came out of params.yaml and this command:"
    )
    return card.page(
        facts["about"],
        [
            f"The released {config.task} model of earmark. {_knows(config)}",
            _data(facts),
            _figures(facts),
            card.recipe(how, recipe),
            card.file(config, n_bytes, sha256, _rounding(facts)),
            *card.conditions(facts),
            _limits(config),
            card.licences(facts["data"]),
        ],
    )


def describe_model(config: ModelConfig, reports: Path, found: Mapping[str, Any]) -> Said:
    """What the card of a version says of a model. reports: of its evaluation, whose figures are `found`."""
    path = reports / "predictions.parquet"
    return Said(
        what=f"A model of genres or classes of sounds. {_knows(config)}",
        measured="Every recording has one answer, the mean of its windows' probabilities unless a figure says "
        "otherwise.",
        called={name: QUOTED[name] for name in QUOTED if not name.startswith("ensemble")},
        tables=[by_label(pd.read_parquet(path))] if path.exists() else [],
        calibration=_calibration(found),
        limits=_ends(config),
    )


def by_label(predictions: pd.DataFrame) -> str:
    """A section on every class: test recordings, recall, and what it was taken for; predictions: a row a window."""
    rows, songs = [], predictions[predictions["window"] == 0]
    for label, one in by_class(predictions).items():
        own = songs[songs.label == label]
        right = (own.recording_predicted == label).to_numpy(float)
        recall = card.share(right, np.ones(len(own)), own.group.to_numpy())
        taken = list(one["taken_for"].items())
        more = [f"and {len(taken) - TAKEN_FOR} more"] if len(taken) > TAKEN_FOR else []
        others = ", ".join([f"{markdown(other)} {n}" for other, n in taken[:TAKEN_FOR]] + more)
        rows.append((markdown(label), str(one["n"]), recall, others))
    return "## By class\n\n" + card.table(("class", "test recordings", "recall", "taken for"), rows)


def _calibration(found: Mapping[str, Any]) -> str:
    if "ece" not in found:
        return "It was not measured."
    return (
        f"The top probability differs from the share of right answers by {card.value('ece', found)} in the mean of ten "
        "bins (ECE); the report's reliability diagram shows where. Nothing was fitted to mend it."
    )


def _knows(config: ModelConfig) -> str:
    """What a model answers with."""
    return f"It tells {len(config.labels)} classes apart: {', '.join(map(markdown, config.labels))}."


def _data(facts: dict) -> str:
    return (
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings, all of them trained on. "
        f"sha256 over content, labels and groups: `{facts['data_sha256']}`."
    )


def _figures(facts: dict) -> str:
    found = facts["figures"]
    whose = "this recipe" if facts["figures_by_this_recipe"] else "the release's author, in a file that names no recipe"
    folds = f" in {len(found['folds'])} folds" if found.get("folds") else ""
    return (
        "## Figures\n\n"
        f"Cross-validated by {whose}: every one of {found['n_recordings']} recordings{folds} was judged by a network "
        "that had not been trained on its group. The weights here were trained by the recipe on all recordings, so no "
        f"recording is left to measure these very weights on.{_chosen(found)} {card.methods(found)}"
        "\n\n" + card.figures_table(QUOTED, found)
    )


def _chosen(found: dict) -> str:
    """How a nested study came to its figures; empty for a plain cross-validation."""
    if not found.get("chosen"):
        return ""
    each = "; ".join(f"for {fold} {name}" for fold, name in found["chosen"].items())
    return (
        f" Means over {found['n_seeds']} seeds. Each fold's recipe was chosen on the other folds alone ({each}); "
        "the one below was chosen most often."
    )


def _rounding(facts: dict) -> str:
    half = facts["half_precision"]
    n = half["answers_changed"]
    return (
        f" Rounding to half precision changed a recording's probability by at most {half['largest_change']:.4f} and "
        f"{n} answer{'s' * (n != 1)} of {facts['n_recordings']}."
    )


def _limits(config: ModelConfig) -> str:
    unmeasured = (
        " Recordings of another kind, place or microphone were not measured; judge a labelled folder of yours with "
        f"`earmark score {config.task} FOLDER` before relying on it."
    )
    return card.limits(_ends(config) + unmeasured * ("conditions" not in config.release), config.release)


def _ends(config: ModelConfig) -> str:
    """Where what a model can answer ends."""
    f = config.features
    return (
        f"It always answers one of its {len(config.labels)} classes, also for a sound that is none of them. It hears "
        f"{f.f_min:g} to {f.f_high:g} Hz in windows of {f.window_s:g} s, and a recording has one answer."
    )
