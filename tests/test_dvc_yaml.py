"""dvc.yaml is held to the imports: every stage depends on exactly the modules and parameters it uses."""

import json
from dataclasses import fields

import pytest
import yaml

from earmark import imports
from earmark.config import ChordSettings, GenreSettings, Tasks
from project import REPOSITORY

# Where the code of a stage begins; prepare and publish are the same for every task.
ENTRIES = {
    "demo": ["earmark.datasets.demo_music", "earmark.datasets.demo_voices"],
    "prepare": ["earmark.prepare"],
    "features": ["earmark.features.extract"],
    "train": ["earmark.training"],
    "evaluate": ["earmark.evaluate", "earmark.report", "earmark.pictures", "earmark.models.trained"],
    "features-chord": ["earmark.chords.extract"],
    "train-chord": ["earmark.chords.training"],
    "evaluate-chord": [
        *("earmark.chords.evaluate", "earmark.chords.report", "earmark.chords.pages", "earmark.chords.vectors"),
        "earmark.pictures",
    ],
    "publish": ["earmark.publish"],
}
READ = {
    "demo": ["demo"],
    "prepare": ["tasks.TASK.data"],
    "features": ["tasks.TASK.data.root", "tasks.TASK.features"],
    "train": ["tasks.TASK.model", "tasks.TASK.train"],
    "evaluate": ["tasks.TASK.data.root", "tasks.TASK.evaluate"],
    "publish": [],
}
PIPELINE = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]


def stage(name: str) -> dict:
    return PIPELINE[name].get("do", PIPELINE[name])


def word(name: str) -> str:
    """The task of a stage as dvc.yaml writes it."""
    if name.endswith("-chord"):
        return "chord"
    return "${key}" if PIPELINE[name].get("foreach") == "${tasks}" else "${item}"


def files(name: str) -> set[str]:
    return {p.relative_to(REPOSITORY).as_posix() for p in imports.closure(*ENTRIES[name])}


def test_every_stage_is_known_and_every_task_has_all_of_them():
    assert set(PIPELINE) == set(ENTRIES)
    assert [PIPELINE[name]["foreach"] for name in ("prepare", "publish")] == ["${tasks}"] * 2
    assert [PIPELINE[name]["foreach"] for name in ("features", "train", "evaluate")] == [["genre"]] * 3
    assert {f.name for f in fields(Tasks)} == {"genre", "chord"}


@pytest.mark.parametrize("name", ENTRIES)
def test_code_dependencies_are_the_imports(name):
    named = [d for d in stage(name).get("deps", []) if d.startswith("src/")]
    assert sorted(named) == sorted(files(name))


@pytest.mark.parametrize("name", ENTRIES)
def test_parameters_are_those_a_stage_reads(name):
    read = READ[name.removesuffix("-chord")]
    assert stage(name).get("params", []) == [key.replace("TASK", word(name)) for key in read]


@pytest.mark.parametrize("name", ["features", "train", "evaluate"])
def test_the_chord_stages_are_wired_as_genres(name):
    def wiring(stage_name):
        plain = json.dumps(stage(stage_name)).replace(word(stage_name), "TASK")
        found = json.loads(plain)
        return found | {"deps": [d for d in found["deps"] if not d.startswith("src/")]}

    assert wiring(f"{name}-chord") == wiring(name)


def test_a_task_reruns_nothing_of_the_other():
    genre, chord = (set.union(*(files(n + end) for n in ("features", "train", "evaluate"))) for end in ("", "-chord"))
    foreign = ("chords/", "tasks/chord.py", "settings/chord.py", "models/chordnet", "models/pitch_net", "features/cqt")
    assert not [f for f in genre if f.removeprefix("src/earmark/").startswith(foreign)]
    foreign = ("tasks/genre.py", "settings/features.py", "models/song.py", "models/compact.py", "features/frames.py")
    assert not [f for f in chord if f.removeprefix("src/earmark/").startswith(foreign)]


@pytest.mark.parametrize("settings", [GenreSettings, ChordSettings])
def test_every_block_of_settings_is_some_stages_parameter(settings):
    named = {key.split(".")[2] for keys in READ.values() for key in keys if key.startswith("tasks.")}
    assert named == {f.name for f in fields(settings)}


def test_no_stage_imports_the_reader_of_params_or_the_command_line():
    for entries in ENTRIES.values():
        names = {p.name for p in imports.closure(*entries)}
        assert not names & {"config.py", "cli.py"}


def test_closure_follows_imports_and_hash_follows_the_source(tmp_path, monkeypatch):
    package = tmp_path / "earmark"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from earmark import b\n\ndef f():\n    import earmark.c\n")
    (package / "b.py").write_text("import numpy\n")
    (package / "c.py").write_text("")
    (package / "d.py").write_text("")
    monkeypatch.setattr(imports, "PACKAGE", package)
    assert [p.name for p in imports.closure("earmark.a")] == ["a.py", "b.py", "c.py"]
    before = imports.code_sha256("earmark.a")
    (package / "d.py").write_text("x = 1\n")
    assert imports.code_sha256("earmark.a") == before
    (package / "c.py").write_text("x = 1\n")
    assert imports.code_sha256("earmark.a") != before
