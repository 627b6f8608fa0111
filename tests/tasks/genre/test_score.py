"""A labelled folder judged: figures by hand, what is left out, its own test set beside it, files and the run."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mlflow import MlflowClient

from builders import small_folder
from bundles import LABELS, small_bundle, small_chord_bundle
from chord_audio import songs
from earmark.data.learnt import UNKNOWN, Learnt
from earmark.errors import EarmarkError
from earmark.experiments import score
from earmark.tasks import catalog
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.scores import ScoredSong, evaluate
from earmark.tasks.genre import score as score_genre
from earmark.tasks.genre.predictions import Answer
from earmark.training import model_files

GENRE, CHORD = catalog.task("genre"), catalog.task("chord")


def plain_progress(items, total, title):
    return items


class Said:
    """A predictor whose answers are told by file name: 0.8 for that label, 0.1 for the others."""

    def __init__(self, answers: dict[str, str]):
        self.answers = answers

    def __call__(self, path) -> Answer:
        p = np.array([0.8 if label == self.answers[path.name] else 0.1 for label in LABELS])
        return Answer(LABELS, p, np.stack([p, p]), np.array([0.0, 0.5]), 1.0, 0.5, 1.5)


@pytest.fixture
def judged(tmp_path):
    """Five recordings in three groups: low is right twice of three, high once of two."""
    rows = ["path,label,group", "a,low,g1", "b,low,g1", "c,low,g2", "d,high,g3", "e,high,g3"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    table = score_genre.recordings(tmp_path, LABELS, print)
    said = Said({"a": "low", "b": "low", "c": "noise", "d": "high", "e": "low"})
    predictions, unusable = score_genre.judge(table, tmp_path, said, plain_progress)
    assert not len(unusable)
    return predictions


def test_figures_by_hand(judged):
    found = score_genre.figures(judged, LABELS)
    # F1: low 2*2/(3+3), high 2*1/(2+1), noise does not occur among the true labels
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["ece"] == pytest.approx(0.8 - 3 / 5)
    assert (found["n_recordings"], found["n_groups"]) == (5, 3)
    # groups alone are right 2/2, 0/1, 1/2, and three say little
    low, high = found["accuracy_ci95"]
    assert 0 < low < 0.2
    assert 0.85 < high < 1
    assert found["ci95_methods"] == {"gaffke": ["accuracy", "macro_f1"], "bootstrap": ["ece"]}


def test_by_class_by_hand(judged):
    assert score.by_class(judged) == {
        "high": {"n": 2, "recall": 0.5, "taken_for": {"low": 1}},
        "low": {"n": 3, "recall": pytest.approx(2 / 3), "taken_for": {"noise": 1}},
    }


def test_taken_for_counts_most_first():
    rows = [("x", said) for said in ("b", "a", "b", "c", "x")]
    table = pd.DataFrame(rows, columns=["label", "recording_predicted"]).assign(window=0)
    got = score.by_class(table)["x"]
    assert (got["n"], got["recall"]) == (5, pytest.approx(0.2))
    assert list(got["taken_for"].items()) == [("b", 2), ("a", 1), ("c", 1)]


def test_differences_keep_the_asymmetry_of_the_intervals():
    ours = {"accuracy": 0.7, "accuracy_ci95": [0.6, 0.75]}
    real = {"accuracy": 0.9, "accuracy_ci95": [0.78, 0.94]}
    got = score.differences(GENRE.compared, ours, real)
    assert got["accuracy"] == pytest.approx(-0.2)
    # Zou and Donner: -0.2 -+ sqrt(.1^2 + .04^2), sqrt(.05^2 + .12^2)
    assert got["accuracy_ci95"] == pytest.approx([-0.2 - 0.0116**0.5, -0.2 + 0.0169**0.5])


def test_unknown_label_names_the_known_ones(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label,group\na,low,1\nb,hihg,2\nc,hihg,3\n")
    with pytest.raises(EarmarkError) as e:
        score_genre.recordings(tmp_path, LABELS, print)
    assert str(e.value) == (
        f"{tmp_path} has 2 recordings of 'hihg', which the model does not know; did you mean 'high'? "
        "Known: high, low, noise."
    )
    (tmp_path / "manifest.csv").write_text("path,label,group\na,trumpet,1\n")
    with pytest.raises(EarmarkError, match=r"1 recording of 'trumpet', .*; known: high, low, noise\.$"):
        score_genre.recordings(tmp_path, LABELS, print)
    with pytest.raises(EarmarkError, match=r"There is no folder .*nowhere"):
        score_genre.recordings(tmp_path / "nowhere", LABELS, print)


def test_manifest_may_not_leave_its_folder(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label,group\n../secret.wav,low,1\n")
    table = score_genre.recordings(tmp_path, LABELS, print)
    with pytest.raises(EarmarkError, match=r"line 2: '../secret.wav' lies outside"):
        score_genre.judge(table, tmp_path, Said({}), plain_progress)


@pytest.fixture
def place(workplace):
    """A project without any training, sounds to judge with one unusable file of three kinds, and a bundle."""
    small_folder(workplace / "sounds")
    sf.write(workplace / "sounds/low/0.wav", np.zeros(8000), 8000)
    (workplace / "sounds/high/0.wav").write_text("no audio")
    (workplace / "sounds/noise/0.wav").unlink()
    (workplace / "params.yaml").write_text("")
    return workplace


REAL = {"accuracy": 0.9, "accuracy_ci95": [0.8, 0.95], "macro_f1": 0.88, "macro_f1_ci95": [0.78, 0.94]}


def test_one_file_under_two_labels_is_no_test(place, earmark):
    small_bundle(place / "bundles")
    (place / "sounds/high/1.wav").write_bytes((place / "sounds/low/1.wav").read_bytes())
    code, _, err = earmark("score", "genre", "sounds")
    assert code == 1
    assert err[-1] == (
        "earmark: 'low/1.wav' and 'high/1.wav' hold the same bytes, but are labelled 'low' and 'high'; remove one, or "
        "correct its label."
    )


def test_score_writes_files_and_a_run(place, earmark):
    small_bundle(place / "bundles", figures=REAL)
    code, out, err = earmark("score", "genre", "sounds")
    assert code == 0
    found = json.loads((place / "score/genre/score.json").read_text())
    predictions = pd.read_parquet(place / "score/genre/predictions.parquet")
    songs = predictions[predictions["window"] == 0]
    assert found["n_recordings"] == len(songs) == 15
    assert found["accuracy"] == (songs.recording_predicted == songs.label).mean()
    reasons = {row["path"]: row["reason"] for row in found["unusable"]}
    assert reasons["low/0.wav"] == "it is digital silence: every sample is zero"
    assert reasons["noise/0.wav"] == "the file does not exist"
    assert "cannot be decoded" in reasons["high/0.wav"]
    assert sum(line.startswith("earmark: left out ") for line in err) == 3
    assert "15 recordings judged, 3 left out" in out
    assert found["real"]["accuracy"] == 0.9
    assert found["difference"]["accuracy"] == found["accuracy"] - 0.9
    assert "the recipe's cross-validation" in out
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("genre").experiment_id])
    assert (run.data.tags["earmark.kind"], run.info.status) == ("score", "FINISHED")
    assert run.data.metrics["score/accuracy"] == found["accuracy"]
    assert run.data.metrics["score-minus-test/accuracy"] == found["difference"]["accuracy"]
    assert run.data.metrics["score-ci95/accuracy_low"] == found["accuracy_ci95"][0]
    assert run.data.tags["earmark.model_sha256"] == found["model_sha256"]
    logged = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert logged == {"score.json", "predictions.parquet", "confusion.png"}


def test_scoring_outside_a_project_says_that_nothing_is_logged(place, earmark):
    small_bundle(place / "bundles")
    (place / "params.yaml").unlink()
    code, out, err = earmark("score", "genre", "sounds", "--out", "here")
    assert code == 0
    assert any("nothing is logged in MLflow" in line for line in err)
    assert "The figures of this model on its own test set are not known." in out
    assert {p.name for p in (place / "here").iterdir()} == {"score.json", "predictions.parquet", "confusion.png"}
    assert not (place / "mlflow.db").exists()


def test_nothing_usable_is_one_sentence_and_writes_nothing(place, earmark):
    small_bundle(place / "bundles")
    (place / "params.yaml").unlink()
    (place / "sounds/manifest.csv").write_text("path,label,group\nlow/0.wav,low,1\nhigh/0.wav,high,2\n")
    code, _, err = earmark("score", "genre", "sounds")
    assert code == 1
    assert err[-1] == (
        "earmark: No recording of sounds can be used; the first is low/0.wav: "
        "it is digital silence: every sample is zero."
    )
    assert not (place / "score").exists()


def test_real_figures_are_those_of_the_same_weights(place, judged):
    folder = small_bundle(place / "bundles", figures=REAL)
    reports = place / "reports"
    reports.mkdir()
    theirs = REAL | {"accuracy": 0.5, "model_sha256": model_files.weights_sha256(folder)}
    (reports / "metrics.json").write_text(json.dumps(theirs))
    judged.to_parquet(reports / "predictions.parquet")
    got = score.real_figures(GENRE, folder, reports)
    assert got["accuracy"] == 0.5
    assert got["recall"] == {"high": 0.5, "low": pytest.approx(2 / 3)}
    (reports / "metrics.json").write_text(json.dumps(theirs | {"model_sha256": "other"}))
    got = score.real_figures(GENRE, folder, reports)
    assert got == REAL | {"from": "the recipe's cross-validation, as the bundle's card says"}


def test_real_figures_from_the_run_that_made_the_model(place):
    from earmark.registry import tracking

    folder = small_bundle(place / "bundles")
    tracker = tracking.connect("genre")
    assert score.real_figures(GENRE, folder, place / "reports", tracker) is None
    tags = {"earmark.kind": "pipeline", "earmark.model_sha256": model_files.weights_sha256(folder)}
    tracker.log(tracker.create("run", tags, {}), tracking.numbers("test", REAL))
    got = score.real_figures(GENRE, folder, place / "reports", tracker)
    assert got == REAL | {"from": "the test set that its MLflow run was evaluated on"}


def test_a_folder_of_songs_is_judged_by_its_chords(workplace, earmark):
    (workplace / "params.yaml").write_text("")
    songs(workplace / "songs")
    (workplace / "songs/s3.wav").write_text("no audio")
    bundle = small_chord_bundle(workplace / "bundles/chord")
    code, out, err = earmark("score", "chord", "songs", "--out", "here")
    assert code == 0, err
    assert next(line for line in err if "left out" in line).startswith("earmark: left out s3.wav: ")
    found = json.loads((workplace / "here/score.json").read_text())
    assert (found["n_recordings"], found["n_groups"], len(found["unusable"])) == (9, 9, 1)
    assert found["model_sha256"] == model_files.weights_sha256(bundle)
    table = pd.read_parquet(workplace / "here/predictions.parquet")
    again = []
    for name, rows in table.groupby("recording"):
        estimate = [LabSegment(*row) for row in rows[["start_s", "end_s", "label"]].itertuples(index=False)]
        again.append(ScoredSong(name, lab.read((workplace / "songs" / name).with_suffix(".lab")), estimate, name))
    assert found["majmin"] == pytest.approx(evaluate(again, 0)["majmin"])
    assert "9 recordings judged, 1 left out" in out
    assert "The figures of this model on its own test set are not known" in out
    client = MlflowClient(f"sqlite:///{workplace / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("chord").experiment_id])
    assert run.data.metrics["score/majmin"] == found["majmin"]
    assert "by_quality.csv" in {f.path for f in client.list_artifacts(run.info.run_id)}
    assert {f["path"] for f in found["unusable"]} == {"s3.wav"}


def test_real_figures_of_chords_are_the_cards_or_the_test_sets(workplace):
    figures = {"majmin": 0.8, "majmin_ci95": [0.7, 0.9], "tetrads": 0.6, "accuracy": 1.0}
    bundle = small_chord_bundle(workplace / "bundles/chord", figures=figures)
    got = score.real_figures(CHORD, bundle, workplace / "reports")
    assert got.pop("from") == "the recipe's own songs, as the bundle's card says"
    assert got == {"majmin": 0.8, "majmin_ci95": [0.7, 0.9]}  # what has no interval cannot be compared
    assert score.differences(CHORD.compared, {"majmin": 0.7, "majmin_ci95": [0.5, 0.8]}, got)[
        "majmin"
    ] == pytest.approx(-0.1)


def sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_recordings_of_the_training_are_left_out(place, earmark):
    folder = small_bundle(place / "bundles")
    met = [place / "sounds/low/1.wav", place / "sounds/high/2.wav"]  # groups low0 (0 is silent) and high1 (and 3)
    model_files.write_learnt(folder, [(sha256(path), "train") for path in met])
    code, _, err = earmark("score", "genre", "sounds")
    assert code == 0, err
    assert (
        "earmark: 2 of 18 recordings in sounds are among those that the model "
        "was trained or validated on (low/1.wav, high/2.wav): left out, with 2 "
        "more of the same groups; --with-training judges them, too."
    ) in err
    found = json.loads((place / "score/genre/score.json").read_text())
    assert found["n_recordings"] == 12
    assert found["in_training"] == {"met": ["low/1.wav", "high/2.wav"], "judged": False, "n_left_out": 4}
    judged = set(pd.read_parquet(place / "score/genre/predictions.parquet").recording)
    assert judged.isdisjoint({"low/1.wav", "high/2.wav", "high/3.wav"})
    assert earmark("score", "genre", "sounds", "--with-training")[0] == 0
    again = json.loads((place / "score/genre/score.json").read_text())
    assert (again["n_recordings"], again["in_training"]["judged"]) == (15, True)
    assert again["score_manifest_sha256"] != found["score_manifest_sha256"]


def test_nothing_but_the_training_writes_nothing(place, earmark):
    folder = small_bundle(place / "bundles")
    model_files.write_learnt(folder, [(sha256(path), "val") for path in (place / "sounds").glob("*/[1-5].wav")])
    (place / "sounds/high/0.wav").unlink()
    (place / "sounds/low/0.wav").unlink()
    code, _, err = earmark("score", "genre", "sounds")
    assert code == 1
    assert err[-1].endswith("; name a folder of other recordings, or score all of them with --with-training.")
    assert not (place / "score/genre/score.json").exists()


def test_a_model_without_a_list_says_that_it_cannot_be_known(place, earmark):
    small_bundle(place / "bundles")
    code, _, err = earmark("score", "genre", "sounds")
    assert code == 0
    assert f"earmark: {UNKNOWN}" in err
    assert json.loads((place / "score/genre/score.json").read_text())["in_training"] is None


def test_models_of_before_are_known_by_their_run(place):
    from earmark.registry import tracking

    folder, tracker = small_bundle(place / "bundles"), tracking.connect("genre")
    tags = {"earmark.kind": "pipeline", "earmark.model_sha256": model_files.weights_sha256(folder)}
    (place / "manifest.csv").write_text("path,sha256,split\na,1,train\nb,2,test\nc,3,val\n")
    tracker.client.log_artifact(tracker.create("run", tags, {}), str(place / "manifest.csv"), "data")
    tracker.create("without files", tags, {})
    assert score.known_recordings(folder, tracker) == {"1", "3"}
    assert score.known_recordings(folder) is None
    model_files.write_learnt(folder, [("7", "train")])
    assert score.known_recordings(folder, tracker) == {"7"}


def test_songs_of_the_training_are_left_out(workplace):
    songs(workplace / "songs")
    model, said = small_chord_bundle(workplace / "bundles/chord"), []
    learnt = Learnt({sha256(workplace / "songs/s3.wav")})
    found = CHORD.room("score").judge_folder(model, workplace / "songs", said.append, plain_progress, learnt)
    assert found.figures["n_recordings"] == 9
    assert "s3.wav" not in set(found.predictions.recording)
    assert "1 of 10 recordings" in said[-1]
