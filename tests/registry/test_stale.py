"""Runs of processes that were killed, and of those that are at work."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow.exceptions import MlflowException

from earmark import paths
from earmark.registry import stale, tracking
from project import write_params
from stores import run

# A process that writes runs, each of another kind, and says when it has begun.
AT_WORK = """
import sys, time
from earmark.registry import tracking
tracker = tracking.connect("genre")
for kind, facts in (("crossval", {}), ("fold", {"train_key": "f"}), ("study", {"study_key": "k"}), ("score", {})):
    tracker.create(kind, tracking.run_tags(kind, facts), {})
print("begun", flush=True)
time.sleep(100)
"""


@pytest.fixture
def tracker(project: Path) -> tracking.Tracker:
    return tracking.connect("genre")


def statuses(tracker) -> list[str]:
    return [r.info.status for r in tracker.find({})]


def begun(*command: str) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    return process


def test_runs_of_a_killed_process_end_at_the_next_command(tracker):
    process = begun("-c", AT_WORK)
    tracking.present()
    assert statuses(tracker) == ["RUNNING"] * 4
    process.kill()
    process.wait()
    assert len(list((paths.state() / "locks").glob("process-*"))) == 1
    tracking.present()
    assert statuses(tracker) == ["KILLED"] * 4
    assert not list((paths.state() / "locks").glob("process-*"))


def test_runs_of_this_process_and_of_other_copies_are_left(tracker):
    mine = run(tracker, "RUNNING")
    theirs = run(tracker, "RUNNING", owner="elsewhere:/project", lock="gone")
    tracking.present()
    assert {r.info.run_id for r in tracker.find({}, ["RUNNING"])} == {mine, theirs}


@pytest.mark.parametrize("key", ["train_key", "study_key"])
def test_a_run_of_before_is_told_by_the_lock_of_its_key(tracker, key):
    """Runs of earlier releases name no lock; one that is at work holds that of its training or study."""
    run_id = run(tracker, "RUNNING", **{key: "k"})
    tracker.client.delete_tag(run_id, stale.LOCK)
    with FileLock(paths.lock("k")):
        tracking.present()
        assert statuses(tracker) == ["RUNNING"]
    tracking.present()
    assert statuses(tracker) == ["KILLED"]
    assert paths.lock("k").exists()  # others may wait for it


def test_a_run_that_goes_on_is_of_the_process_that_goes_on(tracker):
    run_id = run(tracker, "KILLED", lock="gone")
    tracker.reopen(run_id)
    tracking.present()
    assert statuses(tracker) == ["RUNNING"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (ValueError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")],
)
def test_a_run_ends_as_what_is_done_in_it(tracker, error, status):
    run_id = run(tracker, "RUNNING")
    with suppress(ValueError, KeyboardInterrupt, SystemExit), stale.ending(tracker.client, run_id):
        if error:
            raise error
    assert statuses(tracker) == [status]


def test_a_store_that_fails_hides_no_error(tracker, monkeypatch):
    def refused(*_):
        raise MlflowException("away")

    monkeypatch.setattr(tracker.client, "set_terminated", refused)
    with pytest.raises(ValueError, match="mine"), stale.ending(tracker.client, "1"):
        raise ValueError("mine")


COMMAND = """
import sys, time
from earmark.cli import app
from earmark.experiments import crossval
def slow(*args):
    print("begun", flush=True)
    time.sleep(100)
crossval.recordings = slow
sys.argv = ["earmark", "crossval", "genre"]
app.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_cross_validation_and_its_run(tracker, number, code):
    write_params(Path())
    process = begun("-c", COMMAND)
    os.kill(process.pid, number)
    assert process.wait(30) == code
    assert statuses(tracker) == ["KILLED"]
