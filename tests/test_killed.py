"""Trainings that are killed, and recordings that are broken: the pipeline goes on, and ends the same."""

from pathlib import Path

import pandas as pd
import pytest

from conftest import small_folder
from project import make, sha256

pytestmark = pytest.mark.pipeline
KILL_SWITCH = str(Path(__file__).parent / "kill_switch")
KILLS = ("inside:2:process", "later:2:process", "after:1:group")


def test_killed_training_ends_in_the_same_weights(tmp_path):
    audio = small_folder(tmp_path / "audio")
    calm = make(tmp_path / "calm", audio, **{"train.epochs": 8})
    calm.repro()
    killed = make(tmp_path / "killed", audio, **{"train.epochs": 8})
    switch = {"PYTHONPATH": KILL_SWITCH}
    for moment in KILLS:
        done = killed.run("dvc", "repro", check=False, EARMARK_TEST_KILL=moment, **switch)
        assert done.returncode != 0
        assert not (killed.path / "models/genre/config.json").exists()
    assert "train@genre" in killed.repro()
    weights = [sha256(p.path / "models/genre/model.safetensors") for p in (calm, killed)]
    assert weights[0] == weights[1]
    assert (calm.path / "models/genre/history.csv").read_text() == (
        killed.path / "models/genre/history.csv"
    ).read_text()
    (run,) = killed.runs()
    assert run.info.status == "FINISHED"
    for key in ("train/loss", "val/loss", "val/accuracy"):
        assert killed.steps(run.info.run_id, key) == list(range(1, 9))
    assert not list((killed.path / ".earmark/checkpoints").glob("*"))


def test_run_left_behind_by_other_parameters_is_closed(tmp_path):
    project = make(tmp_path / "project", small_folder(tmp_path / "audio"))
    switch = {"PYTHONPATH": KILL_SWITCH}
    project.run("dvc", "repro", check=False, EARMARK_TEST_KILL="after:1:group", **switch)
    assert [r.info.status for r in project.runs()] == ["RUNNING"]
    project.set(**{"train.lr": 0.003})
    project.repro()
    assert sorted(r.info.status for r in project.runs()) == ["FINISHED", "KILLED"]


def test_quarantine_goes_on_by_name(tmp_path):
    audio = small_folder(tmp_path / "audio")
    (audio / "low/0.wav").write_bytes(b"")
    whole = (audio / "high/0.wav").read_bytes()
    (audio / "high/0.wav").write_bytes(whole[: len(whole) // 2])
    project = make(tmp_path / "project", audio)
    assert project.repro("prepare@genre") == ["prepare@genre"]
    rows = pd.read_csv(project.path / "data/genre/quarantine.csv").set_index("path").reason
    assert rows["low/0.wav"] == "the file is empty"
    assert rows["high/0.wav"].startswith("it is truncated")
    assert len(pd.read_csv(project.path / "data/genre/manifest.csv")) == 16
