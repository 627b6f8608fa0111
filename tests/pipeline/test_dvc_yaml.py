"""dvc.yaml is held to the imports: every stage depends on exactly the modules and parameters it uses."""

import json
from dataclasses import fields

import pytest
import yaml

from earmark.config import ChordSettings, GenreSettings, SpeakerSettings, Tasks
from earmark.training import code
from project import REPOSITORY

# Where the code of a stage begins; prepare and publish are the same for every task.
ENTRIES = {
    "demo": ["earmark.generated.demo.music", "earmark.generated.demo.voices"],
    "prepare": ["earmark.pipeline.prepare"],
    "features": ["earmark.tasks.genre.features"],
    "train": ["earmark.tasks.genre.train"],
    "evaluate": [
        "earmark.tasks.genre.metrics",
        "earmark.tasks.genre.report",
        "earmark.evaluation.pictures",
        "earmark.tasks.genre.networks.trained",
    ],
    "features-chord": ["earmark.tasks.chord.features"],
    "train-chord": ["earmark.tasks.chord.train"],
    "evaluate-chord": [
        *(
            "earmark.tasks.chord.metrics",
            "earmark.tasks.chord.report",
            "earmark.tasks.chord.listening",
            "earmark.tasks.chord.vectors",
        ),
        "earmark.evaluation.pictures",
    ],
    "features-speaker": ["earmark.tasks.speaker.features"],
    "train-speaker": ["earmark.tasks.speaker.train"],
    "evaluate-speaker": [
        "earmark.tasks.speaker.metrics",
        "earmark.tasks.speaker.predictions",
        "earmark.tasks.speaker.report",
        "earmark.tasks.speaker.listening",
        "earmark.evaluation.pictures",
    ],
    "publish": ["earmark.pipeline.publish"],
}
OWN = ("chord", "speaker")  # tasks with stages of their own name
READ = {
    "demo": ["demo"],
    "prepare": ["tasks.TASK.data"],
    "features": ["tasks.TASK.data.root", "tasks.TASK.features"],
    "train": ["tasks.TASK.model", "tasks.TASK.train"],
    "evaluate": ["tasks.TASK.data.root", "tasks.TASK.evaluate"],
    "publish": [],
}
# Validation trials are made as the evaluation makes them, and the training chooses its epoch by them.
MORE = {"train-speaker": [f"tasks.speaker.evaluate.{k}" for k in ("seed", "trials", "utterance_s")]}
PIPELINE = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]


def stage(name: str) -> dict:
    return PIPELINE[name].get("do", PIPELINE[name])


def word(name: str) -> str:
    """The task of a stage as dvc.yaml writes it."""
    if name.partition("-")[2] in OWN:
        return name.partition("-")[2]
    return "${key}" if PIPELINE[name].get("foreach") == "${tasks}" else "${item}"


def files(name: str) -> set[str]:
    return {p.relative_to(REPOSITORY).as_posix() for p in code.closure(*ENTRIES[name])}


def test_every_stage_is_known_and_every_task_has_all_of_them():
    assert set(PIPELINE) == set(ENTRIES)
    assert [PIPELINE[name]["foreach"] for name in ("prepare", "publish")] == ["${tasks}"] * 2
    assert [PIPELINE[name]["foreach"] for name in ("features", "train", "evaluate")] == [["genre"]] * 3
    assert {f.name for f in fields(Tasks)} == {"genre", *OWN}


@pytest.mark.parametrize("name", ENTRIES)
def test_code_dependencies_are_the_imports(name):
    named = [d for d in stage(name).get("deps", []) if d.startswith("src/")]
    assert sorted(named) == sorted(files(name))


@pytest.mark.parametrize("name", ENTRIES)
def test_parameters_are_those_a_stage_reads(name):
    read = READ[name.partition("-")[0]]
    assert stage(name).get("params", []) == [key.replace("TASK", word(name)) for key in read] + MORE.get(name, [])


@pytest.mark.parametrize("task", OWN)
@pytest.mark.parametrize("name", ["features", "train", "evaluate"])
def test_a_tasks_own_stages_are_wired_as_genres(name, task):
    def wiring(stage_name):
        plain = json.dumps(stage(stage_name)).replace(word(stage_name), "TASK")
        found = json.loads(plain)
        more = [p.replace(task, "TASK") for p in MORE.get(stage_name, [])]
        found["params"] = [p for p in found["params"] if p not in more]
        return found | {"deps": [d for d in found["deps"] if not d.startswith("src/")]}

    assert wiring(f"{name}-{task}") == wiring(name)


ONLY = {
    "": ("tasks/genre.py", "models/song.py", "models/compact.py"),
    "-chord": ("chords/", "tasks/chord.py", "settings/chord.py", "models/pitch_net", "features/cqt"),
    "-speaker": ("speakers/", "tasks/speaker.py", "settings/speaker.py", "models/speaker_"),
}


def test_a_task_reruns_nothing_of_another():
    for end in ONLY:
        foreign = tuple(start for other, starts in ONLY.items() if other != end for start in starts)
        own = set.union(*(files(name + end) for name in ("features", "train", "evaluate")))
        assert not [f for f in own if f.removeprefix("src/earmark/").startswith(foreign)], end


@pytest.mark.parametrize("settings", [GenreSettings, ChordSettings, SpeakerSettings])
def test_every_block_of_settings_is_some_stages_parameter(settings):
    named = {key.split(".")[2] for keys in READ.values() for key in keys if key.startswith("tasks.")}
    assert named == {f.name for f in fields(settings)}


def test_no_stage_imports_the_reader_of_params_or_the_command_line():
    for entries in ENTRIES.values():
        names = {p.name for p in code.closure(*entries)}
        assert not names & {"config.py", "cli.py"}


def test_closure_follows_imports_and_hash_follows_the_source(tmp_path, monkeypatch):
    package = tmp_path / "earmark"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from earmark import b\n\ndef f():\n    import earmark.c\n")
    (package / "b.py").write_text("import numpy\n")
    (package / "c.py").write_text("")
    (package / "d.py").write_text("")
    monkeypatch.setattr(code, "PACKAGE", package)
    assert [p.name for p in code.closure("earmark.a")] == ["a.py", "b.py", "c.py"]
    before = code.code_sha256("earmark.a")
    (package / "d.py").write_text("x = 1\n")
    assert code.code_sha256("earmark.a") == before
    (package / "c.py").write_text("x = 1\n")
    assert code.code_sha256("earmark.a") != before
