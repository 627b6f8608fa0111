"""The card of a released chord model."""

from dataclasses import asdict

import yaml

from earmark.tasks.chord.measure import HEADLINES
from earmark.training.model_files import ModelConfig


def text(config: ModelConfig, recipe: dict, sha256: str, n_bytes: int, words: str) -> str:
    """CARD.md as Markdown. words: what the training and the validation data are, for people."""
    figures = config.release["figures"]
    rows = [_row(name, figures) for name in HEADLINES if name in figures]
    parts = [
        f"# {config.release['about']}",
        f"The released chord model of earmark: {len(config.labels)} chord qualities on 12 roots, inversions, and one "
        f"key a song. Qualities: {', '.join(config.labels)}.",
        f"## Data\n\n{words.strip()} {config.release['n_recordings']} recordings were trained on, all of them rendered "
        "from notes by SoundFonts; no real recording is among them.",
        f"## Figures\n\nOn {figures['n_recordings']} validation recordings, with the very file released here "
        "(weighted chord symbol recall by mir_eval, pooled over songs by duration; 95 % intervals by bootstrap over "
        "songs). The epoch kept was chosen on these recordings, so the figures lean a little to its side.\n\n"
        "| figure | value | 95 % interval |\n|---|---|---|\n" + "\n".join(rows),
        f"## Recipe\n\n`recipes/chord.sh` at commit {config.release['commit']}:\n\n```yaml\n"
        f"{yaml.safe_dump(recipe, sort_keys=False)}```",
        f"## File\n\n`model.safetensors`: {n_bytes:,} bytes, sha256 `{sha256}`, {config.n_parameters:,} parameters in "
        "half precision, read without pickle.",
        "## Limits\n\nTrained on rendered music alone: rooms, noise and detuning were added by signal processing, and "
        "voices were never heard. Rare qualities were drawn as often as common ones in some of the songs, so the model "
        "names them more readily than a corpus of pop songs would.",
        "## Licences\n\nPOP909 is under the MIT licence; generated songs are made by earmark. Of the SoundFonts none "
        "is in the file, only what was learnt from their sound; Debian's packages state their terms (TimGM6mb: GPL-2, "
        "FluidR3 and MuseScore General: MIT, OPL-3 FM: CC BY-SA 4.0, sf_GMbank: with Csound's, LGPL-2.1). The code is "
        "under the licence in the project's LICENSE.",
    ]
    return "\n\n".join(parts) + "\n"


def own(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    """CARD.md of a bundle that `earmark release chord` made of a model of the pipeline's."""
    facts, figures = config.release, config.release["figures"]
    rows = [_row(name, figures) for name in HEADLINES if name in figures]
    settings = {"features": asdict(config.features), "model": asdict(config.model), "train": config.train}
    parts = [
        f"# {facts['about']}",
        f"A chord model trained with earmark: {len(config.labels)} chord qualities on 12 roots, inversions, and one "
        f"key a song. Qualities: {', '.join(config.labels)}.",
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings were trained on.",
        f"## Figures\n\nOn {figures['n_recordings']} test recordings of the same source, whose groups were not trained "
        "on, with the very file released here (weighted chord symbol recall by mir_eval, pooled over songs by "
        "duration; 95 % intervals by bootstrap over groups).\n\n"
        "| figure | value | 95 % interval |\n|---|---|---|\n" + "\n".join(rows),
        f"## Recipe\n\nCommit `{facts['commit']}`, `dvc repro`, then:\n\n```\n{facts['command']}\n```\n\n"
        f"```yaml\n{yaml.safe_dump(settings, sort_keys=False)}```",
        f"## File\n\n`model.safetensors`: {n_bytes:,} bytes, sha256 `{sha256}`, {config.n_parameters:,} parameters in "
        "half precision, read without pickle.",
        "## Limits\n\nIt names one of its qualities in every frame, or none. Recordings of another kind were not "
        "measured; judge songs of yours with `earmark score chord FOLDER` before relying on it.",
        f"## Licences\n\nRecordings: {facts['data']}. The weights were learnt from these recordings, so their terms "
        "may bind what you do with the weights; the code is under the licence in the project's LICENSE.",
    ]
    return "\n\n".join(parts) + "\n"


def _row(name: str, figures: dict) -> str:
    low, high = figures.get(f"{name}_ci95", (None, None))
    span = "" if low is None else f"[{low:.3f}, {high:.3f}]"
    return f"| {name.replace('_', ' ')} | {figures[name]:.3f} | {span} |"
