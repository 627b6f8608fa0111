"""The release recipe of speakers from folders to bundle in small, and what is done with the bundle."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.tasks import model_folder
from earmark.tasks.speaker import collection
from earmark.tasks.speaker.predictions import Embedder
from earmark.training import model_files
from project import REPOSITORY
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
def released(folders):
    raw = yaml.safe_load((REPOSITORY / "recipes/speaker.yaml").read_text())
    raw["features"] |= {"n_mels": 24, "speeds": [0.9]}
    raw["model"] |= {"name": "tdnn", "width": 0.1, "embedding": 16, "statistics": 0.25}
    raw["views"] = {"level": 1, "bands": 2}
    raw["train"] |= {"batches": 10, "speakers": 6, "segments_s": [0.3, 0.6], "device": "cpu"}
    raw["evaluate"] |= {"bootstrap": 100}
    (folders / "recipe.yaml").write_text(yaml.safe_dump(raw))
    command = [sys.executable, REPOSITORY / "recipes/speaker.py", "--recipe", "recipe.yaml", "--out", "bundle"]
    command += ["--voices", "a", "--voices", "b@two", "--state", "state", "--words", "Buzz of no licence."]
    subprocess.run([str(c) for c in command], cwd=folders, check=True, capture_output=True, timeout=200)
    return folders / "bundle"


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
    with pytest.raises(EarmarkError, match="test_fold 'three' is no fold"):
        collection.read(f"{folders / 'b'}@three", pytest.fail, plain_progress)


def test_the_bundle_says_what_was_measured_with_it(released):
    config = model_folder.read_config(released)
    figures = config.release["figures"]
    assert set(figures) == {"a", "b"}
    assert figures["a"]["n_same_trials"] == figures["a"]["n_different_trials"] == 1  # the folder's own list
    assert {"eer", "eer_ci95", "baseline_lda_eer", "eer_minus_baseline_lda_ci95"} <= set(figures["b"])
    assert (config.release["n_speakers"], config.release["n_recordings"]) == (10, 40)
    card = (released / "CARD.md").read_text()
    assert "Buzz of no licence." in card
    assert f"| eer | {figures['b']['eer']:.3f} [" in card
    assert -1 <= config.release["threshold"] <= 1


def test_a_stopped_recipe_goes_on_and_the_checkpoint_is_kept(released, folders):
    assert sorted(p.name.split("-")[0] for p in (folders / "state").glob("*.pt")) == ["bands", "level"]
    epochs = [[row["epoch"] for row in model_files.read_history(folders / "state" / v)] for v in ("level", "bands")]
    assert epochs == [[1], [1, 2]]


def test_the_bundle_is_both_networks_whitened_and_statistics_side_by_side(released, folders):
    file = folders / "a/s08_0_0.wav"
    embedders = [Embedder(f) for f in (released, folders / "state/level", folders / "state/bands")]
    found, level, bands = (embedder(file) for embedder in embedders)
    for i, network in enumerate((level, bands)):
        whiten = embedders[0].tower.network.towers[i].whiten
        white = whiten(torch.from_numpy(network)).detach().numpy()
        wanted = white / np.linalg.norm(white) * (0.75 / 2) ** 0.5
        np.testing.assert_allclose(found[16 * i : 16 * (i + 1)], wanted, atol=1e-2)  # half precision
    assert len(found) == 92
    assert np.linalg.norm(found[32:]) == pytest.approx(0.5, abs=1e-5)
    assert not found[32 + 19 :].any()  # ten speakers at two speeds tell of 19 directions
    assert embedders[0].config.n_parameters == 60 * 92 + 2 * 17 * 16 + sum(e.config.n_parameters for e in embedders[1:])
    card = (released / "CARD.md").read_text()
    assert "becomes 92 numbers" in card
    assert "2 networks, whitened, have 75% of it" in card


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
