"""Registered versions beside the models that MLflow logged them from."""

import json

import pytest
from mlflow.entities import LoggedModelStatus
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from earmark.registry import tracking, versions
from stores import NAME, TASK, run


@pytest.fixture
def tracker(project) -> tracking.Tracker:
    found = tracking.connect("genre")
    found.client.create_registered_model(NAME)
    return found


def logged(tracker, register: bool = True):
    """A logged model as earlier releases left it: its version does not stand on its page."""
    client, run_id = tracker.client, run(tracker)
    model = client.create_logged_model(tracker.experiment_id, name="model", source_run_id=run_id)
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    uri = f"models:/{model.model_id}"
    return model, client.create_model_version(NAME, uri, run_id, model_id=model.model_id) if register else None


def shown(tracker, model) -> list | None:
    text = tracker.client.get_logged_model(model.model_id).tags.get(MLFLOW_MODEL_VERSIONS)
    return text and json.loads(text)


def test_a_model_names_its_version_as_mlflow_itself_writes_it(tracker):
    import mlflow

    theirs, _ = logged(tracker, register=False)
    mlflow.register_model(f"models:/{theirs.model_id}", NAME)
    mine, version = logged(tracker)
    assert shown(tracker, mine) is None
    assert versions.link(tracker.client, version) is False
    (known,) = shown(tracker, theirs)
    assert shown(tracker, mine) == [{"name": NAME, "version": type(known["version"])(2)}]
    assert versions.link(tracker.client, version) is True
    assert len(shown(tracker, mine)) == 1


def test_versions_of_before_are_linked_and_then_left(tracker, monkeypatch):
    models = [logged(tracker) for _ in range(3)]
    tracker.client.delete_logged_model(models[0][0].model_id)
    versions.link_all(tracker.client, TASK)
    assert [[int(v["version"]) for v in shown(tracker, model)] for model, _ in models[1:]] == [[2], [3]]
    asked, look = [], tracker.client.get_logged_model
    monkeypatch.setattr(tracker.client, "get_logged_model", lambda id_: asked.append(id_) or look(id_))
    versions.link_all(tracker.client, TASK)
    assert asked == [model.model_id for model, _ in models[:2]]


def test_a_version_without_a_logged_model_is_left(tracker):
    version = tracker.client.create_model_version(NAME, "file:///elsewhere", run(tracker))
    assert versions.link(tracker.client, version) is False


def test_an_evaluation_is_kept_with_what_a_promotion_says():
    figures = {"accuracy": 0.5, "accuracy_ci95": [0.25, 0.75], "n_recordings": 8, "baseline_accuracy": 0.75, "ece": 0.1}
    assert versions.evaluation_tags(TASK, figures | {"test_manifest_sha256": "a" * 64}) == {
        f"earmark.test.{'a' * 16}": json.dumps({k: v for k, v in figures.items() if k != "ece"})
    }
