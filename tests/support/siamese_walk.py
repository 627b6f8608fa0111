"""Harmonic voices, and the walk of siamese_blstm on them in small."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import plain_progress
from earmark.experiments.siamese_blstm import data as recorded
from earmark.experiments.siamese_blstm import run as siamese_blstm
from earmark.experiments.siamese_blstm.data import VoiceSettings
from earmark.experiments.study import plan
from project import REPOSITORY

FILE = REPOSITORY / "studies/siamese_blstm.yaml"
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


def settings(root: Path, *overrides: str) -> siamese_blstm.SiameseBlstmSettings:
    """The committed walk on the voices below `root`, small."""
    return siamese_blstm.parse(plan.read(FILE), FILE, False, [f"data.root={root}", *SMALL, *overrides])


def read(data: VoiceSettings) -> recorded.VoiceRecordings:
    return recorded.recordings(data, pytest.fail, plain_progress)


def sounds(root: Path) -> recorded.Sounds:
    """What the walk hears of the voices below `root`."""
    base = settings(root).base
    return recorded.sounds(read(base.data), base.features, plain_progress)
