"""The stages, what dvc.yaml says of them, and what runs again when source changes."""

import hashlib
import json
from dataclasses import fields

import pytest
import yaml

from builders import small_folder
from earmark.pipeline import stages
from earmark.tasks import catalog
from earmark.training import code
from project import REPOSITORY, Project, make

TEXT = (REPOSITORY / "dvc.yaml").read_text()
PIPELINE = yaml.safe_load(TEXT)["stages"]
READ = {
    "prepare": ["tasks.${key}.data"],
    "features": ["tasks.${key}.data.root", "tasks.${key}.features"],
    "train": ["tasks.${key}.model", "tasks.${key}.train"],
    "evaluate": ["tasks.${key}.data.root", "tasks.${key}.evaluate"],
    "publish": [],
}


def test_dvc_yaml_is_short_and_names_no_module():
    assert len(TEXT.splitlines()) <= 140
    assert ".py" not in TEXT
    assert TEXT.count("src/earmark") == 1


def test_every_stage_is_one_for_all_tasks():
    assert set(PIPELINE) == {"code", "demo", *stages.STAGES}
    assert {PIPELINE[name]["foreach"] for name in stages.STAGES} == {"${tasks}"}
    assert PIPELINE["code"] == {
        "desc": "Hash the source that every stage runs, and see which demo data is used.",
        "cmd": "earmark code",
        "deps": ["params.yaml", "src/earmark"],
        "outs": ["code.json"],
    }


@pytest.mark.parametrize("name", stages.STAGES)
def test_a_stage_tracks_the_parameters_it_reads_and_its_own_code(name):
    do = PIPELINE[name]["do"]
    assert do["cmd"] == f"earmark {name} ${{key}}"
    assert do["params"] == [*READ[name], {"code.json": [f"${{key}}.{name}"]}]


def test_every_block_of_settings_is_some_stages_parameter():
    named = {key.split(".")[2] for keys in READ.values() for key in keys}
    for task in catalog.names():
        blocks = {f.name for f in fields(catalog.task(task).settings)}
        assert named == blocks - {"gate"}  # which `earmark promote` reads, after the pipeline


def test_code_json_has_a_hash_for_every_stage_of_every_task():
    found = stages.code(["data/demo", "./data/demo_voices/"])
    assert found.keys() == {"demo", "chord", "genre", "speaker"}
    assert all(found[task].keys() == stages.STAGES.keys() for task in catalog.names())
    hashes = [h for task in catalog.names() for h in found[task].values()]
    assert found["demo"].keys() == {"data/demo", "data/demo_voices"}
    assert len({*hashes, *found["demo"].values()}) == len(hashes) + 2
    assert found["genre"]["train"] == code.code_sha256("earmark.tasks.genre.train")


def test_code_json_has_no_demo_data_that_no_task_uses():
    assert stages.code(["/home/me/audio", "data/demo"])["demo"].keys() == {"data/demo"}
    assert stages.code(["/home/me/audio"])["demo"] == {}


@pytest.mark.parametrize("task", catalog.names())
@pytest.mark.parametrize("name", stages.STAGES)
def test_no_stage_runs_the_command_line_the_reader_of_params_or_another_task(task, name):
    modules = code.closure(*stages.entries(task, name))
    others = tuple(f"earmark.tasks.{other}." for other in catalog.names() if other != task)
    assert not [m for m in modules if m.startswith(("earmark.cli", "earmark.config", *others))]


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Project:
    """A project that runs the source that lies in it, its pipeline up to `prepare`."""
    base = tmp_path_factory.mktemp("copied")
    project = make(base / "project", small_folder(base / "audio"))
    project.own = {"PYTHONPATH": str(project.path / "src")}
    project.repro("prepare@genre", **project.own)
    return project


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.path / "src/earmark" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def changed(project: Project) -> set[str]:
    """Stages whose code is another than that which they ran, as `dvc status` says after `code` has run."""
    before = json.loads((project.path / "code.json").read_text())
    project.repro("code", **project.own)
    after = json.loads((project.path / "code.json").read_text())
    status = json.loads(project.run("dvc", "status", "--json", **project.own).stdout)
    stale = {name for name, said in status.items() if "code.json" in json.dumps(said)}
    moved = {f"{name}@genre" for name in stages.STAGES if before["genre"][name] != after["genre"][name]}
    assert stale & {"prepare@genre"} == moved & {"prepare@genre"}
    return moved


@pytest.mark.pipeline
def test_an_edit_runs_the_stages_that_run_it_and_no_other(copied):
    """A plot in the evaluation, which no list of modules named before; a word in it; another task; the spine."""
    edit(copied, "tasks/genre/report.py", 'cmap="Blues"', 'cmap="Greens"')
    assert changed(copied) == {"evaluate@genre"}
    edit(copied, "tasks/genre/report.py", "written in.", "written into the cells.")
    assert changed(copied) == set()
    edit(copied, "tasks/chord/report.py", 'set(xlabel="estimated"', 'set(xlabel="guessed"')
    assert changed(copied) == set()
    edit(copied, "data/folder.py", "if len(path.parts) > 1]", "if len(path.parts) >= 2]")
    assert changed(copied) == {"prepare@genre", "publish@genre"}  # a card says what is told apart, as corpora do
    assert copied.repro("prepare@genre", **copied.own) == ["prepare@genre"]
    assert copied.repro("prepare@genre", **copied.own) == []


@pytest.mark.pipeline
def test_a_deleted_code_json_is_made_again_and_nothing_else_runs(copied):
    kept = (copied.path / "code.json").read_bytes()
    (copied.path / "code.json").unlink()
    name = hashlib.md5(kept).hexdigest()
    (copied.path / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}").unlink()  # else it would be restored
    assert copied.repro("prepare@genre", **copied.own) == ["code"]
    assert (copied.path / "code.json").read_bytes() == kept
