"""A cross-validation's files and run, and a release that quotes them."""

import json

import pandas as pd
import pytest
from mlflow import MlflowClient

from builders import plain_progress, small_folder
from chord_audio import songs
from earmark import config
from earmark.evaluation import metrics
from earmark.experiments import crossval
from earmark.tasks import catalog, model_folder
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.training import key
from project import write_params


@pytest.fixture
def place(workplace):
    """A project on a small folder of sounds."""
    small_folder(workplace / "audio")
    write_params(workplace, **{"data.root": "audio", "train.epochs": 1})
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
    assert found["recipe"] == key.recipe(config.load("params.yaml").tasks["genre"])
    assert found["folds"] == ["fold1", "fold2", "fold3"] == list(found["baseline_classical_chosen"])
    assert found["baseline_classical_accuracy"] == 1.0  # tones and noise
    words = ("--about", "tones", "--data", "Generated, CC0", "--figures", "crossval/genre/metrics.json")
    code, _, _ = earmark("release", "genre", *words)
    assert code == 0
    facts = model_folder.read_config(place / "release/genre").release
    assert facts["data_sha256"] == found["data_sha256"]
    assert facts["figures"]["accuracy"] == found["accuracy"]
    assert "in 3 folds" in (place / "release/genre/CARD.md").read_text()
    code, _, err = earmark("release", "genre", *words, "-S", "train.weight_decay=0.9")
    assert code == 1
    assert "belongs to another recipe: train.weight_decay is" in "".join(err)


def test_a_store_that_is_kept_gets_what_baselines_read(place):
    task, asked = catalog.task("genre"), config.load_task(place / "params.yaml", "genre")
    table, root = crossval.recordings(task, asked.data, 3, print, plain_progress)
    kept = [crossval.features_of(task, table, root, asked.features, print, plain_progress)]
    written, store = kept[0] / "classical.npy", kept[0] / "store.json"
    before, at = written.read_bytes(), store.stat().st_mtime_ns
    written.unlink()
    kept.append(crossval.features_of(task, table, root, asked.features, print, plain_progress))
    assert kept[0] == kept[1]
    assert written.read_bytes() == before
    assert store.stat().st_mtime_ns == at


@pytest.mark.parametrize("k", ["1", "0", "-2"])
def test_less_than_two_folds_are_refused_before_any_work(place, earmark, k):
    code, out, err = earmark("crossval", "genre", "--k", k)
    assert (code, out) == (1, "")
    assert err == [
        f"earmark: --k is {k}, but must be at least 2: each fold is tested by a model trained on the others."
    ]
    assert not (place / "mlflow.db").exists()


@pytest.mark.parametrize(("k", "n"), [(2, 2), (3, 3), (4, 3), (50, 3)])
def test_folds_are_as_many_as_a_class_has_groups(place, k, n):
    asked, said = config.load_task(place / "params.yaml", "genre"), []
    table, _ = crossval.recordings(catalog.task("genre"), asked.data, k, said.append, lambda items, *_: items)
    assert table.fold.nunique() == n
    told = [f"{k} folds were asked for, but only 3 can be made: no class has more groups than that."] if k > n else []
    assert [sentence for sentence in said if "asked for" in sentence] == told


@pytest.fixture
def songs_of_two_folds(workplace):
    """A project on ten songs of chords, in the folds a and b."""
    manifest = songs(workplace / "audio") / "manifest.csv"
    header, *rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([f"{header},split", *(f"{r},{'ab'[i % 2]}" for i, r in enumerate(rows))]) + "\n")
    write_params(workplace, "chord", **{"data.root": "audio", "train.epochs": 1})
    return workplace


def test_chords_are_judged_in_time_by_networks_that_never_heard_the_song(songs_of_two_folds, earmark):
    code, out, err = earmark("crossval", "chord")
    assert code == 0, err
    assert "a: majmin " in out
    found = json.loads((songs_of_two_folds / "crossval/chord/metrics.json").read_text())
    assert (found["n_recordings"], found["n_groups"], found["folds"]) == (10, 10, ["a", "b"])
    assert found["recipe"] == key.recipe(config.load("params.yaml").tasks["chord"])
    table = pd.read_parquet(songs_of_two_folds / "crossval/chord/predictions.parquet")
    fold = table.groupby("recording").fold.agg(set).to_dict()
    assert fold == {f"s{i}.wav": {"ab"[i % 2]} for i in range(10)}
    judged = []
    for name, rows in table.groupby("recording"):
        estimate = [LabSegment(*row) for row in rows[["start_s", "end_s", "label"]].itertuples(index=False)]
        truth = lab.read((songs_of_two_folds / "audio" / name).with_suffix(".lab"))
        judged.append(scores.ScoredSong(name, truth, estimate, name))
    again = scores.evaluate(judged, 0)
    for name in ("majmin", "tetrads", "seg", "chord529_accuracy"):
        assert found[name] == pytest.approx(again[name])
    low, high = found["majmin_ci95"]
    assert low <= found["majmin"] <= high
    client = MlflowClient(f"sqlite:///{songs_of_two_folds / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("chord").experiment_id
    (parent,) = client.search_runs([experiment], "tags.`earmark.kind` = 'crossval'")
    assert parent.data.metrics["test/majmin"] == found["majmin"]
    assert {"by_quality.csv", "confusion_roots.png"} <= {f.path for f in client.list_artifacts(parent.info.run_id)}
    folds = client.search_runs([experiment], "tags.`earmark.kind` = 'fold'")
    assert {r.data.tags["earmark.fold"] for r in folds} == {"a", "b"}


def test_some_folds_of_chords(songs_of_two_folds, earmark):
    assert earmark("crossval", "chord", "--folds", "b")[0] == 0
    table = pd.read_parquet(songs_of_two_folds / "crossval/chord/predictions.parquet")
    assert sorted(table.recording.unique()) == [f"s{i}.wav" for i in (1, 3, 5, 7, 9)]
    code, _, err = earmark("crossval", "chord", "--folds", "c")
    assert (code, "There is no fold 'c'" in err[-1]) == (1, True)
