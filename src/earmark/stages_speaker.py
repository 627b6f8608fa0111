"""What the pipeline's commands do for the speaker task; `stages_genre` does it for genres.

Each reads the outputs of the stages before it in the working tree and imports only what it runs.
"""

from pathlib import Path

from earmark import manifest, paths
from earmark.config import SpeakerSettings
from earmark.console import progress

TRUTH = "speaker"  # what prepare needs to know of a recording
DATA, FEATURES, MODEL = Path("data/speaker"), Path("features/speaker"), Path("models/speaker")


def features(settings: SpeakerSettings, table) -> None:
    """Log-mel frames of every recording of the manifest, training ones at other speeds, too."""
    from earmark.speakers import extract

    extract.run(table, paths.audio_root(settings.data.root), settings.features, FEATURES, progress)


def material(settings: SpeakerSettings):
    """What a training reads: manifest, trial list and store."""
    from earmark.features import store
    from earmark.speakers import material

    table = manifest.load(DATA / "manifest.csv")
    return material.gather(table, _given(), store.load(FEATURES), settings.evaluate)


def _given():
    """The corpus's own trials, or None."""
    path = DATA / "trials.csv"
    return manifest.read_csv(path, ("split", "a", "b", "same")) if path.exists() else None


def training():
    """The module with `hashes` and `run`."""
    from earmark.speakers import training

    return training
