"""Cards of speaker models, bundles and versions."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.release import card
from earmark.release.facts import Said
from earmark.training.model_files import ModelConfig

HEADLINES = ("eer", "min_dcf", "auc", "mr_at_k", "mr_at_threshold", "accuracy")
SYSTEMS = {"": "this model", "baseline_lda_": "MFCC + LDA", "baseline_mfcc_": "MFCC statistics"}

KNOWS = "An utterance becomes a vector of length 1; the cosine of two says how likely one person speaks in both."
ENDS = (
    "It is not a means of identifying people beyond doubt, and not meant to be used on anybody without their consent."
)
UNMEASURED = (
    "Recordings of another kind were not measured; judge voices of yours with `earmark score speaker FOLDER` before "
    "relying on it."
)
CALLED = {
    "eer": "equal error rate (EER)",
    "min_dcf": "minimum detection cost",
    "auc": "area under the ROC curve",
    "accuracy": "accuracy of trials at the threshold",
    "identification_accuracy": "accuracy of naming enrolled speakers",
    "mr_at_k": "misclassification rate, number of speakers known",
    "mr_at_threshold": "misclassification rate at the threshold",
    "ari": "adjusted Rand index",
    "nmi": "normalised mutual information",
}


def own(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    """CARD.md of a bundle that `earmark release speaker` made of a model of the pipeline's."""
    facts = config.release
    settings = {"features": asdict(config.features), "model": asdict(config.model), "train": config.train}
    parts = [
        f"A speaker model trained with earmark. {KNOWS}",
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings of {facts['n_speakers']} speakers were "
        "trained on.",
        "## Figures\n\nOn test speakers of the same source, who were used neither for training nor for any choice, "
        f"with the very file released here. {_methods(facts)} The baselines were trained on the same training "
        f"speakers.\n\n{tables(facts['figures'])}",
        _thresholds(facts),
        card.own_recipe(facts, settings),
        card.file(config, n_bytes, sha256),
        *card.conditions(facts),
        card.limits(ENDS if "conditions" in facts else f"{UNMEASURED} {ENDS}", facts),
        card.licences(facts["data"]),
    ]
    return card.page(facts["about"], parts)


def _methods(facts: dict) -> str:
    """How the intervals of all tests were found; a group is a speaker here."""
    return card.methods(next(iter(facts["figures"].values())))


def _thresholds(facts: dict) -> str:
    return (
        f"Two utterances are said to be of one speaker from a cosine of {facts['threshold']:.3f} on, and clusters are "
        f"joined up to a cosine distance of {facts['cluster_threshold']:.3f}: both chosen on the validation speakers. "
        "Other microphones and languages want thresholds of their own."
    )


def _table(name: str, figures: dict) -> str:
    head = f"{name}: {figures['n_speakers']} speakers, {figures['n_utterances']} utterances, "
    head += f"{figures['n_same_trials']} same and {figures['n_different_trials']} different trials"
    shown = [s for s in SYSTEMS if f"{s}eer" in figures]
    rows = [f"| figure | {' | '.join(SYSTEMS[s] for s in shown)} |", f"|---|{'---|' * len(shown)}"]
    for figure in HEADLINES:
        rows.append(f"| {figure.replace('_', ' ')} | {' | '.join(_cell(f'{s}{figure}', figures) for s in shown)} |")
    return "\n".join([head, "", *rows])


def _cell(name: str, figures: dict) -> str:
    low, high = figures.get(f"{name}_ci95", (None, None))
    return f"{figures[name]:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def tables(figures: dict[str, dict]) -> str:
    """The figures of every test, by name, as Markdown."""
    return "\n\n".join(_table(name, found) for name, found in figures.items())


def describe_model(config: ModelConfig, reports: Path, found: Mapping[str, Any]) -> Said:
    """What the card of a version says of a model. reports: of its evaluation, whose figures are `found`."""
    return Said(
        what=f"A speaker model, trained on {len(config.labels)} speakers. {KNOWS}",
        measured=_trials(found),
        called=CALLED,
        tables=_by_length(reports / "plots"),
        calibration=_thresholds(config.release) if "threshold" in config.release else "It carries no threshold.",
        limits=ENDS,
    )


def _trials(found: Mapping[str, Any]) -> str:
    if "n_speakers" not in found:
        return "Speakers who were used neither for training nor for any choice."
    trials = f"{found['n_same_trials']} trials of one speaker and {found['n_different_trials']} of two"
    return f"{found['n_speakers']} speakers, {found['n_utterances']} utterances, {trials}."


def _by_length(plots: Path) -> list[str]:
    """Sections on the error rate by how long both utterances last, and by how much of them is heard."""
    parts = []
    if (plots / "eer_by_duration.csv").exists():
        found = pd.read_csv(plots / "eer_by_duration.csv").itertuples()
        rows = [(f"{r.from_s:g} to {r.to_s:g} s", str(r.same), str(r.different), f"{r.eer:.3f}") for r in found]
        head = ("shorter utterance", "same trials", "different trials", "EER")
        parts.append("## By duration\n\n" + card.table(head, rows))
    if (plots / "eer_by_crop.csv").exists():
        rows = [(f"{r.seconds:g} s", f"{r.eer:.3f}") for r in pd.read_csv(plots / "eer_by_crop.csv").itertuples()]
        parts.append("## By seconds heard of each utterance\n\n" + card.table(("heard", "EER"), rows))
    return parts
