"""Make a released bundle of a chord model that is there: half precision, judged anew on its test songs, with a card."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.features import store
from earmark.release import bundle
from earmark.release.facts import Words
from earmark.tasks.chord import card, dataset, metrics, train
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordModelSettings, ChordSettings
from earmark.training import key, model_files, provenance
from earmark.training.model_files import ModelConfig

DATA, FEATURES = Path("data/chord"), Path("features/chord")


def make(model: Path, settings: ChordSettings, words: Words, out: Path) -> dict:
    """Write the bundle `out` of the model of a folder. Returns the facts that its card states.

    The figures are those of the very file that is written, on the test split of data/chord. Raises EarmarkError where
    the model was trained on another split than that: it may know those songs.
    """
    config, stored = model_files.read_config(model, ChordFeatureSettings, ChordModelSettings), store.load(FEATURES)
    found = dataset.gather(manifest.load(DATA / "manifest.csv"), DATA, stored, config.model)
    _refuse_other_data(config, found)
    data = bundle.pack(bundle.half(model_files.read_weights(model)))
    facts = {
        **words.facts(),
        "n_recordings": len(found.rows("train")),
        "figures": _figures(config, data, found, settings),
        "commit": provenance.git_tags()["earmark.commit"],
    }
    config = replace(config, release=facts)
    text = card.own(config, len(data), hashlib.sha256(data).hexdigest())
    bundle.write(out, config, data, text, model_files.read_learnt(model) or ())
    return facts


def _refuse_other_data(config: ModelConfig, found: dataset.ChordDataset) -> None:
    if config.hashes.get("data_sha256") != key.data_sha256(found.store_sha256, train.deciding(found)):
        raise EarmarkError(
            "The model was trained on other recordings, or another split, than data/chord and features/chord hold; run "
            "`dvc repro` and `earmark promote chord`, so that it was trained on none of its test songs."
        )


def _figures(config: ModelConfig, data: bytes, found: dataset.ChordDataset, settings: ChordSettings) -> dict:
    """Figures of the bytes of a bundle on the test split."""
    table = found.table.iloc[found.rows("test")].reset_index(drop=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder), config, data, "")
        songs = metrics.predicted_songs(Recogniser(Path(folder)), table, store.load(FEATURES))
    return metrics.figures(metrics.scored_songs(table, DATA, songs), table, settings.evaluate)
