"""Make a released bundle of a speaker model that is there: half precision, judged anew on its test speakers."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from earmark import audio, paths
from earmark.audio import Root
from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.release import bundle
from earmark.release.facts import Words
from earmark.tasks.speaker import card, dataset, metrics, predictions, train
from earmark.tasks.speaker.dataset import SpeakerDataset
from earmark.tasks.speaker.settings import SpeakerFeatureSettings, SpeakerModelSettings, SpeakerSettings
from earmark.tasks.speaker.trials import utterances
from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet, thresholds_config
from earmark.training import model_files, provenance
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
    found = words.facts() | facts(
        config, data, heard, root.name, audio.folder(root, settings.data.channels), settings.evaluate
    )
    config = replace(config, labels=[], release=found)  # nobody is named
    text = card.own(config, len(data), hashlib.sha256(data).hexdigest())
    bundle.write(out, config, data, text, model_files.read_learnt(model) or ())
    return found


def _refuse_other_data(config: ModelConfig, heard: SpeakerDataset, settings: SpeakerSettings) -> None:
    ours = train.hashes(heard, config.model, settings.train)
    if config.hashes.get("data_sha256") != ours["data_sha256"]:
        raise EarmarkError(
            "The model was trained on other recordings, or another split, than data/speaker and features/speaker hold; "
            "run `dvc repro` and `earmark promote speaker`, so that it was trained on none of its test speakers."
        )


def facts(
    config: ModelConfig,
    data: bytes,
    heard: SpeakerDataset,
    name: str,
    root: Root,
    settings: EvaluateSettings,
) -> dict:
    """What is measured with a bundle of these bytes, as `bundle.pack` gives them, for its card and config.json.

    heard: what the model learnt from, with the validation speakers whose thresholds it carries and the test speakers
    on whom it is judged, beside baselines that learn from the same. name: of that test. root: the folder below which
    its paths are files. Raises EarmarkError without validation speakers.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder), config, data, "")
        found = measured(predictions.Embedder(Path(folder)), heard, name, root, settings)
    learnt = heard.table[heard.table["split"] == "train"]
    found |= {"n_recordings": len(learnt), "n_speakers": int(learnt.label.nunique())}
    return found | {"commit": provenance.git_tags()["earmark.commit"]}


def measured(
    embedder: predictions.Embedder,
    heard: SpeakerDataset,
    name: str,
    root: Root,
    settings: EvaluateSettings,
) -> dict:
    """The validation speakers' thresholds, and by the test's name what the model and the baselines reach."""
    chosen_on = heard.trial_set("val")
    if chosen_on is None:
        raise EarmarkError(
            "A released speaker model carries thresholds, which are chosen on validation speakers, and there are none: "
            "set data.val_share above 0 and train again."
        )
    val = _answers(embedder, chosen_on, heard)
    learnt = utterances.to_learn(heard.table)
    test = _answers(embedder, heard.trial_set("test"), heard)
    beside = metrics.baselines(learnt, val.trials, test.trials, root)
    figures = {name: metrics.figures(val, test, beside, settings)}
    speech_s = predictions.stored_speech(embedder.features, val.trials.utterances, heard.store)
    return thresholds_config(val, speech_s) | {"figures": figures}


def _answers(embedder: predictions.Embedder, trials: TrialSet, heard: SpeakerDataset) -> Answers:
    return Answers(trials, predictions.stored_embeddings(embedder, trials.utterances, heard.store))
