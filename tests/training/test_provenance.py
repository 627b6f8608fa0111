"""The commit that a model is made at: of the project's own files, or none."""

import subprocess

import pytest

from earmark.training.provenance import git_tags

NONE = {"earmark.commit": "none", "earmark.dirty": "none"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty project outside of git."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/params.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def git(*args: str, at=".") -> str:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *who, *args], cwd=at, capture_output=True, text=True, check=True).stdout.strip()


def test_a_commit_and_what_differs_from_it(place):
    git("init", "-q")
    assert git_tags() == NONE  # no commit yet
    git("add", ".")
    git("commit", "-qm", "one")
    clean = {"earmark.commit": git("rev-parse", "HEAD"), "earmark.dirty": "false"}
    clean["mlflow.source.git.commit"] = clean["earmark.commit"]
    for written in (
        "dvc.lock",
        "reports/genre/metrics.json",
        "splits/genre.csv",
        "registry/genre/1.json",
        ".gitignore",
    ):
        path = place / "project" / written
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert git_tags() == clean, written
    (place / "project/params.yaml").write_text("a: 2\n")
    assert git_tags() == clean | {"earmark.dirty": "true"}


def test_an_unpacked_archive_has_no_commit(place, monkeypatch):
    assert git_tags() == NONE
    monkeypatch.setenv("PATH", str(place))  # nor a git to ask
    assert git_tags() == NONE


def test_the_commit_of_a_repository_around_it_says_nothing_of_the_project(place):
    git("init", "-q", at=place)
    (place / "notes.txt").touch()
    git("add", "notes.txt", at=place)
    git("commit", "-qm", "notes", at=place)
    assert git_tags() == NONE
    git("add", ".", at=place)
    git("commit", "-qm", "all", at=place)
    (place / "notes.txt").write_text("changed")
    (place / "project/dvc.lock").touch()
    commit = git("rev-parse", "HEAD", at=place)
    clean = {"earmark.commit": commit, "earmark.dirty": "false", "mlflow.source.git.commit": commit}
    assert git_tags() == clean
    (place / "project/new.py").touch()
    assert git_tags() == clean | {"earmark.dirty": "true"}
