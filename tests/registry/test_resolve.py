"""Which model answers when the registry lacks something: never another one without a word."""

import shutil

import pytest

from earmark.errors import EarmarkError
from earmark.registry import resolve, tracking
from earmark.release import bundle
from stores import NAME, TASK, change, version


@pytest.fixture
def tracker(project) -> tracking.Tracker:
    """One version, which is champion."""
    found = tracking.connect("genre")
    found.client.set_registered_model_alias(NAME, "champion", version(found))
    return found


def test_the_champion_answers(tracker, project):
    chosen = resolve.champion(TASK)
    assert chosen.name == "earmark-genre version 1 (champion)"
    assert chosen.folder.is_relative_to(project / "mlartifacts/genre")
    assert (chosen.folder / "config.json").exists()


@pytest.mark.parametrize("name", ["it's", "feature%2Fx", "what?"])
def test_the_champion_of_a_project_of_any_name_answers(tracker, project, monkeypatch, name):
    project.rename(project.parent / name)
    monkeypatch.chdir(project.parent / name)
    assert resolve.model(TASK).folder.is_relative_to(project.parent / name / "mlartifacts/genre")
    assert resolve.model(TASK, "models:/earmark-genre/1").folder == resolve.champion(TASK).folder
    assert [path.name for path in project.parent.iterdir()] == [name]


def test_a_champion_without_files_is_told(tracker, project):
    shutil.rmtree(project / "mlartifacts")
    with pytest.raises(EarmarkError) as error:
        resolve.model(TASK)
    assert str(error.value).startswith(
        "earmark-genre version 1 (champion) cannot answer: its files are gone from MLflow's artifacts. Put them back"
    )
    assert str(error.value).endswith(" Or name another model with --model.")


def test_an_alias_that_points_nowhere_is_told(tracker, project):
    change(project / "mlflow.db", "UPDATE registered_model_aliases SET version = 7")
    with pytest.raises(EarmarkError, match="champion of earmark-genre is version 7, which was deleted in MLflow"):
        resolve.model(TASK)


def delete_version(client):
    client.delete_model_version(NAME, "1")


def delete_model(client):
    client.delete_registered_model(NAME)


def rename_model(client):
    client.rename_registered_model(NAME, "other")


@pytest.mark.parametrize("spoil", [delete_version, delete_model, rename_model])
def test_without_a_champion_the_released_bundle_answers_and_is_named(tracker, spoil):
    spoil(tracker.client)
    chosen = resolve.model(TASK)
    assert chosen.folder == bundle.folder("genre")
    assert chosen.sentence.startswith("Answering with earmark's released genre bundle")


def test_a_deleted_run_or_experiment_leaves_its_version(tracker):
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "1").run_id)
    tracker.client.delete_experiment(tracker.experiment_id)
    assert resolve.model(TASK).name == "earmark-genre version 1 (champion)"
    assert tracker.client.get_experiment(tracker.experiment_id).lifecycle_stage == "deleted"


def test_asking_writes_nothing(tracker, project):
    before = (project / "mlflow.db").read_bytes()
    assert resolve.model(TASK).name == "earmark-genre version 1 (champion)"
    assert (project / "mlflow.db").read_bytes() == before
