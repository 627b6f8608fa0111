"""Fixtures that tests share."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
import torch
from xdist.scheduler import LoadScopeScheduling

from builders import small_folder
from earmark.cli import app
from earmark.release import bundle

# A place for what librosa compiles for each worker: two that write to the same one at once can break it.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache/numba" / WORKER)

torch.set_num_threads(1)  # the tests run side by side, one a core
os.environ.setdefault("OMP_NUM_THREADS", "1")  # so do the commands that they run
hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("untimed")


class ByFileOrPipeline(LoadScopeScheduling):
    """Tests of one file run on one worker, in their order; so do those that share the finished pipeline of a task.

    xdist_group would say it, but has no effect with pytest 9.2, which keeps ids of tests elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        task = re.search(r"^tests/pipeline/.*[\[-](chord|genre|speaker)\]$", nodeid)
        return f"pipeline of {task[1]}" if task else nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)  # xdist may be switched off
def pytest_xdist_make_scheduler(config, log):
    return ByFileOrPipeline(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files that run pipelines come first, so that no worker is left with a long one at the end."""
    long = {item.path for item in items if item.get_closest_marker("pipeline")}
    items.sort(key=lambda item: item.path not in long)


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
    for name in ("MLFLOW_REGISTRY_URI", "MLFLOW_EXPERIMENT_ID"):
        os.environ.pop(name, None)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder to work in, with a place for bundles of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(bundle, "ROOT", tmp_path / "bundles")
    return tmp_path


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """mlflow.db of a project where nothing has been done yet; MLflow takes seconds to make one."""
    from earmark.registry import tracking

    folder = tmp_path_factory.mktemp("empty")
    (folder / "params.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        tracking.present()
    return folder / "mlflow.db"


@pytest.fixture
def project(empty_store: Path, tmp_path: Path, monkeypatch) -> Path:
    """A project with an empty tracking store, as the present folder."""
    from stores import change

    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "params.yaml").touch()
    shutil.copy(empty_store, folder / "mlflow.db")
    default = (folder / "mlartifacts/0").as_uri()
    change(folder / "mlflow.db", "UPDATE experiments SET artifact_location = ?", default)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def trained(project: Path, monkeypatch) -> Path:
    """A project with what the stages before publish leave of a small genre model, whose version is made at once."""
    import published
    from earmark.registry import versions

    published.write()
    monkeypatch.setattr(versions, "register", published.registered)
    return project


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


@pytest.fixture(scope="session")
def chromium():
    """The system's browser, which a test opens pages in."""
    from playwright.sync_api import sync_playwright

    import browser

    program = browser.program()
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=browser.FLAGS)
        yield running
        running.close()
