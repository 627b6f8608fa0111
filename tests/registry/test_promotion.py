"""Promotion when somebody has deleted or renamed what it needs."""

import shutil

import pytest

from earmark.registry import tracking
from stores import NAME, champion, version


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
        "another version, or, if models/genre still holds this model, run `earmark publish genre` to register it "
        "again."
    )
    assert champion(tracker.client) == 2


def test_promotion_without_a_challenger(tracker, earmark):
    assert said(earmark, "promote", "genre") == (
        "earmark-genre has no challenger: train another model (a changed setting, or more recordings), or name a "
        "version with --version: it has the versions 1, 2."
    )


@pytest.mark.parametrize("spoil", ["rename_registered_model", "delete_registered_model"])
def test_a_registered_model_that_was_renamed_or_deleted(tracker, earmark, spoil):
    getattr(tracker.client, spoil)(NAME, *["other"] * (spoil == "rename_registered_model"))
    assert said(earmark, "promote", "genre") == (
        "There is no registered model earmark-genre: nothing has been registered yet (run `dvc repro publish@genre`), "
        "or it was deleted or renamed in MLflow (`earmark publish genre` registers the trained model again)."
    )
