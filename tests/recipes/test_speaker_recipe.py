"""The release recipe of speakers from folders to bundle in small, and what is done with the bundle."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.tasks import model_folder
from earmark.tasks.speaker import collection
from earmark.tasks.speaker.predictions import Embedder
from project import REPOSITORY, own_project
from voice_audio import voices

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders: one with train, val and test speakers, one whose splits are folds."""
    root = tmp_path_factory.mktemp("voices")
    for name, n, first, splits in (("a", 12, 0, "train train train val test test"), ("b", 6, 20, "one one two")):
        table = pd.read_csv(voices(root / name, n, first) / "manifest.csv")
        words = splits.split()
        table["split"] = [words[(int(label[1:]) - first) * len(words) // n] for label in table.label]
        table.to_csv(root / name / "manifest.csv", index=False)
    trials = "split,a,b,same\ntest,s08_0_0.wav,s08_1_0.wav,1\ntest,s08_0_0.wav,s09_0_0.wav,0\n"
    (root / "a/trials.csv").write_text(trials)
    return root


@pytest.fixture(scope="module")
def project(folders, tmp_path_factory):
    """A project in which the recipe has run on both folders."""
    raw = yaml.safe_load((REPOSITORY / "recipes/speaker.yaml").read_text())
    raw["features"] |= {"n_mels": 24, "speeds": [0.9]}
    raw["model"] |= {"name": "tdnn", "width": 0.1, "embedding": 16, "statistics": 0.25}
    raw["train"] |= {"epochs": 2, "batches": 10, "speakers": 6, "segments_s": [0.3, 0.6], "device": "cpu"}
    (folders / "recipe.yaml").write_text(yaml.safe_dump(raw))
    join = [sys.executable, str(REPOSITORY / "recipes/join.py"), "speaker", str(folders), "a", "b@two"]
    subprocess.run(join, check=True, capture_output=True, timeout=100)
    own = own_project(tmp_path_factory.mktemp("speaker") / "own", "speaker")
    script, options = str(REPOSITORY / "recipes/pipeline.sh"), ["--about", "buzz", "--data", "Buzz of no licence"]
    own.run("bash", script, "speaker", str(folders), str(folders / "recipe.yaml"), *options)
    return own


@pytest.fixture(scope="module")
def released(project):
    return project.path / "release/speaker"


def test_one_manifest_lists_both_folders_with_their_trials(project, folders):
    table = pd.read_csv(folders / "manifest.csv", dtype=str)
    assert table["split"].value_counts().to_dict() == {"train": 40, "test": 24, "val": 8}
    assert all((folders / path).exists() for path in table.path)
    given = pd.read_csv(folders / "trials.csv")
    prepared = pd.read_csv(project.path / "data/speaker/trials.csv")
    assert sorted(map(tuple, prepared[["split", "a", "b", "same"]].to_numpy())) == sorted(
        map(tuple, given[["split", "a", "b", "same"]].to_numpy())
    )
    assert all(a.split("/")[0] == b.split("/")[0] for a, b in zip(given.a, given.b, strict=True))


def test_the_bundle_carries_key_data_and_commit_of_the_training_that_made_it(released, project):
    bundle, trained = (model_folder.read_config(f) for f in (released, project.path / "models/speaker"))
    assert bundle.hashes == trained.hashes
    assert [run.data.tags["earmark.train_key"] for run in project.runs()] == [bundle.hashes["train_key"]]
    assert bundle.release["commit"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert bundle.labels == []  # nobody is named


def test_folders_stand_together_without_mixing_their_speakers(folders):
    read = [collection.read(str(folders / n), pytest.fail, plain_progress) for n in ("a", "b@two")]
    table, trials = collection.together(read)
    assert table.label.nunique() == 18
    assert set(table.label[table["split"] == "test"]) == {f"a/s{i:02}" for i in range(8, 12)} | {"b/s24", "b/s25"}
    assert table["split"].value_counts().to_dict() == {"train": 40, "test": 24, "val": 8}
    listed = trials[trials["split"] == "test"]
    assert listed.a[listed.a.str.startswith("a/")].tolist() == ["a/s08_0_0.wav"] * 2
    known = dict(zip(table.utterance, table["split"], strict=True))
    assert all(known[a] == known[b] == split for split, a, b in trials[["split", "a", "b"]].itertuples(index=False))
    assert all(path.startswith(str(folders)) for path in table.path)
    with pytest.raises(EarmarkError, match="test_fold 'three' is not a fold"):
        collection.read(f"{folders / 'b'}@three", pytest.fail, plain_progress)


def test_the_card_says_what_was_measured_with_it(released, folders):
    config = model_folder.read_config(released)
    figures = config.release["figures"][folders.name]
    listed = pd.read_csv(folders / "trials.csv").query("split == 'test'").same.value_counts()
    assert (figures["n_same_trials"], figures["n_different_trials"]) == (listed[1], listed[0])
    assert {"eer", "eer_ci95", "baseline_lda_eer", "eer_minus_baseline_lda_ci95"} <= set(figures)
    assert (config.release["n_speakers"], config.release["n_recordings"]) == (10, 40)
    card = (released / "CARD.md").read_text()
    assert "Buzz of no licence: 40 recordings of 10 speakers" in card
    assert f"| eer | {figures['eer']:.3f} [" in card
    assert -1 <= config.release["threshold"] <= 1


def test_the_bundle_is_both_networks_whitened_and_statistics_side_by_side(released, folders, project):
    found = Embedder(released)(folders / "a/s08_0_0.wav")
    assert len(found) == 2 * 16 + 60
    parts = found[:16], found[16:32], found[32:]
    wanted = (0.75 / 2) ** 0.5, (0.75 / 2) ** 0.5, 0.25**0.5
    assert [np.linalg.norm(part) for part in parts] == pytest.approx(wanted, abs=1e-3)  # half precision
    assert not found[32 + 19 :].any()  # ten speakers at two speeds tell of 19 directions
    trained = Embedder(project.path / "models/speaker")(folders / "a/s08_0_0.wav")
    np.testing.assert_allclose(found, trained, atol=1e-2)
    card = (released / "CARD.md").read_text()
    assert "whiten: true" in card
    assert "each_view: true" in card


def test_predict_embeds_verifies_and_finds_who_it_is(released, folders, earmark):
    files = [str(folders / f"a/s{i:02}_{k}_0.wav") for i in (8, 9) for k in (0, 1)]
    status, *_ = earmark("predict", "speaker", "--model", str(released), "--embed", str(folders / "e.parquet"), *files)
    assert status == 0
    table = pd.read_parquet(folders / "e.parquet")
    embedder = Embedder(released)
    for path, vector in zip(table.path, table.embedding, strict=True):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, embedder(path), atol=1e-6)
    score = float(embedder(files[0]) @ embedder(files[1]))
    _, out, _ = earmark("predict", "speaker", "--model", str(released), "--verify", "--json", *files[:2])
    said = json.loads(out)
    assert said["score"] == pytest.approx(score, abs=1e-5)
    assert said["same"] == (score >= embedder.config.release["threshold"])
