"""A decision that is interrupted at any step: the next command finishes it or finds nothing begun."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient

from earmark.registry import crowning, identities, ledger, tracking, versions
from earmark.registry.champion import rollback
from earmark.registry.entries import Identity
from earmark.registry.view import turn
from stores import NAME, TASK, champion, crown, version


@pytest.fixture
def client(project) -> MlflowClient:
    """A store with four versions; the first is champion, the fourth challenger."""
    tracker = tracking.connect("genre")
    for _ in range(4):
        version(tracker)
    crown(tracker.client, "1")
    tracker.client.set_registered_model_alias(NAME, "challenger", "4")
    return tracker.client


def back(client: MlflowClient) -> str:
    return rollback(client, TASK, print)


def aliases(client: MlflowClient) -> dict[str, str]:
    return {k: str(v) for k, v in client.get_registered_model(NAME).aliases.items()}


def tags(client: MlflowClient, number: str) -> dict[str, str]:
    found = client.get_model_version(NAME, number).tags
    return {k: v for k, v in found.items() if k in ("earmark.rolled_back", "earmark.promoted_because")}


def of_ledger() -> int | None:
    found = ledger.read("genre").champion()
    return found and found.number


def test_the_store_shows_what_was_decided(client):
    entry = crown(client, "4", why="it hums less")
    assert aliases(client) == {"champion": "4"}  # and no challenger any more
    assert tags(client, "4") == {"earmark.promoted_because": "it hums less"}
    assert client.get_registered_model(NAME).tags["earmark.ledger"] == entry.id
    assert back(client) == "Version 1 is champion again; version 4 was rolled back."
    assert tags(client, "4")["earmark.rolled_back"] == "true"
    crown(client, "4")
    assert "earmark.rolled_back" not in tags(client, "4")
    assert not list(Path(".earmark/champion").iterdir())


def test_an_entry_has_the_facts_of_the_version(client):
    client.set_model_version_tag(NAME, "2", "earmark.dvc", json.dumps({"models/genre": "0" * 32 + ".dir"}))
    run = client.get_model_version(NAME, "2").run_id
    client.set_tag(run, "earmark.commit", "c" * 40)
    client.set_tag(run, "earmark.dirty", "true")
    crown(client, "2")
    assert ledger.read("genre").champion() == Identity(
        train_key=f"{2:064}",
        model_sha256=f"{2:064}",
        commit="c" * 40,
        dirty="true",
        dvc={"models/genre": "0" * 32 + ".dir"},
        number=2,
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), st.integers(2, 4)), max_size=7))
def test_promotions_and_rollbacks_end_where_they_began(client, turns):
    """None rolls back. Against a stack of numbers, and back to its bottom."""
    stack = [champion(client)]
    for number in turns:
        if number is None and len(stack) > 1:
            stack.pop()
            assert back(client).startswith(f"Version {stack[-1]} is champion again; ")
        elif number is not None and number != stack[-1]:
            crown(client, str(number))
            stack.append(number)
        assert (champion(client), of_ledger()) == (stack[-1], stack[-1])
    for number in reversed(stack[:-1]):
        back(client)
        assert (champion(client), of_ledger()) == (number, number)
    assert champion(client) == 1


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(monkeypatch, step: int) -> Callable[[], int]:
    """Raise before the given one of the steps that write something; the answer says how many were reached."""
    reached = 0

    def cut(function):
        def run(*args, **kwargs):
            nonlocal reached
            reached += 1
            if reached == step:
                raise Killed
            return function(*args, **kwargs)

        return run

    writing = ("set_registered_model_alias", "delete_registered_model_alias", "set_registered_model_tag")
    for name in (*writing, "set_model_version_tag", "delete_model_version_tag"):
        monkeypatch.setattr(MlflowClient, name, cut(getattr(MlflowClient, name)))
    monkeypatch.setattr(ledger, "write_whole", cut(ledger.write_whole))
    monkeypatch.setattr(Path, "unlink", cut(Path.unlink))
    return lambda: reached


@pytest.mark.parametrize("decide", [lambda client: crown(client, "4", "a trial"), back], ids=["promote", "rollback"])
def test_killed_before_every_step(client, monkeypatch, capsys, decide):
    """Nothing was decided, or all of it once the next command has run."""
    crown(client, "3")
    reached = 0
    step = 0
    ends = []
    while step <= reached:
        step += 1
        before, entries = champion(client), len(ledger.read("genre").entries)
        with monkeypatch.context() as patch:
            count = kill_at(patch, step)
            with suppress(Killed):
                decide(client)
            reached = count()
        with turn(client, TASK, print) as found:  # what any command begins with
            assert of_ledger() == champion(client)
            ends.append(len(found.entries) > entries)
        said = capsys.readouterr().out
        assert ("Finished what was interrupted" in said) == (ends[-1] and step <= reached)
        assert not list(Path(".earmark/champion").iterdir())
        assert ends[-1] == (champion(client) != before)
        if ends[-1]:
            (crown(client, "3") if decide is back else back(client))
            client.set_registered_model_alias(NAME, "challenger", "4")
            capsys.readouterr()
    assert ends[:2] == [False, False]  # before the note and the entry are written
    assert all(ends[2:])
    assert len(ends) >= 6


def test_killed_for_real(client, project):
    """kill -9 when the entry is written and no alias moved."""
    script = (
        "import os, signal\n"
        "from mlflow import MlflowClient\n"
        "from earmark.registry import tracking\n"
        "from stores import crown\n"
        "client = tracking.present()\n"
        "MlflowClient.set_registered_model_alias = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "crown(client, '3')\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "support")}
    assert subprocess.run([sys.executable, "-c", script], env=env, cwd=project).returncode == -signal.SIGKILL
    assert (champion(client), of_ledger()) == (1, 3)
    assert crowning.finish(client, TASK) == ["Finished what was interrupted: version 3 is champion."]
    assert (champion(client), of_ledger()) == (3, 3)
    assert back(client) == "Version 1 is champion again; version 3 was rolled back."


def test_what_was_interrupted_in_another_store_is_left_to_it(client, monkeypatch):
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(Killed):
            crown(client, "3")
    with monkeypatch.context() as patch:
        patch.setattr(crowning.store, "is_own", lambda address: False)
        assert crowning.finish(client, TASK) == []
    assert crowning.finish(client, TASK) == ["Finished what was interrupted: version 3 is champion."]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"store": "own", "entries": ["{}"]}'])
def test_a_note_that_says_nothing_is_dropped(client, content):
    note = Path(".earmark/champion/genre.json")
    note.write_text(content)
    assert crowning.finish(client, TASK) == []
    assert not note.exists()


def test_what_was_interrupted_and_then_decided_otherwise(client, monkeypatch):
    """The ledger went on in another clone meanwhile, and was pulled: the store is not set back to before that."""
    with monkeypatch.context() as patch:
        kill_at(patch, 3)
        with pytest.raises(Killed):
            crown(client, "3")
    later = ledger.read("genre").entry("promotion", identities.identity_of(client, client.get_model_version(NAME, "2")))
    ledger.append("genre", later)
    assert crowning.finish(client, TASK) == []
    assert champion(client) == 1


def test_two_at_once(client):
    """The second one waits, is told, and finds the champion of the first."""
    entered = threading.Event()
    leave = threading.Event()
    said = []

    def first() -> None:
        with turn(client, TASK, print) as found:
            entered.set()
            leave.wait(20)
            one = client.get_model_version(NAME, "2")
            crowning.crown(client, TASK, one, found.entry("promotion", identities.identity_of(client, one)))

    def told(sentence: str) -> None:
        said.append(sentence)
        leave.set()

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(20)
    with turn(client, TASK, told) as found:
        assert found.champion().number == 2
    thread.join()
    assert said == ["Another process is deciding on the champion of genre; waiting for it."]
    assert versions.by_alias(client, TASK, "champion").version in (2, "2")
