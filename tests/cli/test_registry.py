"""`earmark ui`: MLflow's pages on the project's own store, whatever its folder is called."""

import subprocess
import sys

import pytest

from earmark.registry import tracking


@pytest.fixture
def started(project, monkeypatch) -> list:
    """The command lines, with their environments, of servers that would have been started."""
    found: list = []
    monkeypatch.setattr(subprocess, "run", lambda command, **how: found.append((command, how)))
    monkeypatch.setattr("earmark.registry.tracking.connect", lambda task: tracking.present())
    return found


@pytest.mark.parametrize(
    ("name", "address", "artifacts"),
    [
        ("plain", "sqlite:///{}/plain/mlflow.db", "file://{}/plain/mlartifacts"),
        ("it's a", "sqlite:///{}/it's a/mlflow.db", "file://{}/it%27s%20a/mlartifacts"),
        ("f%2Fx?#", "sqlite+pysqlite:///{}/f%252Fx%3F%23/mlflow.db", "file://{}/f%252Fx%3F%23/mlartifacts"),
    ],
)
def test_the_pages_are_of_the_projects_own_store(project, started, earmark, monkeypatch, name, address, artifacts):
    project.rename(project.parent / name)
    monkeypatch.chdir(project.parent / name)
    assert earmark("ui", "--port", "5001")[0] == 0
    ((command, how),) = started
    root = artifacts.format(project.parent)
    started = [sys.executable, "-m", "mlflow", "server"]  # which need not be on the path
    assert command == [*started, "--host", "127.0.0.1", "--port", "5001", "--default-artifact-root", root]
    assert how["env"]["MLFLOW_BACKEND_STORE_URI"] == address.format(project.parent)
    assert how["cwd"] == project.parent / name


def test_a_server_has_pages_of_its_own(started, earmark, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9\n")
    monkeypatch.setattr("earmark.registry.tracking.connect", lambda task: None)
    monkeypatch.setattr("earmark.registry.tracking.address", lambda: "http://127.0.0.1:9")
    code, _, (sentence,) = earmark("ui")
    assert (code, started) == (1, [])
    assert sentence == (
        "earmark: MLFLOW_TRACKING_URI names a server, which has pages of its own: open http://127.0.0.1:9."
    )
