"""The chord task's pipeline as a user runs it: dvc repro on a few made songs, with its tracking store."""

import json

import numpy as np
import pandas as pd
import pytest

from chord_audio import songs
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import Segment
from project import commit, make, sha256

pytestmark = pytest.mark.pipeline
STAGES = ["prepare@chord", "features-chord", "train-chord", "evaluate-chord", "publish@chord"]
FIGURES = {
    *("root", "majmin", "mirex", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads"),
    *("key_accuracy", "key_weighted", "transition_f1", "chord529_accuracy"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project whose chord pipeline has run once; later tests build on the state they find."""
    base = tmp_path_factory.mktemp("chords")
    project = make(base / "project", songs(base / "audio"), "chord")
    project.ran = project.repro()
    commit(project, "first repro")
    return project


def test_first_repro_trains_evaluates_and_registers(small):
    assert small.ran == STAGES
    (run,) = small.runs()
    assert run.info.status == "FINISHED"
    assert small.steps(run.info.run_id, "val/loss") == [1, 2, 3]
    metrics = json.loads((small.path / "reports/chord/metrics.json").read_text())
    assert set(metrics) >= FIGURES | {f"{name}_ci95" for name in FIGURES}
    assert metrics["n_recordings"] == 2
    assert run.data.metrics["test/majmin"] == metrics["majmin"]
    assert run.data.params["features.channels"] == "2"
    weights = sha256(small.path / "models/chord/model.safetensors")
    assert run.data.tags["earmark.model_sha256"] == metrics["model_sha256"] == weights
    version = small.client.get_model_version_by_alias("earmark-chord", "challenger")
    assert (int(version.version), version.run_id) == (1, run.info.run_id)
    files = {f.path for f in small.client.list_artifacts(run.info.run_id)}
    assert {"model.txt", "history.csv", "config.json", "batch.png", "evaluation"} <= files


def test_predictions_are_the_segments_that_the_figures_judge(small):
    manifest = pd.read_csv(small.path / "data/chord/manifest.csv", dtype=str, keep_default_na=False)
    test = manifest[manifest["split"] == "test"].set_index("path")
    table = pd.read_parquet(small.path / "reports/chord/predictions.parquet")
    assert list(table.columns) == ["recording", "start_s", "end_s", "label", "probability"]
    assert sorted(table.recording.unique()) == sorted(test.index)
    assert table.probability.between(0, 1).all()
    judged = []
    for name, rows in table.groupby("recording"):
        np.testing.assert_allclose(rows.start_s.to_numpy()[1:], rows.end_s.to_numpy()[:-1])
        assert (rows.start_s.iloc[0], rows.end_s.iloc[-1]) == (0, 6.5)
        estimate = [Segment(*row) for row in rows[["start_s", "end_s", "label"]].itertuples(index=False)]
        truth = lab.read(small.path / "data/chord" / test.lab[name])
        judged.append(scores.Song(name, truth, estimate, name))
    again = scores.evaluate(judged, 0)
    metrics = json.loads((small.path / "reports/chord/metrics.json").read_text())
    for name in FIGURES - {"key_accuracy", "key_weighted"}:
        assert metrics[name] == pytest.approx(again[name])


def test_report_shows_every_song_and_whom_is_taken_for_whom(small):
    page = (small.path / "reports/chord/listening.html").read_text()
    assert (page.count("<section>"), page.count("data:image/png"), page.count("<audio")) == (2, 2, 2)
    plots = {p.name for p in (small.path / "reports/chord/plots").iterdir()}
    assert plots == {
        *("confusion_qualities.png", "confusion_roots.png", "learning_curves.png"),
        *("by_quality.csv", "by_length.csv", "same_but_in_name.csv"),
        *("quality_weights.png", "quality_weights.csv", "vectors.png"),
    }
    qualities = pd.read_csv(small.path / "reports/chord/plots/by_quality.csv")
    assert qualities.seconds.sum() == pytest.approx(13)
    weights = pd.read_csv(small.path / "reports/chord/plots/quality_weights.csv")
    manifest = pd.read_csv(small.path / "data/chord/manifest.csv")
    n_val = (manifest["split"] == "val").sum()
    assert weights.seconds.sum() == pytest.approx(n_val * 6.5, abs=n_val * 0.064)  # frames of 64 ms
    assert weights.right_after.mean() >= weights.right_before.mean()


def test_registered_model_answers_bytes_with_segments_and_key(small, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(f"sqlite:///{small.path / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model("models:/earmark-chord@challenger")
    path = small.path.parent / "audio/s0.wav"
    answer = model.predict(pd.DataFrame({"audio": [path.read_bytes()]}))
    pd.testing.assert_frame_equal(answer, model.predict(pd.DataFrame({"path": [str(path)]})))
    assert list(answer.columns) == ["segments", "key", "key_probability", "duration_s"]
    segments = json.loads(answer.segments[0])
    assert (segments[0]["start_s"], segments[-1]["end_s"], answer.duration_s[0]) == (0, 6.5, 6.5)
    assert all(harte.parse(s["label"]) for s in segments)
    with pytest.raises(Exception, match="cannot be used"):
        model.predict(pd.DataFrame({"audio": [b"no audio"]}))


def test_second_repro_runs_publish_alone_and_changes_nothing(small):
    before = [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()]
    assert small.repro() == ["publish@chord"]
    assert [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()] == before
    assert len(small.client.search_model_versions("name = 'earmark-chord'")) == 1


def test_temporary_experiment_logs_to_the_same_store_and_moves_no_alias(small):
    small.run("dvc", "exp", "run", "--temp", "--name", "calmer", "-S", "tasks.chord.train.lr=0.002")
    runs = {r.data.tags.get("earmark.experiment"): r for r in small.runs()}
    assert set(runs) == {None, "calmer"}
    assert runs["calmer"].data.params["train.lr"] == "0.002"
    assert runs["calmer"].info.status == "FINISHED"
    assert "test/majmin" in runs["calmer"].data.metrics
    assert len(small.client.search_model_versions("name = 'earmark-chord'")) == 1
    assert small.client.get_model_version_by_alias("earmark-chord", "challenger").version == 1


def test_promotion_champion_and_the_way_back(small):
    assert "Version 1 is champion." in small.run("earmark", "promote", "chord").stdout
    heard = small.run("earmark", "predict", "chord", str(small.path.parent / "audio/s0.wav"), "--json")
    assert "earmark-chord version 1 (champion)" in heard.stderr
    stored = pd.read_parquet(small.path / "reports/chord/predictions.parquet")
    name = stored.recording.iloc[0]
    out = small.run("earmark", "predict", "chord", str(small.path.parent / "audio" / name), "--out", "heard")
    assert out.returncode == 0
    written = lab.read((small.path / "heard" / name).with_suffix(".lab"))
    rows = stored[stored.recording == name]
    assert [s.label for s in written] == rows.label.tolist()  # from the file as from the store
    np.testing.assert_allclose([s.start_s for s in written], rows.start_s, atol=1e-6)
    small.set(**{"train.lr": 0.0001})
    assert small.repro() == ["train-chord", "evaluate-chord", "publish@chord"]
    client = small.client
    assert client.get_model_version_by_alias("earmark-chord", "challenger").version == 2
    test = next(k for k in client.get_model_version("earmark-chord", "2").tags if k.startswith("earmark.test."))
    client.set_model_version_tag("earmark-chord", "2", test, json.dumps({"majmin": -0.1}))
    refused = small.run("earmark", "promote", "chord", check=False)
    assert (refused.returncode, "its majmin is -0.100" in refused.stderr) == (1, True)
    small.run("earmark", "promote", "chord", "--force", "--why", "a trial")
    assert "Version 1 is champion again" in small.run("earmark", "rollback", "chord").stdout
