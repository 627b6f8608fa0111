"""`make clean` in a folder that holds a user's work, and the port of `make ui`."""

import os
import shutil
import subprocess

import pytest

from project import REPOSITORY

GONE = (
    ".venv/bin/python",
    "build/lib.py",
    "src/earmark.egg-info/PKG-INFO",
    "src/earmark/__pycache__/a.pyc",
    ".mypy_cache/a",
)
GONE += ("dvc_plots/index.html", ".pytest_cache/a", ".ruff_cache/a", ".hypothesis/a", "dist/a.whl")
STAYS = ("mlflow.db", "mlartifacts/1/a", "data/mine/a.wav", "models/genre/model.safetensors", ".dvc/cache/files/a")
STAYS += ("release/genre/CARD.md", ".earmark/checkpoints/a", "data/__pycache__/a", "params.yaml", "src/earmark/a.py")


@pytest.fixture
def place(tmp_path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for name in GONE + STAYS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def make(place, *args: str) -> list[str]:
    """Lines of a make that is none of another's, as `make test` would have it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", *args], cwd=place, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_clean_keeps_what_a_user_made_and_says_so(place):
    said = make(place, "-s", "clean")
    assert not [name for name in GONE if (place / name).exists()]
    assert all((place / name).exists() for name in STAYS)
    assert said[:2] == [
        "Removed: the environment, what building leaves, DVC's plots, caches of tests and tools.",
        "Left, because it holds your runs, models, recordings and results:",
    ]
    named = {line.split("\t")[1] for line in said[2:-2]}
    assert named == {"mlflow.db", "mlartifacts", "data", "models", ".dvc/cache", "release", ".earmark"}


def test_clean_with_nothing_left_says_no_more(tmp_path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    assert len(make(tmp_path, "-s", "clean")) == 1


@pytest.mark.parametrize(("args", "port"), [((), "5000"), (("PORT=5001",), "5001")])
def test_the_port_of_the_ui(place, args, port, monkeypatch):
    for name in ("requirements.lock", "pyproject.toml"):
        (place / name).touch()
    monkeypatch.setenv("PORT", "80")  # of the machine, for something else
    assert make(place, "-n", "ui", *args)[-1] == f"earmark ui --port {port}"
