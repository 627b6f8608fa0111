"""A cross-validation's files and run, and a release that quotes them."""

import json
import sys

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from conftest import small_folder
from earmark import bundle, cli, config, crossval, metrics, model_folder
from project import REPOSITORY, SMALL


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project on a small folder of sounds."""
    small_folder(tmp_path / "audio")
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    for dotted, value in (SMALL | {"data.root": "audio", "train.epochs": 1}).items():
        block, key = dotted.split(".")
        params["tasks"]["genre"][block][key] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bundle, "ROOT", tmp_path / "bundles")
    return tmp_path


def earmark(monkeypatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["earmark", *args])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def test_crossval_pictures_calibration_and_a_release_quotes_it(place, monkeypatch, capsys):
    assert earmark(monkeypatch, "crossval", "genre", "--k", "3") == 0
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
    assert earmark(monkeypatch, "release", "genre", *words) == 0
    facts = model_folder.read_config(place / "bundles/genre").release
    assert facts["data_sha256"] == found["data_sha256"]
    assert facts["figures"]["accuracy"] == found["accuracy"]
    assert "in 3 folds" in (place / "bundles/genre/CARD.md").read_text()
    assert earmark(monkeypatch, "release", "genre", *words, "-S", "train.weight_decay=0.9") == 1
    assert "is of another recipe: train.weight_decay is" in capsys.readouterr().err
