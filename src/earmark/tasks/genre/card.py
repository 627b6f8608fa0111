"""The card of a released bundle: what it knows, from which data, by which recipe, how well, and where it ends."""

from earmark.release import card
from earmark.training.model_files import ModelConfig

QUOTED = {
    "accuracy": "accuracy, by recording",
    "macro_f1": "macro F1",
    "ece": "calibration error (ECE)",
    "window_accuracy": "accuracy, by window",
    "baseline_accuracy": "accuracy of MFCC statistics + logistic regression",
    "accuracy_minus_baseline": "accuracy minus that baseline's",
    "ensemble_accuracy": "accuracy of the seeds' ensemble",
}


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
            f"The released {config.task} model of earmark. It tells {len(config.labels)} classes apart: "
            f"{', '.join(config.labels)}.",
            _data(facts),
            _figures(facts),
            card.recipe(how, recipe),
            card.file(config, n_bytes, sha256, _rounding(facts)),
            _limits(config),
            card.licences(facts["data"]),
        ],
    )


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
        f"recording is left to measure these very weights on.{_chosen(found)} Intervals: 95 %, bootstrap over groups."
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
    f = config.features
    return (
        f"## Limits\n\nIt always answers one of its {len(config.labels)} classes, also for a sound that is none of "
        f"them. It hears {f.f_min:g} to {f.f_high:g} Hz in windows of {f.window_s:g} s, and a recording has one "
        "answer. Recordings of another kind, place or microphone were not measured; judge a labelled folder of "
        f"yours with `earmark score {config.task} FOLDER` before relying on it."
    )
