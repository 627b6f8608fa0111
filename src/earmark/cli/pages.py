"""A server of pages on this machine: started, announced once it answers, and ended with all of its processes."""

import errno
import os
import signal
import socket
import subprocess
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from earmark.console import say
from earmark.errors import EarmarkError

HOST = "127.0.0.1"
TRY_S = 0.2  # between two looks at whether it answers
GRACE_S = 10  # for a server that was asked to end


def check_free(port: int, command: str) -> None:
    """Raise EarmarkError when nothing can listen on the port; command: what the user ran, without --port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself will
        try:
            listener.bind((HOST, port))
        except OSError as e:
            why = "is in use" if e.errno == errno.EADDRINUSE else f"cannot be used: {e.strerror}"
            other = f"name another one with --port, such as `{command} --port {port % 65535 + 1}`"
            raise EarmarkError(f"Port {port} of this machine {why}; {other}.") from None


def serve(
    command: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    port: int,
    announcement: str,
    first_page: str | None = None,
) -> int:
    """Run a server until it ends, or Ctrl-C or a signal ends this process; the server's exit status.

    It has a group of processes of its own, which is ended whole, whatever ends the waiting. first_page: an address that
    is opened in the user's browser once the server answers.
    """
    process = subprocess.Popen(command, env=env, cwd=folder, start_new_session=True)
    try:
        while process.poll() is None and not _answers(port):
            time.sleep(TRY_S)
        if process.poll() is None:
            say(announcement)
            _ = first_page and webbrowser.open(first_page)
        status = process.wait()
        return status if status >= 0 else 128 - status  # as a shell has it of a signal
    finally:
        _end(process)


def _answers(port: int) -> bool:
    """Whether the server answers; asked without the proxies of the environment."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen) -> None:
    """End the whole group of a process; a second Ctrl-C ends it at once."""
    try:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a group that has ended
        os.killpg(process.pid, number)
