"""benchmarks/gpu.py on a CPU: its checks hold and notice what they are for, its counts are right, its needs are few."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from earmark.tasks.genre.settings import SoundCnnsSettings
from earmark.training import loop
from project import REPOSITORY

sys.path.append(str(REPOSITORY / "benchmarks"))  # as a script has its folder
checks, counting, material, networks, steps = (
    importlib.import_module(f"gpu_parts.{name}") for name in ("checks", "counting", "material", "networks", "steps")
)
CPU = torch.device("cpu")
GENRE = "genre, compact"
each_training = pytest.mark.parametrize("name", material.TRAININGS)
# What a machine for GPUs need not have; numpy, torch and torchaudio it has.
ABSENT = (
    *("pandas", "mlflow", "dvc", "librosa", "soundfile", "soxr", "pydantic", "yaml", "typer", "rich", "scipy"),
    *("sklearn", "safetensors", "pyarrow", "optuna", "matplotlib", "pytest", "filelock", "psutil", "PIL", "mir_eval"),
)


@each_training
def test_learns(name):
    figures = checks.learns(name, CPU)
    assert figures["last_loss"] < figures["first_loss"]


@each_training
def test_resumed_training_is_the_unbroken_one_to_the_bit(name, tmp_path):
    assert checks.resumes(name, CPU, tmp_path) == {"weights_apart": 0, "losses_apart": 0}


@each_training
def test_answers_are_the_cpus_own(name):
    assert set(checks.answers(name, CPU).values()) == {0}


@each_training
def test_answers_in_bfloat16_are_near(name):
    assert 0 < checks.answers_in_bfloat16(name, CPU)["answers_apart"] < 0.05


def test_training_that_does_not_resume_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "_resume", lambda path, trained: None)
    with pytest.raises(checks.CheckError, match="went on from epoch"):
        checks.resumes(GENRE, CPU, tmp_path)


@pytest.mark.parametrize(
    ("part", "least"),
    [("model", 0.1), ("optimizer", 10 * checks.RESUMED), ("schedule", 10 * checks.RESUMED), ("average", 0.0)],
)
def test_training_that_resumes_without_a_part_is_noticed(part, least, monkeypatch, tmp_path):
    resume, parts = loop._resume, loop.Trained.parts

    def forgetful(path: Path, trained: loop.Trained):
        with monkeypatch.context() as patch:
            patch.setattr(loop.Trained, "parts", lambda self: {k: v for k, v in parts(self).items() if k != part})
            return resume(path, trained)

    monkeypatch.setattr(loop, "_resume", forgetful)
    with pytest.raises(checks.CheckError, match="apart") as noticed:
        checks.resumes(GENRE, CPU, tmp_path)
    assert float(str(noticed.value).split()[3]) > least


def test_loss_that_stays_is_noticed(monkeypatch):
    monkeypatch.setattr(loop.Trained, "step", lambda *_: None)
    with pytest.raises(checks.CheckError, match="the loss fell from"):
        checks.learns(GENRE, CPU)


def test_other_answers_are_noticed(monkeypatch):
    loaded, done = checks._loaded, []

    def second_differs(*args):
        task, x = loaded(*args)
        if done:
            task.model.head.weight.data.mul_(1.01)
        done.append(args)
        return task, x

    monkeypatch.setattr(checks, "_loaded", second_differs)
    with pytest.raises(checks.CheckError, match="answers are"):
        checks.answers(GENRE, CPU)


def test_operations_and_bytes_by_hand():
    x, w = torch.zeros(3, 5, requires_grad=True), torch.zeros(7, 5, requires_grad=True)

    def step():
        nn.functional.linear(x, w).sum().backward()

    flops, moved = counting.counted(step)
    assert flops == 3 * (2 * 3 * 5 * 7)  # forward, and the slopes of both
    assert counting.counted(lambda: x.detach() + 1)[1] == 2 * 3 * 5 * 4
    assert counting.counted(lambda: x.detach().T.reshape(15)[:4].zero_())[1] == (2 * 15 + 2 * 4) * 4  # a copy, zeros
    assert moved > (3 * 5 + 7 * 5 + 3 * 7) * 4


def test_operations_of_an_lstm_are_those_of_its_matrices():
    lstm = nn.LSTM(6, 10, batch_first=True)
    x = torch.randn(2, 9, 6, requires_grad=True)
    forward = 2 * 2 * 9 * 40 * (6 + 10)
    assert counting.counted(lambda: lstm(x)[0].sum().backward())[0] == 3 * forward
    with torch.no_grad():
        assert counting.counted(lambda: lstm(x))[0] == forward
    aten, formulas = torch.ops.aten, counting._lstms()
    shapes = [2, 9, 6], [[40, 6], [40, 10], [40], [40]]  # what cuDNN's operator is given
    assert formulas[aten._cudnn_rnn](*shapes, 4, None) == forward
    assert formulas[aten._cudnn_rnn_backward](*shapes, 4, None) == 2 * forward


def test_optimizer_writes_what_it_reads():
    p = nn.Parameter(torch.zeros(100))
    p.grad = torch.ones(100)
    optimizer = torch.optim.AdamW([p], fused=True)
    optimizer.step()
    weights, step = 4 * 100, 4
    # weights, slopes and both moments are read; all but the slopes, and the number of steps, are written
    found = counting.counted(optimizer.step)[1]
    assert 4 * weights + 3 * weights <= found <= 8 * weights + 8 * step


@pytest.mark.parametrize("of", networks.NETWORKS, ids=[of.name for of in networks.NETWORKS])
def test_settings_make_networks_that_step(of):
    if of.name in ("ChordNet", "ResNetish18", "net"):
        pytest.skip("a step of it takes seconds here; the run of gpu.sh on a CPU has one")
    step = steps.timed(of, 2, "float32", CPU, {"float32": 0.1, "copy": 10.0}, seconds=0.0)
    assert step.per_s == pytest.approx(2 * of.each / step.seconds)
    assert step.flops > 2 * step.weights
    assert step.asked is None


def test_roofline_is_the_larger_of_both_times():
    of = networks.Network("ResNetish18", SoundCnnsSettings(name="resnetish18", width=0.05), "crops", 1, (2, 4))
    slow_memory = steps.timed(of, 2, "float32", CPU, {"float32": 1e3, "copy": 1.0}, seconds=0.0)
    slow_products = steps.timed(of, 2, "float32", CPU, {"float32": 1e-3, "copy": 1e6}, seconds=0.0)
    assert (slow_memory.bound, slow_products.bound) == ("bytes", "operations")
    assert slow_memory.roofline == pytest.approx(slow_memory.bytes / 1e9 / slow_memory.seconds)
    assert slow_products.roofline == pytest.approx(slow_products.flops / 1e9 / slow_products.seconds)


def test_a_machine_with_torch_torchaudio_and_numpy_alone_runs_it(tmp_path):
    """As gpu.sh starts it, in a process that can import nothing else; the parts that take a second."""
    script = f"""
import runpy, sys
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
def present(name, path=None, target=None):
    return None if name.split(".")[0] in {ABSENT!r} else find_spec(name, path, target)
PathFinder.find_spec = present
sys.argv = ["gpu.py", "--device", "cpu", "--seconds", "0", "--parts", "ceilings,features,steps,loading,graphs,compile"]
sys.path.insert(0, {str(REPOSITORY / "benchmarks")!r})
runpy.run_path({str(REPOSITORY / "benchmarks/gpu.py")!r}, run_name="__main__")
"""
    env = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OUT": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["failed"] == []
    assert {row["what"] for row in found["rows"]} >= {"ceiling, float32", "CQT, times real time"}
    assert {way["reason"] for way in found["graphs"]} == {"left out, for there is no CUDA device"}
    assert {way["reason"] for way in found["compile"]} == {"left out, for the time was up"}


def test_a_failed_check_fails_the_run_and_the_others_go_on(monkeypatch, tmp_path, capsys):
    gpu = importlib.import_module("gpu")

    def broken(*_args):
        raise checks.CheckError("the loss fell from 2 to 2 only")

    monkeypatch.setattr(checks, "learns", broken)
    monkeypatch.setattr(gpu, "TRAININGS", {GENRE: material.TRAININGS[GENRE]})
    out = tmp_path / "new" / "gpu.json"
    argv = ["gpu.py", "--device", "cpu", "--json", str(out), "--seconds", "0", "--parts", "checks,ceilings"]
    monkeypatch.setattr(sys, "argv", argv)
    assert gpu.main() == 1
    found = json.loads(out.read_text())
    assert len(found["failed"]) == 2
    assert [check["passed"] for check in found["checks"]] == [False, False, True, True, True]
    assert found["ceilings"]["copy"] > 0
    assert f"FAILED {GENRE} learns in float32: CheckError: the loss fell" in capsys.readouterr().out
