"""Promotion and its way back, when somebody has deleted or renamed what they need."""

import shutil

import pytest

from earmark.registry import tracking
from stores import NAME, champion, change, version


@pytest.fixture
def tracker(project) -> tracking.Tracker:
    """Two versions; the second became champion after the first."""
    found = tracking.connect("genre")
    for number in (version(found), version(found)):
        found.client.set_registered_model_alias(NAME, "champion", number)
    found.client.set_model_version_tag(NAME, "2", "earmark.previous_champion", "1")
    return found


def said(earmark, *command: str) -> str:
    """The one line that a command says as it fails."""
    code, out, err = earmark(*command)
    assert (code, out, len(err)) == (1, "", 1)
    return err[0].removeprefix("earmark: ")


def drop_files(tracker, number: str) -> None:
    place = tracker.client.get_run(tracker.client.get_model_version(NAME, number).run_id).info.artifact_uri
    shutil.rmtree(place.removeprefix("file://"))


def test_rollback_gives_the_alias_back(tracker, earmark):
    assert earmark("rollback", "genre")[:2] == (0, "Version 1 is champion again; version 2 was rolled back.\n")
    assert champion(tracker.client) == 1


def test_rollback_to_a_deleted_version_leaves_the_champion(tracker, earmark):
    tracker.client.delete_model_version(NAME, "1")
    assert said(earmark, "rollback", "genre") == (
        "Version 1 of earmark-genre, the champion before, was deleted in MLflow: version 2 stays champion. To make "
        "another one champion, run `earmark promote genre --version N`: it has the version 2."
    )
    assert champion(tracker.client) == 2
    assert tracker.client.get_model_version(NAME, "2").tags["earmark.previous_champion"] == "1"
    assert "earmark.rolled_back" not in tracker.client.get_model_version(NAME, "2").tags


def test_rollback_to_a_version_without_files_leaves_the_champion(tracker, earmark):
    drop_files(tracker, "1")
    sentence = said(earmark, "rollback", "genre")
    assert sentence.startswith(
        "Version 1 of earmark-genre, the champion before, cannot answer: version 2 stays champion; its files are gone "
        "from MLflow's artifacts."
    )
    assert champion(tracker.client) == 2


def test_rollback_to_a_version_whose_run_was_deleted(tracker, earmark):
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "1").run_id)
    assert earmark("rollback", "genre")[0] == 0
    assert champion(tracker.client) == 1


def test_rollback_of_a_deleted_champion(tracker, earmark):
    tracker.client.delete_model_version(NAME, "2")
    assert said(earmark, "rollback", "genre") == (
        "earmark-genre has no champion; promote a version first: it has the version 1."
    )
    assert earmark("promote", "genre", "--version", "1")[:2] == (0, "Version 1 is champion.\n")


def test_an_alias_that_points_nowhere(tracker, project, earmark):
    """As a version has it that was removed behind MLflow's back."""
    change(project / "mlflow.db", "UPDATE registered_model_aliases SET version = 7")
    lost = (
        "The champion of earmark-genre is version 7, which was deleted in MLflow; run `earmark promote genre "
        "--version N` to make another one champion: it has the versions 1, 2."
    )
    assert said(earmark, "rollback", "genre") == lost
    assert earmark("promote", "genre", "--version", "1")[:2] == (0, "Version 1 is champion.\n")
    change(project / "mlflow.db", "UPDATE registered_model_aliases SET version = 7, alias = 'challenger'")
    assert said(earmark, "promote", "genre") == lost.replace("The champion", "The challenger")


def test_promotion_of_a_version_that_is_not_there(tracker, earmark):
    tracker.client.delete_model_version(NAME, "1")
    for number in ("1", "9"):
        sentence = f"earmark-genre has no version {number}: it has the version 2."
        assert said(earmark, "promote", "genre", "--version", number) == sentence
    assert champion(tracker.client) == 2


def test_promotion_of_a_version_without_files(tracker, earmark):
    drop_files(tracker, "1")
    sentence = said(earmark, "promote", "genre", "--version", "1")
    assert sentence == (
        "Version 1 is not promoted: its files are gone from MLflow's artifacts. Put them back from a copy, name "
        "another version, or run `earmark publish genre` where models/genre still holds this model, which registers "
        "it anew."
    )
    assert champion(tracker.client) == 2


def test_promotion_without_a_challenger(tracker, earmark):
    assert said(earmark, "promote", "genre") == (
        "earmark-genre has no challenger; run `dvc repro`, or name one with --version: it has the versions 1, 2."
    )


@pytest.mark.parametrize("command", ["promote", "rollback"])
@pytest.mark.parametrize("spoil", ["rename_registered_model", "delete_registered_model"])
def test_a_registered_model_that_was_renamed_or_deleted(tracker, earmark, spoil, command):
    getattr(tracker.client, spoil)(NAME, *["other"] * (spoil == "rename_registered_model"))
    assert said(earmark, command, "genre") == (
        "There is no registered model earmark-genre: nothing was registered yet (run `dvc repro`), or it was deleted "
        "or renamed in MLflow (`earmark publish genre` registers the trained model anew)."
    )


def test_a_deleted_experiment_does_not_matter(tracker, earmark):
    tracker.client.delete_experiment(tracker.experiment_id)
    assert earmark("rollback", "genre")[0] == 0
    assert tracker.client.get_experiment(tracker.experiment_id).lifecycle_stage == "deleted"
