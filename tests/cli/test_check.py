"""`earmark check`, and what the pipeline's first stage says of folders that DVC will not find."""

import shutil
import subprocess

import pytest
import yaml

from project import REPOSITORY, set_keys


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project in git and DVC, with a home folder of its own beside."""
    project, home = tmp_path / "project", tmp_path / "home"
    (home / "x").mkdir(parents=True)
    (project / ".dvc").mkdir(parents=True)
    (project / ".dvc/config").touch()
    shutil.copy(REPOSITORY / "params.yaml", project)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(project)
    return project


def root(place, value: str, task: str = "genre") -> None:
    params = yaml.safe_load((place / "params.yaml").read_text())
    set_keys(params["tasks"][task], {"data.source": "folder", "data.root": value})
    (place / "params.yaml").write_text(yaml.safe_dump(params))


def test_all_is_there(place, earmark):
    said = "params.yaml is valid, and `dvc repro` will generate the demo recordings of genre, chord, speaker.\n"
    assert earmark("check") == (0, said, [])
    root(place, str(place.parent / "home/x"))
    there = "the recordings of genre were found"
    assert earmark("check", "genre") == (0, f"params.yaml is valid, and {there}.\n", [])
    both = f"params.yaml is valid, and {there}; `dvc repro` will generate the demo recordings of chord, speaker.\n"
    assert earmark("check") == (0, both, [])


def problems(place) -> dict[str, str]:
    """What params.yaml may say of a root, and what is said of that."""
    (place / "file.wav").touch()
    return {
        "~/x": f"but DVC does not expand ~; write {place.parent}/home/x",
        "~/y": "but there is no such folder; correct it, or run `earmark use genre FOLDER`",
        "~nobody-at-all/x": "but there is no such folder; correct it, or run `earmark use genre FOLDER`",
        "/no/where": "but there is no such folder; correct it, or run `earmark use genre FOLDER`",
        "no/where": f"but there is no such folder in {place}; correct it, or run `earmark use genre FOLDER`",
        "file.wav": "which is not a folder; name the folder that holds the recordings",
    }


def test_a_root_that_dvc_will_not_find_is_one_sentence(place, earmark, monkeypatch):
    monkeypatch.setattr("earmark.pipeline.stages.code", lambda roots: {})
    for value, problem in problems(place).items():
        root(place, value)
        said = f"earmark: params.yaml: tasks.genre.data.root is '{value}', {problem}."
        assert earmark("check") == (1, "", [said])
        assert earmark("check", "chord")[0] == 0  # another task's
        assert earmark("code") == (0, "", [said])  # where the pipeline goes on to DVC's own error


def test_every_problem_is_said(place, earmark):
    root(place, "~/x")
    root(place, "/no/where", "chord")
    code, _, err = earmark("check")
    assert (code, len(err)) == (1, 2)
    assert {line.split("'")[1] for line in err} == {"~/x", "/no/where"}


def test_a_wrong_key_and_an_unknown_task(place, earmark):
    set_keys(params := yaml.safe_load((place / "params.yaml").read_text()), {"tasks.speaker.train.lrr": 1})
    (place / "params.yaml").write_text(yaml.safe_dump(params))
    assert "unknown key 'tasks.speaker.train.lrr'; did you mean 'lr'?" in earmark("check")[2][0]
    assert earmark("check", "genre")[0] == 0
    assert earmark("check", "gerne")[2] == ["earmark: There is no task 'gerne'; did you mean 'genre'?"]


def test_an_unpacked_archive_has_no_git(place, earmark):
    shutil.rmtree(place / ".git")
    sentence = (
        f"earmark: DVC cannot work here: {place} is not a git repository. Put the project into git (`git init && git "
        "add . && git commit -m start`), or do without it (`dvc config --local core.no_scm true`)."
    )
    assert earmark("check") == (1, "", [sentence])
    (place / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    assert earmark("check")[0] == 0
    shutil.rmtree(place / ".dvc")
    assert earmark("check")[2] == [
        "earmark: This project lacks the folder .dvc, which DVC needs; copy it from where you got the project."
    ]
