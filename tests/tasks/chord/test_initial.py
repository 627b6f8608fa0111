"""A chord training that begins with another model's weights, and ends between both."""

from dataclasses import replace

import pandas as pd
import pytest
import soundfile as sf
import torch
import yaml

from builders import noise, plain_progress, schedule_settings, sines
from bundles import CHORD_FEATURES, CHORD_NETWORK, small_chord_bundle
from earmark.errors import EarmarkError
from earmark.features import store
from earmark.release import bundle
from earmark.tasks.chord import dataset, features, initial, train
from earmark.tasks.chord.networks.build import untrained
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordTrainSettings, CrossEntropy, PitchNetModel
from earmark.training import model_files
from earmark.training.settings import AdamW
from project import REPOSITORY


def settings(**changes) -> ChordTrainSettings:
    """One epoch of steps too small to move a weight by anything that counts."""
    return ChordTrainSettings(
        loss=CrossEntropy(), batch_size=2, crop_frames=8, transpose=True, tilt=0.0, floor=0.0, time_masks=0,
        time_mask=0, band_masks=0, band_mask=0, optimizer=AdamW(), lr=1e-12, weight_decay=0.0, epochs=1, average=0.0,
        keep="last", patience=0, seed=1, device="cpu", precision="float32", schedule=schedule_settings(), **changes,
    )  # fmt: skip


@pytest.fixture
def songs(tmp_path):
    """Four songs, half of them to validate on."""
    rows = []
    for i, split in enumerate(("train", "train", "val", "test")):
        sf.write(tmp_path / f"{i}.wav", sines(262 + 50 * i, 3, 8000) + noise(3, 8000), 8000)
        (tmp_path / f"{i}.lab").write_text("0 1 N\n1 3 C:maj\n")
        rows.append((f"{i}.wav", f"{i}.lab", "C:maj", str(i), 3.0, split, "a" * 64))
    columns = ["path", "lab", "key", "group", "duration_s", "split", "truth_sha256"]
    table = pd.DataFrame(rows, columns=columns)
    features.run(table, tmp_path, CHORD_FEATURES, tmp_path / "store", pytest.fail, plain_progress)
    return dataset.gather(table, tmp_path, store.load(tmp_path / "store"), CHORD_NETWORK)


@pytest.fixture
def other(tmp_path):
    """Another model, and the settings that begin with it."""
    folder = small_chord_bundle(tmp_path / "other")
    return folder, {"initial_model": str(folder), "initial_sha256": model_files.weights_sha256(folder)}


def test_a_training_begins_with_the_weights_of_the_other_model(songs, other):
    folder, keys = other
    known = model_files.read_weights(folder)
    sentences = []
    begun, _ = train.run(songs, CHORD_NETWORK, settings(**keys), None, say=sentences.append)
    drawn, _ = train.run(songs, CHORD_NETWORK, settings(), None)
    name = "semitones.weight"
    assert torch.allclose(begun.model.state_dict()[name], known[name], atol=1e-6)
    assert not torch.allclose(drawn.model.state_dict()[name], known[name], atol=1e-2)
    assert len(sentences) == 1
    assert sentences[0].endswith(f"of {folder}'s.")


def test_the_model_and_the_share_of_it_are_what_validation_songs_choose():
    """Between 0 and 1 the loss is least at .43 of the way: of the shares that are tried at .4."""

    class Task:
        model = torch.nn.Linear(1, 1, bias=False)

        def validate(self, model):
            return {"val/loss": 0.4 * (model.weight.item() - 0.43) ** 2}

    first, last = ({"weight": torch.tensor([[value]]), "seen": torch.tensor(int(value))} for value in (0.0, 1.0))
    Task.model.register_buffer("seen", torch.tensor(0))
    best, share = initial.averaged(Task(), first, last)
    assert share == 0.4
    assert best["weight"].item() == pytest.approx(0.4)
    assert best["seen"].item() == 1  # a count is the training's
    assert Task.model.weight.item() == pytest.approx(0.4)


def test_a_bundle_gives_its_weights_to_a_network_that_has_more():
    """The network of the recipe begins with the released bundle's; of another size it is refused by name."""
    raw = yaml.safe_load((REPOSITORY / "recipes/chord.yaml").read_text())
    asked, model = ChordFeatureSettings(**raw["features"]), PitchNetModel(**raw["model"])
    net, released, sentences = untrained(model, asked), bundle.ROOT / "chord", []
    begun = initial.given(net, released, sentences.append)
    known = model_files.read_weights(released)
    assert set(known) == set(begun)
    assert all(torch.equal(begun[name], known[name]) for name in known)
    assert sentences == []
    with pytest.raises(EarmarkError, match=r"has 'blocks.6.along.weight', which that of tasks.chord.model lacks"):
        initial.given(untrained(replace(model, blocks=6), asked), released, pytest.fail)
    with pytest.raises(EarmarkError, match=r"has other sizes than tasks.chord.model; use the same settings\."):
        initial.given(untrained(replace(model, stem=8), asked), released, pytest.fail)
    initial.given(untrained(replace(model, blocks=8), asked), released, sentences.append)
    assert sentences[0].startswith(f"{released} lacks blocks.7.")
    assert sentences[0].endswith(", which are initialised at random.")


def test_weights_that_are_missing_or_others_are_refused(songs, other, tmp_path):
    folder, keys = other
    with pytest.raises(
        EarmarkError, match=f"There is no model in {tmp_path}/none, which tasks.chord.train.initial_mod"
    ):
        train.run(songs, CHORD_NETWORK, settings(initial_model=f"{tmp_path}/none", initial_sha256="0" * 64), None)
    with pytest.raises(EarmarkError, match=f"to start from them, set it to {keys['initial_sha256']}"):
        train.run(songs, CHORD_NETWORK, settings(initial_model=str(folder), initial_sha256="0" * 64), None)
    alone = replace(songs, table=songs.table.assign(split=["train", "train", "train", "test"]))
    with pytest.raises(EarmarkError, match=r"set data.val_share above 0, or train.initial_model to null\."):
        train.run(alone, CHORD_NETWORK, settings(**keys), None)


def test_a_model_without_its_hash_is_no_setting():
    with pytest.raises(ValueError, match="initial_sha256 must be set if, and only if, initial_model is"):
        settings(initial_model="somewhere")
