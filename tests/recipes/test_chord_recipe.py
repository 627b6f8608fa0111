"""The release recipe from notes to bundle in small: render, train, write, read back."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pretty_midi
import pytest
import yaml

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.generated.songs import render
from earmark.tasks import model_folder
from earmark.tasks.chord import collection
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.notation.vocabulary import IGNORED, WIDE
from earmark.tasks.chord.settings import ChordFeatureSettings
from project import REPOSITORY

pytestmark = pytest.mark.pipeline
SOUNDFONT = str(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2")


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    root = tmp_path_factory.mktemp("renders")
    for name, n, seed in (("songs", 4, 1), ("val", 2, 2)):
        job = render.Job(str(root / name), 10.0, (SOUNDFONT,), seed, "train" if name == "songs" else "val")
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
    again = collection.measured(tmp_path / "bundle", collection.table_of([renders / "val"]), plain_progress)
    assert json.loads(json.dumps(again)) == figures
    text = (tmp_path / "bundle/CARD.md").read_text()
    assert "Four songs of ten seconds. 4 recordings were trained on" in text
    low, high = figures["majmin_ci95"]
    assert f"| majmin | {figures['majmin']:.3f} | {low:.3f} to {high:.3f} |" in text
    assert not list(tmp_path.rglob("*.pkl"))
