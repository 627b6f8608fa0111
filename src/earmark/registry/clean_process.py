"""A version tried as somebody else will use it: loaded in a process of its own, without pickle, and asked."""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
import soundfile as sf
from mlflow.entities.model_registry import ModelVersion

from earmark.errors import EarmarkError

SECONDS = 5
RATE = 22050
ASKED = 5
PATIENCE_S = 300
CHILD = """
import json, os, statistics, sys, time, warnings
warnings.filterwarnings("ignore")
def refuse(event, arguments):
    if event == "pickle.find_class":
        raise RuntimeError(f"it reads a pickle ({arguments[0]}.{arguments[1]})")
import mlflow.pyfunc
sys.addaudithook(refuse)
model, took = mlflow.pyfunc.load_model(sys.argv[1]), []
for _ in range(int(sys.argv[3]) + 1):
    start = time.perf_counter()
    answers = model.predict([sys.argv[2]])
    took.append(time.perf_counter() - start)
print(json.dumps({"seconds": statistics.median(took[1:]), "answers": len(answers)}))
"""


class AnswerCost(NamedTuple):
    """seconds: median time of an answer to five seconds of sound; megabytes: of the model's files."""

    seconds: float
    megabytes: float


def try_version(version: ModelVersion) -> AnswerCost:
    """What a version costs. Raises EarmarkError, without a full stop, where it does not load or answer."""
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))
    with tempfile.TemporaryDirectory() as beside:
        sound = Path(beside) / "sound.wav"
        _write_sound(sound)
        seconds = _asked(folder, sound)
    files = [file for file in (folder / "artifacts").rglob("*") if file.is_file()]
    return AnswerCost(seconds, sum(file.stat().st_size for file in files) / 1e6)


def _write_sound(path: Path) -> None:
    """Half a second each of rising tones under noise, as quiet as speech; the same every time."""
    time = np.arange(SECONDS * RATE) / RATE
    tones = np.sin(2 * np.pi * 220 * 2 ** (np.floor(time * 2) / 12) * time)
    noise = np.random.default_rng(0).normal(size=len(time))
    sf.write(path, 0.2 * tones + 0.02 * noise, RATE, subtype="PCM_16")


def _asked(folder: Path, sound: Path) -> float:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHONPATH"))}
    env |= {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    env |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # times of one thread are steadier
    command = [sys.executable, "-c", CHILD, str(folder), str(sound), str(ASKED)]
    try:
        done = subprocess.run(command, env=env, cwd=sound.parent, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise EarmarkError(f"it does not answer within {PATIENCE_S} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it ended without any output"])[-1]
        raise EarmarkError(f"it does not load or answer in a separate process ({reason[:200].rstrip('.')})")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["answers"] != 1 or not math.isfinite(found["seconds"]):
        raise EarmarkError(f"it gives {found['answers']} answers to one recording")
    return float(found["seconds"])
