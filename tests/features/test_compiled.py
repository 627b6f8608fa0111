"""Processes that compile for librosa take turns."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from earmark.errors import EarmarkError
from earmark.features import compiled

CALLS_TWICE = """
import time
from earmark.features.compiled import alone_at_first

@alone_at_first
def first(of):
    begun = time.monotonic()
    time.sleep(of)
    return begun, time.monotonic()

for seconds in (0.5, 0.01):
    print(*first(seconds))
"""


def test_first_calls_of_two_processes_do_not_overlap(tmp_path: Path):
    environment = os.environ | {compiled.PLACE: str(tmp_path / "numba")}
    command = [sys.executable, "-c", CALLS_TWICE]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0].splitlines() for process in both]
    first, second = sorted([float(word) for word in lines[0].split()] for lines in said)
    assert [p.returncode for p in both] == [0, 0]
    assert first[1] <= second[0]


def test_later_calls_wait_for_nobody(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(compiled.PLACE, str(tmp_path / "numba"))
    function = compiled.alone_at_first(lambda x: x + 1)
    assert function(1) == 2
    monkeypatch.setattr(compiled, "_lock", lambda: pytest.fail("a later call asked for the lock"))
    assert function(2) == 3


def test_a_first_call_that_fails_is_not_the_first(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(compiled.PLACE, str(tmp_path / "numba"))
    asked = []
    lock = compiled._lock
    monkeypatch.setattr(compiled, "_lock", lambda: asked.append(1) or lock())
    inverse = compiled.alone_at_first(lambda x: 1 / x)
    with pytest.raises(ZeroDivisionError):
        inverse(0)
    assert inverse(2) == inverse(2) == 0.5
    assert len(asked) == 2


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    """A project, and a user's cache beside it; nobody told numba where to write."""
    monkeypatch.delenv(compiled.PLACE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "params.yaml").touch()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def place() -> Path:
    """Where the lock lies, which numba is told of."""
    found = Path(compiled._lock().lock_file).parent
    assert os.environ.pop(compiled.PLACE) == str(found)
    return found


def test_it_lies_in_the_users_cache_for_all_projects(project: Path, monkeypatch):
    assert place() == project.parent / "cache/earmark/numba"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(project.parent / "home"))
    assert place() == project.parent / "home/.cache/earmark/numba"


def test_it_lies_in_the_project_where_the_cache_cannot_be_written(project: Path, monkeypatch):
    (project.parent / "cache").touch()  # a file in its place
    assert place() == project / ".earmark/numba"
    monkeypatch.chdir(project.parent)
    with pytest.raises(EarmarkError, match="not inside an earmark project"):
        compiled._lock()


def test_numba_was_told_otherwise(project: Path, monkeypatch):
    monkeypatch.setenv(compiled.PLACE, str(project / "elsewhere"))
    assert place() == project / "elsewhere"


def test_threads_wait_for_the_first_call_alone(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(compiled.PLACE, str(tmp_path / "numba"))
    meeting, calls = threading.Barrier(2, timeout=20), count()

    def meets(_: int) -> None:
        if next(calls):  # nobody passes alone: the second and third call are under way at once
            meeting.wait()

    function = compiled.alone_at_first(meets)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(function, range(3))) == [None] * 3
