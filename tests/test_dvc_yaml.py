"""dvc.yaml is held to the imports: every stage depends on exactly the modules and parameters it uses."""

from dataclasses import fields

import pytest
import yaml

from earmark import imports
from earmark.config import GenreSettings
from project import REPOSITORY

ENTRIES = {
    "demo": ["earmark.datasets.demo_music"],
    "prepare": ["earmark.prepare"],
    "features": ["earmark.features.extract"],
    "train": ["earmark.training"],
    "evaluate": ["earmark.evaluate", "earmark.report"],
    "publish": ["earmark.publish"],
}
PARAMS = {
    "demo": ["demo"],
    "prepare": ["tasks.${key}.data"],
    "features": ["tasks.${key}.data.root", "tasks.${key}.features"],
    "train": ["tasks.${key}.model", "tasks.${key}.train"],
    "evaluate": ["tasks.${key}.data.root", "tasks.${key}.evaluate"],
    "publish": [],
}


def stage(name: str) -> dict:
    found = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"][name]
    return found.get("do", found)


def test_every_stage_is_known():
    assert set(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]) == set(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_code_dependencies_are_the_imports(name):
    used = {p.relative_to(REPOSITORY).as_posix() for p in imports.closure(*ENTRIES[name])}
    named = {d for d in stage(name).get("deps", []) if d.startswith("src/")}
    assert named == used


@pytest.mark.parametrize("name", ENTRIES)
def test_parameters_are_those_a_stage_reads(name):
    assert stage(name).get("params", []) == PARAMS[name]


def test_every_block_of_settings_is_some_stages_parameter():
    named = {p.split(".")[2] for ps in PARAMS.values() for p in ps if p.startswith("tasks.")}
    assert named == {f.name for f in fields(GenreSettings)}


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
