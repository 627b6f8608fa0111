"""Make a released bundle of a speaker model that is there: half precision, judged anew on its test speakers.

`release_chord` does it for chords; the speaker model that earmark itself ships comes from recipes/speaker.py.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from earmark import paths
from earmark.console import warn
from earmark.errors import EarmarkError
from earmark.release import bundle
from earmark.release.facts import Words
from earmark.tasks.speaker import card_own, dataset, released, train
from earmark.tasks.speaker.dataset import Material
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, SpeakerModelSettings, SpeakerSettings
from earmark.training import model_files
from earmark.training.model_files import ModelConfig


def make(model: Path, settings: SpeakerSettings, words: Words, out: Path) -> dict:
    """Write the bundle `out` of the model of a folder. Returns the facts that its card states.

    The figures are those of the very file that is written, on the test speakers of data/speaker, and its thresholds
    those of the validation speakers there. Raises EarmarkError where the model was trained on another split than that:
    it may know these speakers.
    """
    config, heard = model_files.read_config(model, SpeakerFeatureSettings, SpeakerModelSettings), dataset.load(settings)
    _refuse_other_data(config, heard, settings)
    data = bundle.pack(bundle.half(model_files.read_weights(model)))
    root = paths.audio_root(settings.data.root)
    facts = {"about": words.about, "data": words.data, "command": words.command}
    facts |= released.facts(config, data, heard, {root.name: heard}, root, warn)
    config = replace(config, labels=[], release=facts)  # nobody is named
    bundle.write(out, config, data, card_own.text(config, len(data), hashlib.sha256(data).hexdigest()))
    return facts


def _refuse_other_data(config: ModelConfig, heard: Material, settings: SpeakerSettings) -> None:
    ours = train.hashes(heard, config.model, settings.train)
    if config.hashes.get("data_sha256") != ours["data_sha256"]:
        raise EarmarkError(
            "The model was trained on other recordings, or another split, than data/speaker and features/speaker hold; "
            "run `dvc repro` and `earmark promote speaker`, so that its test speakers are none that it was trained on."
        )
