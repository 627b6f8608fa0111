"""Promotion and its way back, when somebody has deleted or renamed what they need."""

import json
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
        "There is no registered model earmark-genre: nothing was registered yet (run `dvc repro publish@genre`), or it "
        "was deleted or renamed in MLflow (`earmark publish genre` registers the trained model anew)."
    )


def test_a_deleted_experiment_does_not_matter(tracker, earmark):
    tracker.client.delete_experiment(tracker.experiment_id)
    assert earmark("rollback", "genre")[0] == 0
    assert tracker.client.get_experiment(tracker.experiment_id).lifecycle_stage == "deleted"


def tags(tracker, number: str) -> dict[str, str]:
    """What the tags of a version say of its turns as champion."""
    found = tracker.client.get_model_version(NAME, number).tags
    return {k: found[f"earmark.{k}"] for k in ("previous_champion", "rolled_back") if f"earmark.{k}" in found}


@pytest.mark.parametrize(
    ("turns", "champions", "first", "second"),
    [
        # promote 2, roll it back, promote it again: nobody has rolled it back any more
        (["2", "<"], ["2", "1"], {}, {"rolled_back": "true"}),
        (["2", "<", "2"], ["2", "1", "2"], {}, {"previous_champion": "1"}),
        (["2", "<", "2", "<"], ["2", "1", "2", "1"], {}, {"rolled_back": "true"}),
        # both were champion twice: as many ways back
        (["2", "1", "2"], ["2", "1", "2"], {"previous_champion": "2"}, {"previous_champion": "1,1"}),
        (["2", "1", "2", "<"], ["2", "1", "2", "1"], {"previous_champion": "2"}, None),
        (["2", "1", "2", "<", "<"], ["2", "1", "2", "1", "2"], {"rolled_back": "true"}, {"previous_champion": "1"}),
        (["2", "1", "2", "<", "<", "<"], ["2", "1", "2", "1", "2", "1"], {}, {"rolled_back": "true"}),
    ],
)
def test_turns_of_promotion_and_rollback(project, earmark, turns, champions, first, second):
    tracker = tracking.connect("genre")
    for _ in range(2):
        version(tracker)
    tracker.client.set_registered_model_alias(NAME, "champion", "1")
    held = []
    for turn in turns:
        command = ("rollback", "genre") if turn == "<" else ("promote", "genre", "--version", turn)
        assert earmark(*command)[0] == 0
        held.append(str(champion(tracker.client)))
    assert held == champions
    assert tags(tracker, "1") == first
    assert tags(tracker, "2") == (second or {"previous_champion": "1", "rolled_back": "true"})
    while "previous_champion" in tags(tracker, held[-1]):
        earmark("rollback", "genre")
        held.append(str(champion(tracker.client)))
    assert said(earmark, "rollback", "genre").endswith("is the first champion; there is none before it.")
    assert held[-1] == "1"


def test_a_promotion_says_both_figures_and_a_better_baseline(tracker, earmark):
    figures = {"accuracy": 0.5, "accuracy_ci95": [0.25, 0.75], "n_recordings": 60, "baseline_accuracy": 0.75}
    for number, accuracy in (("1", 0.625), ("2", 0.5)):
        text = json.dumps(figures | {"accuracy": accuracy})
        tracker.client.set_model_version_tag(NAME, number, f"earmark.test.{'1' * 16}", text)
    assert earmark("promote", "genre", "--version", "1")[1].splitlines() == [
        "accuracy on the same 60 test recordings: version 1 0.625 [0.250, 0.750], the champion, version 2, 0.500 "
        "[0.250, 0.750].",
        "On other test recordings the champion had 0.500.",
        "A baseline is better than version 1: a logistic regression on MFCC statistics has accuracy 0.750, not 0.625.",
        "Version 1 is champion; before it was version 2.",
    ]
    assert said(earmark, "promote", "genre", "--version", "2") == (
        "Version 2 is not promoted: its accuracy is 0.500, the champion's (version 1) 0.625, on the same 60 test "
        "recordings. Use --force --why '...' to insist."
    )
    insisting = ("--force", "--why", "a trial")
    out = earmark("promote", "genre", "--version", "2", *insisting)[1].splitlines()
    assert out[-2:] == [
        "A baseline is better than version 2: a logistic regression on MFCC statistics has accuracy 0.750, not 0.500.",
        "Version 2 is champion; before it was version 1.",
    ]
