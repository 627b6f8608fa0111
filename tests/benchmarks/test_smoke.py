"""Speeds as ratios in one process, of CPU seconds: a test fails where one has fallen to half of what it was.

What they were stands in benchmarks/README.md; nothing here is an absolute time, which another machine would not keep.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch

from earmark import audio, config
from earmark.features.cqt import C1_HZ, CQT
from earmark.features.spectral import MelPower
from earmark.release import bundle
from earmark.tasks.chord.predictions import Recogniser

RATE = 22050
SOUND = np.random.default_rng(0).standard_normal(20 * RATE).astype(np.float32)
PLAIN = {"sr": RATE, "fmin": C1_HZ, "n_bins": 252, "bins_per_octave": 36, "filter_scale": 22 / 36, "hop_length": 544}


def cpu_s(work: Callable[[], object], rounds: int = 5) -> float:
    """Median CPU seconds of the rounds after one that warms up."""
    spent = []
    for _ in range(rounds + 1):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return statistics.median(spent[1:])


def imports_s(module: str) -> float:
    """CPU seconds of a process that imports a module, less those of one that imports nothing."""
    script = "import time; began = time.process_time(); import {}; print(time.process_time() - began)"
    said = [subprocess.check_output([sys.executable, "-c", script.format(module)], text=True) for _ in range(3)]
    return statistics.median(map(float, said))


@pytest.mark.parametrize(("n_fft", "times"), [(1024, 2.6), (4096, 3.1)])
def test_mel_power_beside_librosa(n_fft, times):
    features = config.load(Path(__file__).parents[2] / "params.yaml").tasks["genre"].features
    ours, sound = MelPower(replace(features, n_fft=n_fft, sample_rate=RATE, hop_length=220)), torch.from_numpy(SOUND)
    how = {"sr": RATE, "n_fft": n_fft, "hop_length": 220, "n_mels": 64}
    theirs = cpu_s(lambda: librosa.feature.melspectrogram(y=SOUND, **how))
    assert theirs / cpu_s(lambda: ours(sound)) > times / 2


def test_constant_q_transform_beside_librosa():
    ours, sound = CQT(hop_length=544, gamma=0.0), torch.from_numpy(SOUND)[None, None]
    assert cpu_s(lambda: np.abs(librosa.cqt(SOUND, **PLAIN))) / cpu_s(lambda: ours(sound)) > 8.0 / 2


def test_chords_from_file_to_answer_beside_librosas_transform_alone(tmp_path):
    sf.write(tmp_path / "a.flac", 0.1 * SOUND, RATE)
    answer = Recogniser(bundle.ROOT / "chord")
    ours = cpu_s(lambda: answer(audio.CheckedRecording(tmp_path / "a.flac")))
    assert cpu_s(lambda: np.abs(librosa.cqt(SOUND, **PLAIN))) / ours > 1.6 / 2


@pytest.mark.parametrize(("quick", "slow", "times"), [("earmark.registry.glance", "mlflow", 45.0)])
def test_a_glance_at_the_store_beside_importing_mlflow(quick, slow, times):
    assert imports_s(slow) / imports_s(quick) > times / 2
