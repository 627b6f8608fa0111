"""A server as a child: announced once it answers, and ended with all of its processes, whatever ends the waiting."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earmark.cli import pages
from earmark.errors import EarmarkError

# A server that answers after a while; a child of it writes its number down, and outlives it unless its group is ended.
SERVER = """
import http.server, signal, subprocess, sys, time
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
    def log_message(self, *what): pass
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
{before}
time.sleep(0.5)
http.server.HTTPServer(("127.0.0.1", {port}), Health).serve_forever()
"""
# What `earmark ui` does with it, in a process that can be sent signals.
DRIVER = """
import json, sys
from pathlib import Path
from earmark.cli import app, pages
app._end_at_signals()
pages.GRACE_S = 0.3
try:
    sys.exit(pages.serve(*json.loads(sys.argv[1]), {}, Path("."), int(sys.argv[2]), "It answers."))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def driven(tmp_path, port):
    """Start the driver on a server; `before` is what the server does before it answers."""

    def start(before: str = "") -> subprocess.Popen:
        command = [sys.executable, "-c", SERVER.format(before=before, port=port)]
        line = [sys.executable, "-u", "-c", DRIVER, json.dumps([command]), str(port)]
        return subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def gone(pid: int) -> bool:
    """Whether a process has ended, or does within a second; one that nobody has waited for has."""
    for _ in range(20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        place = Path(f"/proc/{pid}/stat")
        if place.exists() and place.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 0, "interrupted\n"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGHUP, 129, ""),
    ],
)
@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_a_signal_ends_the_whole_group(driven, tmp_path, port, number, status, said, before):
    process = driven(before)
    assert process.stdout.readline() == "It answers.\n"
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200  # it had answered before that was said
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (status, said, "")
    assert gone(int((tmp_path / "child").read_text()))
    pages.check_free(port, "x")


@pytest.mark.parametrize(
    ("before", "status"),
    [("sys.exit(0)", 0), ("sys.exit(7)", 7), ("signal.raise_signal(signal.SIGKILL)", 137)],
)
def test_the_status_of_a_server_that_ends_by_itself(driven, tmp_path, before, status):
    process = driven(before)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == status
    assert gone(int((tmp_path / "child").read_text()))


def test_a_port_that_is_listened_on_is_in_use(port):
    pages.check_free(port, "x")
    with socket.create_server(("", port)), pytest.raises(EarmarkError, match=f"^Port {port} of this machine is in use"):
        pages.check_free(port, "x")
    pages.check_free(port, "x")


def test_a_port_that_was_just_left_is_free(port):
    """Its connections linger for a minute, and a server may listen on it all the same."""
    with socket.create_server(("127.0.0.1", port)) as server:
        there = socket.create_connection(("127.0.0.1", port))
        here = server.accept()[0]
        here.close()
        there.close()
    assert pages.check_free(port, "x") is None  # and raises nothing


def test_a_port_that_needs_rights(monkeypatch):
    def refused(self, address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(EarmarkError) as error:
        pages.check_free(80, "earmark ui")
    assert str(error.value) == (
        "Port 80 of this machine cannot be used: Permission denied; name another one with --port, such as "
        "`earmark ui --port 81`."
    )
