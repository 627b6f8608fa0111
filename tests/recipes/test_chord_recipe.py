"""The release recipe from notes to bundle in small: render, train, write, read back."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pretty_midi
import pytest
import torch
import yaml

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.generated.songs import render
from earmark.release import bundle
from earmark.tasks import model_folder
from earmark.tasks.chord import collection
from earmark.tasks.chord.networks.build import untrained
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.notation.vocabulary import IGNORED, WIDE
from earmark.tasks.chord.settings import ChordFeatureSettings, PitchNetModel
from earmark.training import model_files
from project import REPOSITORY

pytestmark = pytest.mark.pipeline
SOUNDFONT = str(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2")


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    root = tmp_path_factory.mktemp("renders")
    for name, n, seed in (("songs", 4, 1), ("val", 2, 2)):
        job = render.RenderJob(str(root / name), 10.0, (SOUNDFONT,), seed, "train" if name == "songs" else "val")
        render.run(job, n, 1)
    return root


@pytest.fixture(scope="module")
def recipe():
    raw = yaml.safe_load((REPOSITORY / "recipes/chord.yaml").read_text())
    raw["model"] |= {"channels": 8, "stem": 4, "blocks": 2}
    raw["train"] |= {"epochs": 2, "crop_frames": 64, "batch_size": 2, "device": "cpu"}
    return raw


def test_songs_and_targets_of_a_folder(renders, recipe):
    features = ChordFeatureSettings(**recipe["features"])
    table = collection.table_of([renders / "songs"])
    songs = collection.gather(table, features, plain_progress, workers=1)
    assert songs.ids == [str(p) for p in table.path]
    assert songs.values.shape == (songs.lengths.sum(), 7 * 36 + 33)
    for i, row in enumerate(table.itertuples()):
        part = slice(songs.offsets[i], songs.offsets[i] + songs.lengths[i])
        found = lab.frames(lab.read(row.lab), songs.lengths[i], features.hop_s, WIDE)
        np.testing.assert_array_equal(songs.chord[part], found.chord)
        np.testing.assert_array_equal(songs.bass[part], found.bass)
        key = targets.key_of(row.key)
        assert set(songs.key[part]) == {IGNORED if key == targets.NO_KEY else key}


def test_folders_that_are_none(tmp_path):
    with pytest.raises(EarmarkError, match="render songs into it with `earmark render`"):
        collection.table_of([tmp_path])
    pd.DataFrame({"path": ["a"], "lab": ["a"]}).to_csv(tmp_path / "manifest.csv")
    with pytest.raises(EarmarkError, match="has no column 'key'"):
        collection.table_of([tmp_path])


def test_recipe_writes_a_bundle_that_reads_chords(renders, recipe, tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(recipe))
    command = [sys.executable, str(REPOSITORY / "recipes/chord.py"), "--train", str(renders / "songs")]
    command += ["--val", str(renders / "val"), "--out", str(tmp_path / "bundle"), "--recipe", "small.yaml"]
    command += ["--words", "Four songs of ten seconds.", "--state", str(tmp_path / "state")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    config = model_folder.read_config(tmp_path / "bundle")
    assert config.task == "chord"
    assert config.features == ChordFeatureSettings(**recipe["features"])
    figures = config.release["figures"]
    assert figures["n_recordings"] == 2
    # what the card quotes is what the file gives
    again = collection.measure(tmp_path / "bundle", collection.table_of([renders / "val"]), plain_progress)
    assert json.loads(json.dumps(again)) == figures
    text = (tmp_path / "bundle/CARD.md").read_text()
    assert "Four songs of ten seconds. 4 recordings were trained on" in text
    low, high = figures["majmin_ci95"]
    assert f"| majmin | {figures['majmin']:.3f} | {low:.3f} to {high:.3f} |" in text
    assert not list(tmp_path.rglob("*.pkl"))


@pytest.fixture(scope="module")
def script():
    """recipes/chord.py as a module."""
    spec = importlib.util.spec_from_file_location("chord_recipe", REPOSITORY / "recipes/chord.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_training_goes_on_from_a_bundle_and_is_averaged_with_it_by_validation_loss(script, capsys):
    """Between 0 and 1 the loss is least at .43 of the way: of the shares that are tried at .4."""

    class Task:
        model = torch.nn.Linear(1, 1, bias=False)

        def validate(self, model):
            return {"val/loss": 0.4 * (model.weight.item() - 0.43) ** 2}

    begun, ended = ({"weight": torch.tensor([[value]])} for value in (0.0, 1.0))
    best = script.averaged(Task(), begun, ended)
    assert best["weight"].item() == pytest.approx(0.4)
    assert Task.model.weight.item() == pytest.approx(0.4)
    assert "0.4 of the last weights and 0.6 of the first: validation loss 0.0004" in capsys.readouterr().out


def test_a_bundle_gives_its_weights_to_a_network_that_has_more(script):
    """The released network begins with the bundle's; of another size it is refused by name."""
    raw = yaml.safe_load((REPOSITORY / "recipes/chord.yaml").read_text())
    features, model = ChordFeatureSettings(**raw["features"]), PitchNetModel(**raw["model"])
    net, released = untrained(model, features), bundle.ROOT / "chord"
    begun = script.continued(net, released)
    known = model_files.read_weights(released)
    assert set(known) <= set(begun)
    assert all(torch.equal(begun[name], known[name]) for name in known)
    with pytest.raises(SystemExit, match=r"its network has 'blocks.6.along.weight', which the recipe's lacks\."):
        script.continued(untrained(replace(model, blocks=6), features), released)
    with pytest.raises(SystemExit, match=r"its network has other sizes than the recipe's\."):
        script.continued(untrained(replace(model, stem=8), features), released)
