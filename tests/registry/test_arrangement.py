"""What MLflow's pages show first: descriptions and saved views, made once, and a person's own left alone."""

import json

import pytest

from earmark.pipeline import publish
from earmark.registry import arrangement, tracking, versions
from earmark.tasks import catalog
from published import PLACES, registered, write
from stores import NAME, TASK


@pytest.fixture
def published(project, monkeypatch):
    """A store that shows one training, and what publishes it again."""
    write(accuracy=0.9, accuracy_ci95=[0.7, 0.98], baseline_accuracy=0.85, baseline_classical_accuracy=0.875)
    monkeypatch.setattr(versions, "register", registered)
    again = lambda: publish.run(TASK, *PLACES, {"train.lr": "0.1"})  # noqa: E731
    again()
    return tracking.connect("genre"), again


def experiment(tracker):
    return tracker.client.get_experiment(tracker.experiment_id)


def run(tracker):
    return tracker.find({"earmark.kind": "pipeline"})[0]


def state(tracker, key: str) -> dict:
    return json.loads(json.loads(experiment(tracker).tags[f"mlflow.sharedViewState.{key}"])["state"])


def test_the_leaderboard_has_the_headline_its_interval_and_the_best_baseline(published):
    tracker, _ = published
    board = state(tracker, "leaderboard")
    assert board["searchFilter"] == "tags.`earmark.kind` = 'pipeline'"
    assert (board["orderByKey"], board["orderByAsc"]) == ("metrics.`test/accuracy`", False)
    assert board["selectedColumns"][:3] == [
        "metrics.`test/accuracy`",
        "tags.`earmark.interval`",
        "tags.`earmark.baseline`",
    ]
    found = run(tracker).data
    assert (found.metrics["test/accuracy"], found.tags["earmark.interval"]) == (0.9, "0.700 to 0.980")
    assert found.tags["earmark.baseline"] == "0.875 a classifier on 538 features of librosa"


def test_errors_are_sorted_lowest_first(project):
    views = arrangement.views(catalog.task("speaker"))
    assert [(v.key, v.ascending) for v in views] == [("leaderboard", True), ("curves", False), ("trials", True)]


def test_a_run_says_how_good_it_is_first_and_links_to_what_shows_it(published):
    tracker, _ = published
    found = run(tracker)
    first, rest = found.data.tags["mlflow.note.content"].split("\n\n", 1)
    at = f"#/experiments/{tracker.experiment_id}/runs/{found.info.run_id}/artifacts"
    sha = next(k for k in found.data.tags if k.startswith("earmark.evaluation."))[-8:]
    assert first.startswith("**Accuracy, by recording: 0.900 [0.700, 0.980]**")
    for file in (f"evaluation/{sha}/listening.html", f"evaluation/{sha}/plots/confusion.png", "card/CARD.md"):
        assert f"({at}/{file}?workflowType=machine_learning)" in first
        folder = file.rpartition("/")[0]
        assert file in [f.path for f in tracker.client.list_artifacts(found.info.run_id, folder)]
    assert "a classifier on 538 features of librosa 0.875" in rest


def test_recordings_of_each_split_are_the_runs_datasets(published):
    tracker, _ = published
    found = {d.dataset.name: json.loads(d.dataset.profile) for d in run(tracker).inputs.dataset_inputs}
    assert found == {
        f"genre-{split}": {"recordings": 3, "groups": 3, "minutes": 0.1} for split in ("train", "val", "test")
    }


def test_parquet_has_a_table_beside_it_that_mlflow_shows(published):
    tracker, _ = published
    sha = next(k for k in run(tracker).data.tags if k.startswith("earmark.evaluation."))[-8:]
    files = [f.path for f in tracker.client.list_artifacts(run(tracker).info.run_id, f"evaluation/{sha}")]
    assert f"evaluation/{sha}/predictions.csv" in files


def test_again_nothing_is_written(published):
    tracker, again = published
    before = experiment(tracker).tags, run(tracker).data.tags, tracker.client.get_registered_model(NAME)
    again()
    now = tracker.client.get_registered_model(NAME)
    assert (experiment(tracker).tags, run(tracker).data.tags) == before[:2]
    assert now.last_updated_timestamp == before[2].last_updated_timestamp


def test_what_a_person_wrote_stays(published):
    tracker, again = published
    client, run_id = tracker.client, run(tracker).info.run_id
    key = "mlflow.sharedViewState.leaderboard"
    view = json.loads(experiment(tracker).tags[key]) | {"state": json.dumps({"searchFilter": "mine"})}
    client.set_experiment_tag(tracker.experiment_id, key, json.dumps(view))
    client.set_experiment_tag(tracker.experiment_id, "mlflow.note.content", "ours")
    client.set_tag(run_id, "mlflow.note.content", "mine")
    client.update_registered_model(NAME, "theirs")
    again()
    assert state(tracker, "leaderboard") == {"searchFilter": "mine"}
    assert experiment(tracker).tags["mlflow.note.content"] == "ours"
    assert run(tracker).data.tags["mlflow.note.content"] == "mine"
    assert client.get_registered_model(NAME).description == "theirs"


def test_a_view_of_an_earlier_release_is_brought_up_to_date(published, monkeypatch):
    tracker, again = published
    made = json.loads(experiment(tracker).tags["mlflow.sharedViewState.trials"])["createdAt"]
    monkeypatch.setattr(arrangement.View, "state", property(lambda view: {"orderByKey": "of the next release"}))
    again()
    now = json.loads(experiment(tracker).tags["mlflow.sharedViewState.trials"])
    assert (json.loads(now["state"]), now["createdAt"]) == ({"orderByKey": "of the next release"}, made)


def test_links_are_of_the_tasks_that_have_runs(published):
    tracker, _ = published
    found = arrangement.links(tracker.client, catalog.tasks())
    view = "workflowType=machine_learning&viewStateShareKey=leaderboard"
    assert found == {"genre": f"#/experiments/{tracker.experiment_id}/runs?{view}"}
