"""The chord task's pipeline as a user runs it: dvc repro on a few made songs, with its tracking store."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from earmark.evaluation.listening import page
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment

pytestmark = [pytest.mark.pipeline, pytest.mark.parametrize("small", ["chord"], indirect=True)]
FIGURES = {
    *("root", "majmin", "mirex", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads"),
    *("key_accuracy", "key_weighted", "transition_f1", "chord529_accuracy"),
}


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
        estimate = [LabSegment(*row) for row in rows[["start_s", "end_s", "label"]].itertuples(index=False)]
        truth = lab.read(small.path / "data/chord" / test.lab[name])
        judged.append(scores.ScoredSong(name, truth, estimate, name))
    again = scores.evaluate(judged, 0)
    metrics = json.loads((small.path / "reports/chord/metrics.json").read_text())
    for name in FIGURES - {"key_accuracy", "key_weighted"}:
        assert metrics[name] == pytest.approx(again[name])


def test_report_shows_every_song_and_whom_is_taken_for_whom(small):
    report = page.read(small.path / "reports/chord/listening.html")
    assert [len(recording["lanes"]) for recording in report["recordings"]] == [3, 3]
    assert ["sound" in clip for clip in report["clips"]] == [True, True]
    plots = {p.name for p in (small.path / "reports/chord/plots").iterdir()}
    assert plots == {
        *("confusion_qualities.png", "confusion_roots.png", "learning_curves.png"),
        *("confusion_qualities.csv", "confusion_roots.csv"),
        *("by_quality.csv", "by_length.csv", "taken_for.csv", "same_but_in_name.csv"),
        *("quality_weights.png", "quality_weights.csv", "quality_weights.yaml", "losses.png", "vectors.png"),
    }
    qualities = pd.read_csv(small.path / "reports/chord/plots/by_quality.csv")
    assert qualities.seconds.sum() == pytest.approx(13)
    weights = pd.read_csv(small.path / "reports/chord/plots/quality_weights.csv")
    manifest = pd.read_csv(small.path / "data/chord/manifest.csv")
    n_val = (manifest["split"] == "val").sum()
    assert weights.seconds.sum() == pytest.approx(n_val * 6.5, abs=n_val * 0.064)  # frames of 64 ms
    assert weights.right_after.mean() >= weights.right_before.mean()


def test_registered_model_answers_with_segments_and_key(small):
    mlflow.set_tracking_uri(f"sqlite:///{small.path / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model("models:/earmark-chord@challenger")
    answer = model.predict(pd.DataFrame({"path": [str(small.audio / "s0.wav")]}))
    segments = json.loads(answer.segments[0])
    assert (segments[0]["start_s"], segments[-1]["end_s"], answer.duration_s[0]) == (0, 6.5, 6.5)
    assert all(harte.parse(s["label"]) for s in segments)


def test_champion_answers_and_a_file_says_what_the_store_said(small):
    song = str(small.audio / "s0.wav")
    assert "earmark-chord version 1 (champion)" in small.run("earmark", "predict", "chord", song).stdout
    stored = pd.read_parquet(small.path / "reports/chord/predictions.parquet")
    name = stored.recording.iloc[0]
    small.run("earmark", "predict", "chord", str(small.audio / name), "--out", "heard", "--model", "models/chord")
    written = lab.read((small.path / "heard" / name).with_suffix(".lab"))
    rows = stored[stored.recording == name]
    assert [s.label for s in written] == rows.label.tolist()  # from the file as from the store
    np.testing.assert_allclose([s.start_s for s in written], rows.start_s, atol=1e-6)
