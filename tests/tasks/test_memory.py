"""What a recording of 20 minutes takes more than one of 2 s, in a process of its own: next to nothing."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf

from bundles import small_chord_bundle, small_model, small_speaker_bundle

PROGRAM = """
import resource, sys
from importlib import import_module
from pathlib import Path
import torch
torch.set_num_threads(1)
task, name, folder, *files = sys.argv[1:]
answer = getattr(import_module(f"earmark.tasks.{task}.predictions"), name)(Path(folder))
for file in files:
    answer(Path(file))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MODELS = {
    "genre": ("Predictor", small_model),
    "chord": ("Recogniser", small_chord_bundle),
    "speaker": ("Embedder", small_speaker_bundle),
}
MOST_KIB = 30_000  # of 1.2 GB that the samples, the spectra and the answers of 20 minutes would take


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """2 s and 20 min of noise and tones, stereo FLAC at 44.1 kHz, whose bytes are searched as well."""
    folder = tmp_path_factory.mktemp("audio")
    rng = np.random.default_rng(0)
    minute = (0.1 * rng.standard_normal((60 * 44100, 2))).astype(np.float32)
    minute += 0.3 * np.sin(np.arange(len(minute)) * 0.05)[:, None].astype(np.float32)
    sf.write(folder / "short.flac", minute[: 2 * 44100], 44100)
    with sf.SoundFile(folder / "long.flac", "w", 44100, 2) as file:
        for i in range(20):
            file.write(minute * (1 + i % 3) / 4)
    return folder / "short.flac", folder / "long.flac"


@pytest.mark.parametrize("task", MODELS)
def test_a_long_recording_takes_little_more_than_a_short_one(tmp_path, recordings, task):
    name, small = MODELS[task]
    folder = small(tmp_path / "model")
    command = [sys.executable, "-c", PROGRAM, task, name, folder, *recordings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long = map(int, done.stdout.split())
    assert long - short < MOST_KIB
