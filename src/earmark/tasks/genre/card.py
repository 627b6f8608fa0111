"""The card of a released bundle: what it knows, from which data, by which recipe, how well, and where it ends."""

import yaml

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
    parts = [
        f"# {facts['about']}",
        f"The released {config.task} model of earmark. It tells {len(config.labels)} classes apart: "
        f"{', '.join(config.labels)}.",
        _data(facts),
        _figures(facts),
        _recipe(facts, recipe),
        _file(config, n_bytes, sha256),
        _limits(config),
        f"## Licences\n\nRecordings: {facts['data']}. The weights were learnt from these recordings, so their terms "
        "may bind what you do with the weights; the code is under the licence in the project's LICENSE.",
    ]
    return "\n\n".join(parts) + "\n"


def _data(facts: dict) -> str:
    return (
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings, all of them trained on. "
        f"sha256 over content, labels and groups: `{facts['data_sha256']}`."
    )


def _figures(facts: dict) -> str:
    found = facts["figures"]
    whose = "this recipe" if facts["figures_by_this_recipe"] else "the release's author, in a file that names no recipe"
    folds = f" in {len(found['folds'])} folds" if found.get("folds") else ""
    rows = [_row(name, found) for name in QUOTED if name in found]
    return (
        "## Figures\n\n"
        f"Cross-validated by {whose}: every one of {found['n_recordings']} recordings{folds} was judged by a network "
        "that had not been trained on its group. The weights here were trained by the recipe on all recordings, so no "
        f"recording is left to measure these very weights on.{_chosen(found)} Intervals: 95 %, bootstrap over groups."
        "\n\n| figure | value | 95 % interval |\n|---|---|---|\n" + "\n".join(rows)
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


def _row(name: str, found: dict) -> str:
    low, high = found.get(f"{name}_ci95", (None, None))
    return f"| {QUOTED[name]} | {found[name]:.3f} | {'' if low is None else f'{low:.3f} to {high:.3f}'} |"


def _recipe(facts: dict, recipe: dict) -> str:
    settings = yaml.safe_dump(recipe, sort_keys=False).rstrip()
    return (
        f"## Recipe\n\nCommit `{facts['commit']}`:\n\n```\n{facts['command']}\n```\n\n"
        f"The settings that came out of params.yaml and this command:\n\n```yaml\n{settings}\n```"
    )


def _file(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    half = config.release["half_precision"]
    n = half["answers_changed"]
    return (
        f"## File\n\nmodel.safetensors: {config.n_parameters:,} parameters in half precision, {n_bytes:,} bytes, "
        f"sha256 `{sha256}`. Rounding to half precision changed a recording's probability by at most "
        f"{half['largest_change']:.4f} and {n} answer{'s' * (n != 1)} of {config.release['n_recordings']}."
    )


def _limits(config: ModelConfig) -> str:
    f = config.features
    return (
        f"## Limits\n\nIt always answers one of its {len(config.labels)} classes, also for a sound that is none of "
        f"them. It hears {f.f_min:g} to {f.f_high:g} Hz in windows of {f.window_s:g} s, and a recording has one "
        "answer. Recordings of another kind, place or microphone were not measured; judge a labelled folder of "
        f"yours with `earmark score {config.task} FOLDER` before relying on it."
    )
