"""The pipeline as a user runs it: dvc repro on a small folder of sounds, with its tracking store."""

import json
import re
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mlflow.artifacts import download_artifacts

pytestmark = [pytest.mark.pipeline, pytest.mark.parametrize("small", ["genre"], indirect=True)]
EPOCHS = [1, 2, 3]


def test_names_are_never_lost(small):
    manifest = pd.read_csv(small.path / "data/genre/manifest.csv", dtype=str)
    predictions = pd.read_parquet(small.path / "reports/genre/predictions.parquet")
    test = manifest[manifest["split"] == "test"]
    assert sorted(predictions.recording.unique()) == sorted(test.path)
    assert (predictions.merge(test, left_on="recording", right_on="path").eval("label_x == label_y")).all()
    # 1.5 s at a stride of 8 frames of 256 samples at 8 kHz: 47 frames hold 4 windows of 16.
    for _, rows in predictions.groupby("recording"):
        assert rows["window"].tolist() == [0, 1, 2, 3]
        np.testing.assert_allclose(rows.start_s, np.arange(4) * 8 * 256 / 8000)
    probabilities = predictions[[c for c in predictions if c.startswith("p_")]].sum(axis=1)
    np.testing.assert_allclose(probabilities, 1, atol=1e-5)


def test_a_registered_version_holds_no_pickle(small, tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{small.path / 'mlflow.db'}")
    folder = Path(download_artifacts("models:/earmark-genre@challenger", dst_path=str(tmp_path)))
    assert (folder / "artifacts").is_dir()
    assert not [p for p in folder.rglob("*") if p.suffix in {".pkl", ".pickle", ".pt", ".pth"}]


def test_fresh_clone_with_cache_and_an_empty_store_trains_nothing(small, tmp_path):
    small.run("git", "clone", "-q", ".", str(tmp_path / "clone"))
    clone = type(small)(tmp_path / "clone")
    clone.run("dvc", "cache", "dir", "--local", str(small.path / ".dvc/cache"))
    # prepare, whose record of what was dealt stands in git, looks at the recordings again, and finds the same.
    assert clone.repro() == ["prepare@genre", "publish@genre"]
    assert clone.run("git", "status", "--porcelain").stdout == ""
    (run,) = clone.runs()
    assert run.info.status == "FINISHED"
    assert clone.steps(run.info.run_id, "val/loss") == EPOCHS
    mine = next(r for r in small.runs() if r.data.tags["earmark.train_key"] == run.data.tags["earmark.train_key"])
    for key in ("earmark.train_key", "earmark.model_sha256"):
        assert run.data.tags[key] == mine.data.tags[key]
    assert run.data.metrics["test/accuracy"] == mine.data.metrics["test/accuracy"]
    assert clone.client.get_model_version_by_alias("earmark-genre", "challenger").run_id == run.info.run_id


def test_plots_are_drawn_without_a_network(small):
    """Another setting's curves beside today's, on a page that loads nothing."""
    small.run("dvc", "plots", "show", "--out", "shown")
    page = (small.path / "shown/index.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']https?:""", page)
    assert page.index("window.vegaEmbed=") < page.index("vegaEmbed(", page.index("</head>"))
    plot = json.loads(re.search(r"var spec = (\{.*?\});", page[page.index("</head>") :], re.DOTALL)[1])
    assert plot["title"]["text"] == "genre, losses"
    drawn = [
        (row["epoch"], row["field"], float(row["dvc_inferred_y_value"]))
        for row in plot["data"]["values"]
        if row["field"] == "val/loss"
    ]
    history = pd.read_csv(small.path / "models/genre/history.csv")
    assert [value for *_, value in drawn] == pytest.approx(history["val/loss"].tolist())
    assert len(list((small.path / "shown/static").glob("*confusion*.png"))) == 1


def test_champion_answers(small):
    sounds = [str(small.path.parent / f"audio/{label}/1.wav") for label in ("low", "high")]
    done = small.run("earmark", "predict", "genre", *sounds, "--json")
    answers = json.loads(done.stdout)
    assert [a["path"] for a in answers] == sounds
    for answer in answers:
        assert answer["label"] in {"low", "high", "noise"}
        assert answer["probability"] == max(answer["probabilities"].values())
        assert answer["model"]["name"] == "earmark-genre version 1 (champion)"
        assert answer["model"]["source"] == "champion"


def test_mlflow_run_gives_every_training_a_run_of_its_own(small):
    small.set(**{"train.lr": 0.004})
    known = {r.info.run_id for r in small.runs()}
    small.run("mlflow", "run", ".", "--env-manager", "local")
    (new,) = [r for r in small.runs() if r.info.run_id not in known]
    assert new.data.params["train.lr"] == "0.004"
    assert small.steps(new.info.run_id, "val/loss") == EPOCHS
    assert "mlflow.project.env" not in new.data.tags


def test_added_file_reruns_prepare(small):
    audio = small.path.parent / "audio"
    sf.write(audio / "noise/extra.wav", np.random.default_rng(9).normal(0, 0.1, 12000), 8000)
    with (audio / "manifest.csv").open("a") as file:
        file.write("noise/extra.wav,noise,extra\n")
    assert small.repro()[0] == "prepare@genre"
    assert "noise/extra.wav" in (small.path / "data/genre/manifest.csv").read_text()


def test_leak_gap_stands_beside_and_leaves_the_stage_alone(small):
    before = (small.path / "reports/genre/metrics.json").read_bytes()
    small.run("earmark", "evaluate", "genre", "--leak-gap")
    gap = json.loads((small.path / "reports/genre/leak_gap.json").read_text())
    assert gap["accuracy"]["grouped"] == json.loads(before)["accuracy"]
    for row in gap.values():
        assert row["gap"] == pytest.approx(row["random"] - row["grouped"])
    assert (small.path / "reports/genre/metrics.json").read_bytes() == before


def test_crossval_judges_every_recording_once_and_registers_nothing(small):
    versions = len(small.client.search_model_versions("name = 'earmark-genre'"))
    small.run("earmark", "crossval", "genre", "--k", "3", "-S", "train.epochs=1")
    predictions = pd.read_parquet(small.path / "crossval/genre/predictions.parquet")
    first = predictions[predictions["window"] == 0]
    assert len(first) == first.recording.nunique() == 19
    assert predictions.groupby("group").fold.nunique().max() == 1
    (parent,) = small.runs("crossval")
    folds = small.runs("fold")
    assert {f.data.tags["mlflow.parentRunId"] for f in folds} == {parent.info.run_id}
    assert sorted(f.data.tags["earmark.fold"] for f in folds) == ["fold1", "fold2", "fold3"]
    accuracy = json.loads((small.path / "crossval/genre/metrics.json").read_text())["accuracy"]
    assert parent.data.metrics["test/accuracy"] == accuracy == (first.recording_predicted == first.label).mean()
    assert len(small.client.search_model_versions("name = 'earmark-genre'")) == versions


def test_changed_evaluation_stands_beside_the_first(small):
    run = next(r for r in small.runs() if r.data.params["train.lr"] == "0.004" and r.info.status == "FINISHED")
    metrics = small.path / "reports/genre/metrics.json"
    old = json.loads(metrics.read_text())
    run = next(r for r in small.runs() if r.data.tags.get("earmark.model_sha256") == old["model_sha256"])
    metrics.write_text(json.dumps(old | {"accuracy": 0.125}))
    small.run("earmark", "publish", "genre")
    after = small.client.get_run(run.info.run_id).data.metrics
    assert after["test/accuracy"] == run.data.metrics["test/accuracy"] == old["accuracy"]
    (beside,) = [k for k in after if k.startswith("test-") and k.endswith("/accuracy")]
    assert after[beside] == 0.125
    metrics.write_text(json.dumps(old, indent=2) + "\n")


def test_a_copy_stands_alone(small, tmp_path):
    """It has models of its own, trains and publishes into its own store, and leaves the original as it is."""
    copy = type(small)(tmp_path / "it's a copy, 50%2F")
    shutil.copytree(small.path, copy.path, symlinks=True)
    places = (small.path / "mlflow.db", *(p for p in (small.path / "mlartifacts").rglob("*") if p.is_file()))
    before = {path: path.read_bytes() for path in places}
    version_1 = ("--version", "1", "--force", "--why", "a trial")
    said = copy.run("earmark", "promote", "genre", *version_1).stderr
    assert f"This project used to be in {small.path}: mlflow.db now has its models and files below {copy.path}." in said
    said = copy.run("earmark", "predict", "genre", str(small.audio / "low/1.wav")).stdout
    assert said.startswith("Answering with earmark-genre version 1 (champion)")
    copy.set(**{"train.lr": 0.005})
    copy.run("dvc", "repro")
    assert "is champion; it replaces" in copy.run("earmark", "promote", "genre", *version_1[2:]).stdout
    assert "Version 1 is champion again" in copy.run("earmark", "rollback", "genre").stdout
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(small.path.rglob("MLmodel"))) + 1 == len(list(copy.path.rglob("MLmodel")))
