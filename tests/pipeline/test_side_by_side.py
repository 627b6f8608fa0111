"""`dvc repro` of several tasks at once, by DVC itself on stages of a moment, and what is said where one fails."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from earmark.errors import EarmarkError
from earmark.pipeline import side_by_side

TASKS = ["genre", "chord", "speaker"]
# A stage notes when it began and ended, and with how many threads; every task's reads what `code` wrote.
STAGE = """\
import json, os, sys, time
began = time.time()
time.sleep(0.5)
open("code.json").read()
if os.path.exists(f"broken-{sys.argv[1]}"):
    sys.exit(f"{sys.argv[1]} is broken")
told = {"began": began, "ended": time.time(), "threads": os.environ["OMP_NUM_THREADS"]}
open(sys.argv[2], "w").write(json.dumps(told))
"""
PIPELINE = {
    "stages": {
        "code": {"cmd": "echo 1 > code.json", "outs": ["code.json"]},
        "train": {
            "foreach": TASKS,
            "do": {"cmd": "python stage.py ${item} train-${item}", "deps": ["code.json"], "outs": ["train-${item}"]},
        },
        "publish": {
            "foreach": TASKS,
            "do": {
                "cmd": "python stage.py ${item} publish-${item}",
                "always_changed": True,
                "deps": ["code.json", "train-${item}"],
            },
        },
    }
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE, sort_keys=False))
    (tmp_path / "stage.py").write_text(STAGE)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run([*side_by_side.DVC, "init", "--quiet"], cwd=tmp_path, check=True)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path


def repro(project, lines: list[str]) -> None:
    side_by_side.run(project / "dvc.yaml", TASKS, lines.append)


def told(project, name: str) -> dict:
    return json.loads((project / name).read_text())


@pytest.mark.pipeline
def test_tasks_run_at_the_same_time_and_dvc_sees_that_all_is_done(project, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    lines: list[str] = []
    repro(project, lines)
    assert all(f"{task:9}> python stage.py {task} train-{task}" in lines for task in TASKS)
    trainings = [told(project, f"train-{task}") for task in TASKS]
    assert max(t["began"] for t in trainings) < max(t["ended"] for t in trainings)
    assert {t["threads"] for t in trainings} == {"2"}
    assert all(told(project, f"publish-{t}")["began"] >= told(project, f"train-{t}")["ended"] for t in TASKS)
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert set(lock) == {"code", *(f"{stage}@{task}" for stage in ("train", "publish") for task in TASKS)}
    status = subprocess.run([*side_by_side.DVC, "status", "--json"], cwd=project, capture_output=True, text=True)
    changed = json.loads(status.stdout)
    assert set(changed) == {f"publish@{task}" for task in TASKS}
    assert all(why == ["always changed"] for why in changed.values())


@pytest.mark.pipeline
def test_one_that_fails_is_named_and_the_others_end_and_it_goes_on_where_it_was(project):
    (project / "broken-chord").touch()
    lines: list[str] = []
    with pytest.raises(EarmarkError, match=r"failed for chord, see above; what was done is kept: mend"):
        repro(project, lines)
    assert "chord    chord is broken" in lines
    assert (project / "publish-genre").exists()
    assert (project / "publish-speaker").exists()
    assert not (project / "train-chord").exists()
    (project / "broken-chord").unlink()
    before = told(project, "train-genre")
    repro(project, [])
    assert (project / "publish-chord").exists()
    assert told(project, "train-genre") == before


def test_threads_that_somebody_asked_for_are_kept(project, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    echo = "import os, sys; print(os.environ['OMP_NUM_THREADS'], *sys.argv[1:])"
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", echo])
    lines: list[str] = []
    repro(project, lines)
    assert lines[0] == "5 repro code"
    lanes = {f"{t:9}5 --wait-for-lock repro --single-item train@{t} publish@{t}" for t in TASKS}
    assert set(lines[1:]) == lanes


def test_a_stage_that_all_share_ends_it_where_it_fails(project, monkeypatch):
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", "import sys; sys.exit('no space')"])
    lines: list[str] = []
    with pytest.raises(EarmarkError, match="`dvc repro` failed, see above"):
        repro(project, lines)
    assert lines == ["no space"]
