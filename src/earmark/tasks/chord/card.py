"""The card of a released chord model."""

from dataclasses import asdict

from earmark.release import card
from earmark.training.model_files import ModelConfig

FIGURES = ("root", "majmin", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads", "key_accuracy")
CALLED = {name: name.replace("_", " ") for name in FIGURES}


def text(config: ModelConfig, recipe: dict, sha256: str, n_bytes: int, words: str) -> str:
    """CARD.md as Markdown. words: what the training and the validation data are, for people."""
    figures = config.release["figures"]
    parts = [
        f"The released chord model of earmark: {len(config.labels)} chord qualities on 12 roots, inversions, and one "
        f"key a song. Qualities: {', '.join(config.labels)}.",
        f"## Data\n\n{words.strip()} {config.release['n_recordings']} recordings were trained on, all of them rendered "
        "from notes by SoundFonts; no real recording is among them.",
        f"## Figures\n\nOn {figures['n_recordings']} validation recordings, with the very file released here "
        "(weighted chord symbol recall by mir_eval, pooled over songs by duration; 95 % intervals by bootstrap over "
        "songs). The epoch kept was chosen on these recordings, so the figures lean a little to its side.\n\n"
        + card.figures_table(CALLED, figures),
        card.recipe(f"`recipes/chord.sh` at commit {config.release['commit']}:", recipe),
        card.file(config, n_bytes, sha256),
        "## Limits\n\nTrained on rendered music alone: rooms, noise and detuning were added by signal processing, and "
        "voices were never heard. Rare qualities were drawn as often as common ones in some of the songs, so the model "
        "names them more readily than a corpus of pop songs would.",
        "## Licences\n\nPOP909 is under the MIT licence; generated songs are made by earmark. Of the SoundFonts none "
        "is in the file, only what was learnt from their sound; Debian's packages state their terms (TimGM6mb: GPL-2, "
        "FluidR3 and MuseScore General: MIT, OPL-3 FM: CC BY-SA 4.0, sf_GMbank: with Csound's, LGPL-2.1); "
        f"{card.CODE}",
    ]
    return card.page(config.release["about"], parts)


def own(config: ModelConfig, n_bytes: int, sha256: str) -> str:
    """CARD.md of a bundle that `earmark release chord` made of a model of the pipeline's."""
    facts, figures = config.release, config.release["figures"]
    settings = {"features": asdict(config.features), "model": asdict(config.model), "train": config.train}
    parts = [
        f"A chord model trained with earmark: {len(config.labels)} chord qualities on 12 roots, inversions, and one "
        f"key a song. Qualities: {', '.join(config.labels)}.",
        f"## Data\n\n{facts['data']}: {facts['n_recordings']} recordings were trained on.",
        f"## Figures\n\nOn {figures['n_recordings']} test recordings of the same source, whose groups were not trained "
        "on, with the very file released here (weighted chord symbol recall by mir_eval, pooled over songs by "
        "duration; 95 % intervals by bootstrap over groups).\n\n" + card.figures_table(CALLED, figures),
        card.own_recipe(facts, settings),
        card.file(config, n_bytes, sha256),
        "## Limits\n\nIt names one of its qualities in every frame, or none. Recordings of another kind were not "
        "measured; judge songs of yours with `earmark score chord FOLDER` before relying on it.",
        card.licences(facts["data"]),
    ]
    return card.page(facts["about"], parts)
