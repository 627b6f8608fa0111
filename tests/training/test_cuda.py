"""On a CUDA device every task learns, resumes, and answers as the CPU does: the checks of benchmarks/gpu.sh."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

from project import REPOSITORY

sys.path.append(str(REPOSITORY / "benchmarks"))  # as a script has its folder
checks, features, material = (
    importlib.import_module(f"gpu_parts.{name}") for name in ("checks", "features", "material")
)
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]
CUDA = torch.device("cuda")
each_training = pytest.mark.parametrize("name", material.TRAININGS)


@each_training
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_learns(name, precision):
    checks.learns(name, CUDA, precision)


@each_training
def test_resumed_training_ends_near_the_unbroken_one(name, tmp_path: Path):
    checks.resumes(name, CUDA, tmp_path)


@each_training
def test_answers_are_the_cpus(name):
    checks.answers(name, CUDA)


@each_training
def test_answers_in_bfloat16_are_near_the_cpus(name):
    checks.answers_in_bfloat16(name, CUDA)


def test_features_are_the_cpus():
    assert {feature.name for feature in features.measured(CUDA, seconds=0.1)} == {"log-mel", "CQT"}
