"""Trainings that are killed, and recordings that are broken: the pipeline goes on, and ends the same."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from builders import small_folder
from chord_audio import songs
from project import make, sha256

pytestmark = pytest.mark.pipeline
_ALSO = filter(None, [os.environ.get("PYTHONPATH")])  # the killed training runs the code that the tests run
KILL_SWITCH = os.pathsep.join([str(Path(__file__).parents[1] / "support/kill_switch"), *_ALSO])
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


def test_killed_chord_training_ends_in_the_same_weights(tmp_path):
    """One project: dvc trains once, then `earmark train chord`, which dvc runs, is killed twice and goes on."""
    project = make(tmp_path / "project", songs(tmp_path / "audio"), "chord", **{"train.epochs": 6})
    project.repro("train@chord", MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path / 'calm.db'}")
    calm, model = project.path / "models/calm", project.path / "models/chord"
    model.rename(calm)
    shutil.rmtree(project.path / ".earmark/checkpoints")  # its own, which publish would have taken away
    for moment in KILLS[:2]:
        switch = {"PYTHONPATH": KILL_SWITCH, "EARMARK_TEST_KILL": moment}
        assert project.run("earmark", "train", "chord", check=False, **switch).returncode < 0
        assert not (model / "config.json").exists()
    project.run("earmark", "train", "chord")
    assert sha256(model / "model.safetensors") == sha256(calm / "model.safetensors")
    for name in ("history.csv", "config.json"):
        assert (model / name).read_text() == (calm / name).read_text()
    (run,) = project.runs()
    for key in ("train/loss", "val/loss", "val/bass"):
        assert project.steps(run.info.run_id, key) == list(range(1, 7))


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
    assert project.repro("prepare@genre") == ["code", "prepare@genre"]
    rows = pd.read_csv(project.path / "data/genre/quarantine.csv").set_index("path").reason
    assert rows["low/0.wav"] == "the file is empty"
    assert rows["high/0.wav"].startswith("it is truncated")
    assert len(pd.read_csv(project.path / "data/genre/manifest.csv")) == 16
