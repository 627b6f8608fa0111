"""`earmark ui`: MLflow's pages on the project's own store, whatever its folder is called."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earmark.cli import pages
from earmark.registry import tracking


@pytest.fixture
def started(project, monkeypatch) -> list:
    """The command lines, environments and folders of servers that would have been started; they end with status 0."""
    found: list = []
    monkeypatch.setattr(pages, "serve", lambda *how: found.append(how) or 0)
    monkeypatch.setattr(pages, "check_free", lambda port, command: None)
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
    ((command, env, folder, port, announcement, first_page),) = started
    root = artifacts.format(project.parent)
    server = [sys.executable, "-m", "mlflow", "server"]  # which need not be on the path
    served = ["--host", "127.0.0.1", "--port", "5001", "--workers", "1"]
    assert command == [*server, *served, "--default-artifact-root", root]
    assert env["MLFLOW_BACKEND_STORE_URI"] == address.format(project.parent)
    assert (folder, port) == (project.parent / name, 5001)
    home = "http://127.0.0.1:5001/#/experiments?workflowType=machine_learning"
    assert announcement == f"Open {home} (Ctrl-C closes the UI), or the runs of one task:"  # none has runs yet
    assert first_page is None


def test_a_server_has_pages_of_its_own(started, earmark, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9\n")
    code, _, (sentence,) = earmark("ui")
    assert (code, started) == (1, [])
    assert sentence == (
        "earmark: MLFLOW_TRACKING_URI names a server, which has pages of its own: open http://127.0.0.1:9."
    )


def test_the_servers_exit_status_is_passed_on(started, earmark, monkeypatch):
    monkeypatch.setattr(pages, "serve", lambda *how: 3)
    assert earmark("ui")[0] == 3


def test_ctrl_c_closes_it(started, earmark, monkeypatch):
    def interrupted(*how):
        raise KeyboardInterrupt

    monkeypatch.setattr(pages, "serve", interrupted)
    assert earmark("ui")[:2] == (0, "The UI is closed.\n")


@pytest.mark.parametrize("port", ["0", "-1", "65536", "five"])
def test_what_is_no_port(started, earmark, port):
    assert (earmark("ui", "--port", port)[0], started) == (2, [])


def test_a_port_in_use_is_told_before_anything_starts(project, earmark):
    (project / "mlflow.db").unlink()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, (sentence,) = earmark("ui", "--port", str(port))
    assert (code, out) == (1, "")
    assert sentence == (
        f"earmark: Port {port} of this machine is in use; name another one with --port, such as "
        f"`earmark ui --port {port + 1}`."
    )
    assert not (project / "mlflow.db").exists()


def test_the_real_pages_answer_and_leave_no_process_behind(project):
    """One start of MLflow's server: its address is said once it answers, and SIGTERM ends all that was started."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | {"MARK_OF_TEST": str(project)}
    command = [sys.executable, "-m", "earmark", "ui", "--port", str(port)]
    with open(project / "log", "w") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        while f"Open http://127.0.0.1:{port}/#/experiments" not in (project / "log").read_text():
            assert process.poll() is None, (project / "log").read_text()
            time.sleep(0.1)
        page = http.client.HTTPConnection("127.0.0.1", port)
        page.request("GET", "/")
        assert b"<title>MLflow</title>" in page.getresponse().read()
        assert len(marked(project)) == 3  # ours, MLflow's and its one worker
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert marked(project) == []


def marked(project: Path) -> list[int]:
    """Processes that carry a test's mark in their environment, without those that have ended."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("processes are looked for in /proc")
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK_OF_TEST={project}".encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found
