"""Connecting to an experiment that somebody deleted or renamed, and finding runs by tags of any text."""

import os
from pathlib import Path

import pytest

from earmark.registry import tracking
from stores import run

ODD = ("it's", 'a "b"', 'it\'s a "b"', "feature%2Fx", "what?", "größe", "a`b", "x' or '1' = '1")


@pytest.fixture
def tracker(project: Path) -> tracking.Tracker:
    return tracking.connect("genre")


@pytest.mark.parametrize("value", ODD)
def test_runs_are_found_by_tags_of_any_text(tracker, value):
    mine, other = run(tracker, owner_of=value), run(tracker, owner_of="x")
    assert [r.info.run_id for r in tracker.find({"earmark.owner_of": value})] == [mine]
    assert [r.info.run_id for r in tracker.find({"earmark.owner_of": value}, ["RUNNING", "KILLED"])] == []
    assert [r.info.run_id for r in tracker.find({"earmark.owner_of": value, "earmark.kind": "pipeline"})] == [mine]
    assert {r.info.run_id for r in tracker.find({}, ["FINISHED"])} == {mine, other}


def test_all_pages_are_searched_newest_first(tracker, monkeypatch):
    ids = [run(tracker, n=str(i)) for i in range(5)]
    search = tracker.client.search_runs
    monkeypatch.setattr(tracker.client, "search_runs", lambda *a, **k: search(*a, max_results=2, **k))
    assert [r.info.run_id for r in tracker.find({"earmark.kind": "pipeline"}, ["FINISHED"])] == ids[::-1]


def test_an_experiment_in_the_trash_is_restored_with_its_runs(tracker, capsys):
    mine = run(tracker, train_key="k")
    tracker.client.delete_experiment(tracker.experiment_id)
    again = tracking.connect("genre")
    sentence = "earmark: The experiment 'genre' had been deleted in MLflow: it is restored, with its runs.\n"
    assert capsys.readouterr().err == sentence
    assert again.experiment_id == tracker.experiment_id
    assert [r.info.run_id for r in again.find({"earmark.train_key": "k"})] == [mine]
    run(again)
    tracking.connect("genre")
    assert capsys.readouterr().err == ""


def test_a_renamed_experiment_is_named_and_a_new_one_made(tracker, capsys):
    run(tracker, train_key="k")
    tracker.client.rename_experiment(tracker.experiment_id, "old genre")
    again = tracking.connect("genre")
    said = capsys.readouterr().err
    assert said.startswith(
        "earmark: The experiment 'genre' was renamed to 'old genre' and keeps its runs: a new 'genre'"
    )
    assert again.experiment_id != tracker.experiment_id
    assert again.find({"earmark.train_key": "k"}) == []
    tracking.connect("genre")
    assert capsys.readouterr().err == ""


def test_the_users_environment_stays(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'mlflow.db'}\n")
    tracking.connect("genre")
    assert tracking.address() == f"sqlite:///{project / 'mlflow.db'}"
    assert os.environ["MLFLOW_TRACKING_URI"].endswith("mlflow.db\n")
    assert "MLFLOW_REGISTRY_URI" not in os.environ
