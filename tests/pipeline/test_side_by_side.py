"""`dvc repro` of several tasks at once, by DVC itself on stages of a moment, and what is said where one fails."""

import json
import subprocess
import sys
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
import yaml

from earmark.errors import EarmarkError
from earmark.features import pool
from earmark.pipeline import side_by_side

TASKS = ["genre", "chord", "speaker"]
# A stage notes when it began and ended, and what it may use; every task's reads what `code` wrote. Where there is a
# file `together`, it waits until every task's training has begun; while there is one called `endless`, for its end.
STAGE = """\
import json, os, sys, time
began = time.time()
open("code.json").read()
open(f"began-{sys.argv[1]}", "w").close()
while os.path.exists("together") and not all(os.path.exists(f"began-{t}") for t in ("genre", "chord", "speaker")):
    if time.time() > began + 60:
        sys.exit("the others did not begin")
    time.sleep(0.05)
while os.path.exists("endless"):
    time.sleep(0.05)
if os.path.exists(f"broken-{sys.argv[1]}"):
    sys.exit(f"{sys.argv[1]} is broken")
told = {"began": began, "ended": time.time(), "cores": [os.environ["OMP_NUM_THREADS"], os.environ["EARMARK_CORES"]]}
open(sys.argv[2], "w").write(json.dumps(told))
"""
PIPELINE = {
    "stages": {
        "code": {"cmd": "echo 1 > code.json", "outs": ["code.json"]},
        "train": {
            "foreach": "${tasks}",
            "do": {"cmd": "python stage.py ${key} train-${key}", "deps": ["code.json"], "outs": ["train-${key}"]},
        },
        "publish": {
            "foreach": "${tasks}",
            "do": {
                "cmd": "python stage.py ${key} publish-${key}",
                "always_changed": True,
                "deps": ["code.json", "train-${key}"],
            },
        },
        "own": {"foreach": ["a", "b"], "do": {"cmd": "echo ${item} > own-${item}", "outs": ["own-${item}"]}},
    }
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE, sort_keys=False))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"tasks": {task: {} for task in TASKS}}))
    (tmp_path / "stage.py").write_text(STAGE)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run([*side_by_side.DVC, "init", "--quiet"], cwd=tmp_path, check=True)
    for name in ("OMP_NUM_THREADS", pool.CORES):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def repro(project, lines: list[str], lanes: int = 3) -> None:
    side_by_side.run(project / "dvc.yaml", TASKS, lambda: lanes, lines.append)


def told(project, name: str) -> dict:
    return json.loads((project / name).read_text())


@pytest.mark.pipeline
def test_tasks_run_at_the_same_time_and_dvc_sees_that_all_is_done(project, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 7)
    (project / "together").touch()
    lines: list[str] = []
    repro(project, lines)
    assert all(f"{task:9}> python stage.py {task} train-{task}" in lines for task in TASKS)
    trainings = [told(project, f"train-{task}") for task in TASKS]
    assert max(t["began"] for t in trainings) < min(t["ended"] for t in trainings)
    assert [t["cores"] for t in trainings] == 3 * [["2", "2"]]
    assert all(told(project, f"publish-{t}")["began"] >= told(project, f"train-{t}")["ended"] for t in TASKS)
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    of_tasks = {f"{stage}@{task}" for stage in ("train", "publish") for task in TASKS}
    assert set(lock) == {"code", "own@a", "own@b"} | of_tasks
    status = subprocess.run([*side_by_side.DVC, "status", "--json"], cwd=project, capture_output=True, text=True)
    changed = json.loads(status.stdout)
    assert set(changed) == {f"publish@{task}" for task in TASKS}
    assert all(why == ["always changed"] for why in changed.values())


@pytest.mark.pipeline
def test_who_ends_it_ends_the_stages_too(project):
    (project / "endless").touch()
    script = f"""
from pathlib import Path
from earmark.cli import app
from earmark.pipeline import side_by_side
app._end_at_signals()
side_by_side.run(Path({str(project / "dvc.yaml")!r}), {TASKS}, lambda: 3, print)
"""
    began = subprocess.Popen([sys.executable, "-c", script], cwd=project, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not all((project / f"began-{task}").exists() for task in TASKS):
            assert time.monotonic() < until
            time.sleep(0.05)
        began.terminate()
        assert began.wait(30) == 128 + 15
    finally:
        (project / "endless").unlink()
        began.kill()
    time.sleep(1)
    assert not list(project.glob("train-*"))  # what still ran would write one now


@pytest.mark.pipeline
def test_one_that_fails_is_named_and_the_others_end_and_it_goes_on_where_it_was(project):
    (project / "broken-chord").touch()
    lines: list[str] = []
    with pytest.raises(EarmarkError, match=r"failed for chord, see above; finished work is kept: fix"):
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


@pytest.mark.parametrize(("asked", "threads"), [(None, "2"), ("5", "5")])
def test_what_dvc_is_asked_and_with_how_many_threads(project, monkeypatch, asked, threads):
    _ = asked and monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(pool, "cores", lambda: 6)
    echo = "import os, sys; print(os.environ['OMP_NUM_THREADS'], os.environ['EARMARK_CORES'], *sys.argv[1:])"
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", echo])
    lines: list[str] = []
    repro(project, lines)
    whole = asked or "6"
    assert (lines[0], lines[-1]) == (f"{whole} 6 repro code", f"{whole} 6 repro")
    lanes = {f"{t:9}{threads} 2 --wait-for-lock repro --single-item train@{t} publish@{t}" for t in TASKS}
    assert set(lines[1:-1]) == lanes


def test_a_task_more_than_there_are_cores_waits_until_the_others_train(project, monkeypatch):
    """The last one begins; each other one while the one before it trains, and not earlier."""
    monkeypatch.setattr(pool, "cores", lambda: 1)
    log = project / "log"
    fake = f"""
import sys, time
def note(what):
    with open({str(log)!r}, "a") as file:
        file.write(what + "\\n")
if "@" in sys.argv[-1]:
    task = sys.argv[-1].split("@")[1]
    note(f"begin {{task}}")
    time.sleep(0.3)
    note(f"train {{task}}")
    print(f"Running stage 'train@{{task}}':", flush=True)
    time.sleep(1.5)
    note(f"end {{task}}")
"""
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", fake])
    repro(project, [])
    order = log.read_text().splitlines()
    assert order[:5] == ["begin speaker", "train speaker", "begin chord", "train chord", "begin genre"]
    assert sorted(order[5:]) == ["end chord", "end genre", "end speaker", "train genre"]


def test_where_a_task_fails_before_its_training_the_next_has_its_turn(project, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    fake = "import sys; sys.exit('no space' if 'speaker' in sys.argv[-1] else 0)"
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", fake])
    with pytest.raises(EarmarkError, match="failed for speaker, see above"):
        repro(project, [])


def test_who_waits_for_a_turn_does_not_begin_once_all_is_ended():
    turns = side_by_side._Turns(1)
    turns.wait("speaker")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(turns.wait, "chord")
        turns.end()
        with pytest.raises(CancelledError):
            waiting.result(10)


def test_in_one_lane_tasks_come_in_turn(project, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 6)
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", "import os; print(os.environ['EARMARK_CORES'])"])
    lines: list[str] = []
    repro(project, lines, lanes=1)
    assert lines == ["6", *(f"{task:9}6" for task in TASKS), "6"]


def test_a_stage_that_all_share_ends_it_where_it_fails(project, monkeypatch):
    monkeypatch.setattr(side_by_side, "DVC", [sys.executable, "-c", "import sys; sys.exit('no space')"])
    lines: list[str] = []
    with pytest.raises(EarmarkError, match="`dvc repro` failed, see above"):
        repro(project, lines)
    assert lines == ["no space"]
