"""Harmonic voices, and the walk of seed 004 on them in small."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import plain_progress
from earmark.experiments.seed004 import data as seed004_data
from earmark.experiments.seed004 import run as seed004
from earmark.experiments.seed004.data import VoiceSettings
from earmark.experiments.study import plan
from project import REPOSITORY

FILE = REPOSITORY / "studies/seed004.yaml"
SPEAKERS = {"train": 6, "val": 2, "test": 3}
SMALL = [
    "data.source=folder",
    "train.batches=10",
    "train.speakers=4",
    "train.segments=4",
    "model.width=0.1",
    "features.n_mels=40",
]


def voices(root: Path, seconds: float = 0.9) -> Path:
    """Speakers whose voice is a row of harmonics of a fundamental of their own, in two sessions of two recordings."""
    rng, rows = np.random.default_rng(0), []
    t = np.arange(round(16000 * seconds)) / 16000
    for split, n in SPEAKERS.items():
        for who in range(n):
            hz = 90 * 1.15 ** len({r["label"] for r in rows})
            for session in range(2):
                for take in range(2):
                    path = f"{split}{who}/{session}{take}.wav"
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    tone = sum(np.sin(2 * np.pi * hz * k * t + rng.uniform(0, 6)) / k for k in range(1, 9))
                    sf.write(root / path, 0.1 * tone + 0.003 * rng.standard_normal(len(t)), 16000)
                    rows.append({"path": path, "label": f"{split}{who}", "group": str(session), "split": split})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


def settings(root: Path, *overrides: str) -> seed004.Settings:
    """The committed walk on the voices below `root`, small."""
    return seed004.parse(plan.read(FILE), FILE, False, [f"data.root={root}", *SMALL, *overrides])


def read(data: VoiceSettings) -> seed004_data.Recordings:
    return seed004_data.recordings(data, pytest.fail, plain_progress)


def sounds(root: Path) -> seed004_data.Sounds:
    """What the walk hears of the voices below `root`."""
    base = settings(root).base
    return seed004_data.sounds(read(base.data), base.features, plain_progress)
