"""A cross-validation's files and run, and a release that quotes them."""

import json

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from conftest import small_folder
from earmark import config, crossval, metrics, model_folder
from project import REPOSITORY, SMALL


@pytest.fixture
def place(workplace):
    """A project on a small folder of sounds."""
    small_folder(workplace / "audio")
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    for dotted, value in (SMALL | {"data.root": "audio", "train.epochs": 1}).items():
        block, key = dotted.split(".")
        params["tasks"]["genre"][block][key] = value
    (workplace / "params.yaml").write_text(yaml.safe_dump(params))
    return workplace


def test_crossval_pictures_calibration_and_a_release_quotes_it(place, earmark):
    code, _, _ = earmark("crossval", "genre", "--k", "3")
    assert code == 0
    out = place / "crossval/genre"
    names = {"metrics.json", "predictions.parquet", "confusion.png", "reliability.png"}
    assert {p.name for p in out.iterdir()} == names
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("genre").experiment_id
    (parent,) = client.search_runs([experiment], "tags.`earmark.kind` = 'crossval'")
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} == names
    found = json.loads((out / "metrics.json").read_text())
    songs = pd.read_parquet(out / "predictions.parquet").query("window == 0")
    right = (songs.recording_predicted == songs.label).to_numpy()
    assert found["ece"] == pytest.approx(metrics.ece(songs.recording_probability.to_numpy(), right))
    assert found["recipe"] == crossval.recipe(config.load("params.yaml").tasks.genre)
    assert found["folds"] == ["fold1", "fold2", "fold3"]
    words = ("--about", "tones", "--data", "Generated, CC0", "--figures", "crossval/genre/metrics.json")
    code, _, _ = earmark("release", "genre", *words)
    assert code == 0
    facts = model_folder.read_config(place / "bundles/genre").release
    assert facts["data_sha256"] == found["data_sha256"]
    assert facts["figures"]["accuracy"] == found["accuracy"]
    assert "in 3 folds" in (place / "bundles/genre/CARD.md").read_text()
    code, _, err = earmark("release", "genre", *words, "-S", "train.weight_decay=0.9")
    assert code == 1
    assert "is of another recipe: train.weight_decay is" in "".join(err)
