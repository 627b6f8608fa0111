"""The chord recipe from notes to bundle in small: render, join, then the pipeline, the registry and the release."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pretty_midi
import pytest
import torch
import yaml
from safetensors.torch import save_file

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.generated.songs import render
from earmark.tasks import model_folder
from earmark.tasks.chord import collection, metrics, scores
from earmark.tasks.chord.networks.build import untrained
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.notation.vocabulary import IGNORED, WIDE
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.chord.settings import ChordFeatureSettings, PitchNetModel
from earmark.training import model_files
from project import REPOSITORY, own_project

pytestmark = pytest.mark.pipeline
SOUNDFONT = str(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2")
SPLITS = {"songs": ("train", 4), "val": ("val", 2), "test": ("test", 2)}


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    """Folders of songs to train, to choose and to test by, and the manifest over them."""
    root = tmp_path_factory.mktemp("renders")
    for seed, (name, (split, n)) in enumerate(SPLITS.items(), 1):
        render.run(render.RenderJob(str(root / name), 10.0, (SOUNDFONT,), seed, split), n, 1)
    join = [sys.executable, str(REPOSITORY / "recipes/join.py"), "chord", str(root), *SPLITS]
    subprocess.run(join, check=True, capture_output=True, timeout=100)
    return root


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """The recipe in small, whose training begins with a network of random weights."""
    raw = yaml.safe_load((REPOSITORY / "recipes/chord.yaml").read_text())
    raw["model"] |= {"channels": 8, "stem": 4, "blocks": 2}
    raw["train"] |= {"epochs": 2, "crop_frames": 64, "batch_size": 2, "device": "cpu"}
    torch.manual_seed(7)
    first = tmp_path_factory.mktemp("first")
    weights = untrained(PitchNetModel(**raw["model"]), ChordFeatureSettings(**raw["features"])).state_dict()
    save_file({name: weight.contiguous() for name, weight in weights.items()}, first / "model.safetensors")
    raw["train"] |= {"initial_model": str(first), "initial_sha256": model_files.weights_sha256(first)}
    return raw


@pytest.fixture(scope="module")
def released(renders, recipe, tmp_path_factory):
    """A project in which the recipe has run, and what was said."""
    project = own_project(tmp_path_factory.mktemp("chord") / "own", "chord")
    (project.path.parent / "small.yaml").write_text(yaml.safe_dump(recipe))
    rows = [{"condition": "under a voice (3)", "figure": "majmin", "value": 0.5}]
    (project.path.parent / "conditions.json").write_text(json.dumps(rows))
    options = ["--about", "chords of toys", "--data", "Eight songs of ten seconds", "--limits", "Toys alone."]
    options += ["--conditions", str(project.path.parent / "conditions.json")]
    script = str(REPOSITORY / "recipes/pipeline.sh")
    done = project.run("bash", script, "chord", str(renders), str(project.path.parent / "small.yaml"), *options)
    return project, done


def test_one_manifest_lists_all_folders_and_keeps_their_songs_apart(renders):
    table = pd.read_csv(renders / "manifest.csv", dtype=str, keep_default_na=False)
    assert table["split"].value_counts().to_dict() == {"train": 4, "val": 2, "test": 2}
    assert all((renders / path).exists() for path in [*table.path, *table.lab])
    assert all(path.split("/")[0] == group.split("/")[0] for path, group in zip(table.path, table.group, strict=True))
    assert table.group.nunique() == 8
    own = pd.read_csv(renders / "val/manifest.csv", dtype=str, keep_default_na=False)
    assert table.key[table["split"] == "val"].tolist() == own.key.tolist()


def test_a_folder_that_is_missing_is_named(renders):
    join = [sys.executable, str(REPOSITORY / "recipes/join.py"), "chord", str(renders), "songs", "vale"]
    done = subprocess.run(join, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (1, f"{renders} has no folder 'vale'; name folders that lie in it.\n")


def test_the_bundle_carries_key_data_and_commit_of_the_training_that_made_it(released):
    project, _ = released
    bundle, trained = (model_folder.read_config(project.path / f"{folder}/chord") for folder in ("release", "models"))
    assert bundle.hashes == trained.hashes
    assert all(len(bundle.hashes[name]) == 64 for name in ("train_key", "data_sha256", "code_sha256", "params_sha256"))
    head = project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert bundle.release["commit"] == head
    assert "initial_model" in project.run("git", "show", f"{head}:params.yaml").stdout
    runs = [run.data.tags for run in project.runs()]
    assert [tags["earmark.train_key"] for tags in runs] == [bundle.hashes["train_key"]]
    assert project.client.get_model_version_by_alias("earmark-chord", "champion").version == 1


def test_the_card_quotes_the_test_songs_and_what_the_author_says(released):
    project, _ = released
    config = model_folder.read_config(project.path / "release/chord")
    figures = config.release["figures"]
    assert (figures["n_recordings"], config.release["n_recordings"]) == (2, 4)
    text = (project.path / "release/chord/CARD.md").read_text()
    low, high = figures["majmin_ci95"]
    assert f"| majmin | {figures['majmin']:.3f} | {low:.3f} to {high:.3f} |" in text
    assert "Eight songs of ten seconds: 4 recordings were trained on" in text
    assert "| under a voice (3) | majmin | 0.500 |" in text
    assert "It names one of its qualities in every frame, or none. Toys alone." in text
    learnt = model_files.read_learnt(project.path / "release/chord")
    assert [split for _, split in learnt].count("train") == 4
    assert "test" not in {split for _, split in learnt}
    # what the card quotes is what the file gives
    rows = pd.read_csv(project.path / "data/chord/manifest.csv")
    root = yaml.safe_load((project.path / "params.yaml").read_text())["tasks"]["chord"]["data"]["root"]
    recognise = Recogniser(project.path / "release/chord")
    songs = collection.table_of([Path(root, "test")]).itertuples()
    again = scores.evaluate([metrics.scored_song(row, lab.read(row.lab), recognise(row.path)) for row in songs])
    assert again["majmin"] == pytest.approx(figures["majmin"], abs=1e-6)
    assert (rows["split"] == "test").sum() == 2


def test_the_training_began_with_the_other_weights_and_says_how_much_is_left_of_them(released, recipe):
    project, done = released
    first = recipe["train"]["initial_model"]
    said = r"earmark: Averaged, in the proportion best on validation songs, [01]\.\d of the trained weights and "
    said += r"[01]\.\d of (\S+)'s\."
    assert re.findall(said, done.stderr) == [first]
    assert not list(project.path.rglob("*.pkl"))


def test_songs_and_targets_of_a_folder(renders, recipe):
    features = ChordFeatureSettings(**recipe["features"])
    table = collection.table_of([renders / "songs"])
    songs = collection.gather(table, features, plain_progress, workers=1)
    assert songs.ids == [str(p) for p in table.path]
    assert songs.values.shape == (songs.lengths.sum(), 7 * 36 + 33)
    for i, row in enumerate(table.itertuples()):
        part = slice(songs.offsets[i], songs.offsets[i] + songs.lengths[i])
        found = lab.frames(lab.read(row.lab), songs.lengths[i], features.hop_s, WIDE)
        assert songs.chord[part].tolist() == found.chord.tolist()
        assert songs.bass[part].tolist() == found.bass.tolist()
        key = targets.key_of(row.key)
        assert set(songs.key[part]) == {IGNORED if key == targets.NO_KEY else key}


def test_folders_that_are_none(tmp_path):
    with pytest.raises(EarmarkError, match="render songs into it with `earmark render`"):
        collection.table_of([tmp_path])
    pd.DataFrame({"path": ["a"], "lab": ["a"]}).to_csv(tmp_path / "manifest.csv")
    with pytest.raises(EarmarkError, match="has no column 'key'"):
        collection.table_of([tmp_path])
