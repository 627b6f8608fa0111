"""Fixtures that tests share."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from builders import small_folder
from earmark.cli import app
from earmark.release import bundle

torch.set_num_threads(1)  # the tests run side by side, one a core


@pytest.hookimpl(wrapper=True)  # xdist reads the marks as the first of all others
def pytest_collection_modifyitems(items):
    """Tests of one file run on one worker, in their order; so do those that share a finished pipeline."""
    for item in items:
        task = getattr(item, "callspec", None) and item.callspec.params.get("small")
        item.add_marker(pytest.mark.xdist_group(f"pipeline of {task}" if task else str(item.path)))
    return (yield)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`small_folder` in a folder of the test's own."""
    return small_folder(tmp_path / "audio")


@pytest.fixture(autouse=True)
def no_store_of_another_test(monkeypatch):
    """MLflow keeps the last store for the whole process and its children: no test hands it on."""
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    yield
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    os.environ.pop("MLFLOW_REGISTRY_URI", None)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder to work in, with a place for bundles of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(bundle, "ROOT", tmp_path / "bundles")
    return tmp_path


@pytest.fixture
def earmark(monkeypatch, capsys) -> Callable[..., tuple[int, str, list[str]]]:
    """Run a command line in this process: exit status, stdout and the lines on stderr, never a traceback."""

    def run(*args: str) -> tuple[int, str, list[str]]:
        monkeypatch.setattr(sys, "argv", ["earmark", *args])
        with pytest.raises(SystemExit) as ended:
            app.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return ended.value.code or 0, captured.out, captured.err.splitlines()

    return run
