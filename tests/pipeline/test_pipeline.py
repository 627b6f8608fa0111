"""The pipeline as a user runs it: dvc repro on a small folder of sounds, with its tracking store."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mlflow.artifacts import download_artifacts

from builders import small_folder
from project import commit, make, sha256

pytestmark = pytest.mark.pipeline
EPOCHS = [1, 2, 3]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project whose pipeline has run once on 18 short sounds; later tests build on the state they find."""
    base = tmp_path_factory.mktemp("small")
    project = make(base / "project", small_folder(base / "audio"))
    project.ran = project.repro()
    commit(project, "first repro")
    return project


def test_first_repro_trains_evaluates_and_registers(small):
    assert small.ran == [f"{s}@genre" for s in ("prepare", "features", "train", "evaluate", "publish")]
    (run,) = small.runs()
    assert run.info.status == "FINISHED"
    assert small.steps(run.info.run_id, "val/loss") == EPOCHS
    assert small.steps(run.info.run_id, "train/loss") == EPOCHS
    metrics = json.loads((small.path / "reports/genre/metrics.json").read_text())
    assert run.data.metrics["test/accuracy"] == metrics["accuracy"]
    assert run.data.params["train.epochs"] == "3"
    assert run.data.params["features.n_mels"] == "24"
    weights = sha256(small.path / "models/genre/model.safetensors")
    assert run.data.tags["earmark.model_sha256"] == metrics["model_sha256"] == weights
    config = json.loads((small.path / "models/genre/config.json").read_text())
    assert run.data.tags["earmark.train_key"] == config["hashes"]["train_key"]
    assert run.data.tags["earmark.dirty"] == "false"
    version = small.client.get_model_version_by_alias("earmark-genre", "challenger")
    assert (int(version.version), version.run_id) == (1, run.info.run_id)


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


def test_run_holds_pictures_report_and_model_text(small):
    (run,) = small.runs()
    files = {f.path for f in small.client.list_artifacts(run.info.run_id)}
    assert {"model.txt", "history.csv", "config.json", "evaluation"} <= files
    (evaluation,) = small.client.list_artifacts(run.info.run_id, "evaluation")
    inner = {f.path.split("/")[-1] for f in small.client.list_artifacts(run.info.run_id, evaluation.path)}
    assert inner == {"metrics.json", "predictions.parquet", "listening.html", "plots"}


def test_registered_model_answers_bytes_and_paths_without_pickle(small, monkeypatch, tmp_path):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(f"sqlite:///{small.path / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model("models:/earmark-genre@challenger")
    sound = small.path.parent / "audio/low/0.wav"
    by_bytes = model.predict(pd.DataFrame({"audio": [sound.read_bytes()]}))
    by_path = model.predict(pd.DataFrame({"path": [str(sound)]}))
    pd.testing.assert_frame_equal(by_bytes, by_path)
    assert set(by_bytes.columns) == {"label", "probability", "runner_up"}
    assert by_bytes.label[0] in {"low", "high", "noise"}
    monkeypatch.setenv("__pyfunc_model_path__", "served")
    with pytest.raises(Exception, match="does not read paths on the server"):
        model.predict(pd.DataFrame({"path": [str(sound)]}))
    folder = Path(download_artifacts("models:/earmark-genre@challenger", dst_path=str(tmp_path)))
    assert (folder / "artifacts").is_dir()
    assert not [p for p in folder.rglob("*") if p.suffix in {".pkl", ".pickle", ".pt", ".pth"}]


def test_second_repro_runs_publish_alone_and_changes_nothing(small):
    before = [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()]
    assert small.repro() == ["publish@genre"]
    assert [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()] == before
    assert len(small.client.search_model_versions("name = 'earmark-genre'")) == 1
    assert small.run("git", "status", "--porcelain").stdout == ""


def test_temporary_experiment_logs_to_the_same_store_and_moves_no_alias(small):
    small.run("dvc", "exp", "run", "--temp", "--name", "slower", "-S", "tasks.genre.train.lr=0.0005")
    runs = {r.data.tags.get("earmark.experiment"): r for r in small.runs()}
    assert set(runs) == {None, "slower"}
    assert runs["slower"].data.params["train.lr"] == "0.0005"
    assert runs["slower"].info.status == "FINISHED"
    assert "test/accuracy" in runs["slower"].data.metrics
    assert len(small.client.search_model_versions("name = 'earmark-genre'")) == 1
    assert small.client.get_model_version_by_alias("earmark-genre", "challenger").version == 1


def test_fresh_clone_with_cache_and_an_empty_store_trains_nothing(small, tmp_path):
    small.run("git", "clone", "-q", ".", str(tmp_path / "clone"))
    clone = type(small)(tmp_path / "clone")
    clone.run("dvc", "cache", "dir", "--local", str(small.path / ".dvc/cache"))
    assert clone.repro() == ["publish@genre"]
    (run,) = clone.runs()
    assert run.info.status == "FINISHED"
    assert clone.steps(run.info.run_id, "val/loss") == EPOCHS
    (mine,) = [r for r in small.runs() if "earmark.experiment" not in r.data.tags]
    for key in ("earmark.train_key", "earmark.model_sha256"):
        assert run.data.tags[key] == mine.data.tags[key]
    assert run.data.metrics["test/accuracy"] == mine.data.metrics["test/accuracy"]
    assert clone.client.get_model_version_by_alias("earmark-genre", "challenger").run_id == run.info.run_id


def test_training_parameter_reruns_train_evaluate_publish_only(small):
    small.set(**{"train.lr": 0.003})
    assert small.repro() == ["train@genre", "evaluate@genre", "publish@genre"]
    assert small.client.get_model_version_by_alias("earmark-genre", "challenger").version == 2


def test_promotion_and_the_way_back(small):
    assert "Version 1 is champion." in small.run("earmark", "promote", "genre", "--version", "1").stdout
    client = small.client
    worse = json.dumps({"accuracy": -0.1})
    test = next(k for k in client.get_model_version("earmark-genre", "2").tags if k.startswith("earmark.test."))
    kept = client.get_model_version("earmark-genre", "2").tags[test]
    client.set_model_version_tag("earmark-genre", "2", test, worse)
    refused = small.run("earmark", "promote", "genre", check=False)
    assert refused.returncode == 1
    assert "its accuracy is -0.100" in refused.stderr
    assert "Traceback" not in refused.stderr
    small.run("earmark", "promote", "genre", "--force", "--why", "a trial")
    assert client.get_model_version_by_alias("earmark-genre", "champion").version == 2
    assert "Version 1 is champion again" in small.run("earmark", "rollback", "genre").stdout
    assert client.get_model_version_by_alias("earmark-genre", "champion").version == 1
    assert "none before it" in small.run("earmark", "rollback", "genre", check=False).stderr
    client.set_model_version_tag("earmark-genre", "2", test, kept)
    # publish makes the present model challenger again, and leaves a champion alone
    assert small.repro() == ["publish@genre"]
    assert client.get_model_version_by_alias("earmark-genre", "challenger").version == 2


def test_champion_answers(small):
    sounds = [str(small.path.parent / f"audio/{label}/1.wav") for label in ("low", "high")]
    done = small.run("earmark", "predict", "genre", *sounds, "--json")
    answers = json.loads(done.stdout)
    assert [a["path"] for a in answers] == sounds
    for answer in answers:
        assert answer["label"] in {"low", "high", "noise"}
        assert answer["probability"] == max(answer["probabilities"].values())
    assert "earmark-genre version 1 (champion)" in done.stderr


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


def test_publish_needs_a_store_that_answers(small):
    done = small.run("earmark", "publish", "genre", check=False, MLFLOW_TRACKING_URI="http://user:secret@127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("earmark: The tracking store http://***@127.0.0.1:9")
    assert "secret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


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
