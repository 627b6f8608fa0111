"""Builders that tests share: small audio files, a labelled folder, and settings with small sizes."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from earmark.data import reading
from earmark.data.settings import DataSettings
from earmark.features.settings import FeatureSettings
from earmark.tasks import catalog
from earmark.tasks.genre.settings import (
    AugmentSettings,
    FrameLoss,
    MixSettings,
    ModelSettings,
    SongLoss,
    TrainSettings,
)
from earmark.training import tagged
from earmark.training.settings import OptimizerSettings, ScheduleSettings

FREQUENCY = {"low": 220.0, "high": 1760.0}


def noise(seconds: float, rate: int = 22050, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """Gaussian noise (n,), float32."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def sines(frequency: float, seconds: float, rate: int = 22050, level: float = 0.5) -> np.ndarray:
    """A sine tone (n,), float32."""
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def tone(
    path: Path,
    freq: float = 440.0,
    seconds: float = 1.0,
    rate: int = 22050,
    channels: int = 1,
    level: float = 0.5,
    fmt: str | None = None,
) -> Path:
    """Write a sine tone; the format follows the file's name unless `fmt` names it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    signal = sines(freq, seconds, rate, level)
    sf.write(path, np.repeat(signal[:, None], channels, axis=1), rate, format=fmt)
    return path


def features_settings(**changes) -> FeatureSettings:
    """Small and quick feature settings; `changes` replace single ones."""
    plain = {
        "kind": "log_mel",
        "sample_rate": 8000,
        "n_fft": 512,
        "hop_length": 256,
        "n_mels": 24,
        "n_mfcc": 13,
        "f_min": 0.0,
        "f_max": None,
        "top_db": 80.0,
        "log_floor": "top_db",
        "normalize": "recording",
        "trim_db": None,
        "framing": "recording",
        "fill": "tile",
        "window_s": 0.5,
        "window_hop_s": 0.25,
        "max_seconds": 60.0,
        "dtype": "float32",
    }
    return FeatureSettings(**plain | changes)


def song_mil_features(**changes) -> FeatureSettings:
    """The features of song_mil."""
    theirs = {
        "kind": "mfcc",
        "sample_rate": 22050,
        "n_fft": 1024,
        "hop_length": 512,
        "n_mels": 128,
        "normalize": "none",
        "framing": "window",
        "window_s": 5.0,
        "window_hop_s": 2.5,
    }
    return features_settings(**theirs | changes)


def data_settings(**changes) -> DataSettings:
    """Settings of a folder of recordings."""
    plain = {
        "source": "folder",
        "root": "data",
        "test_fold": None,
        "val_share": 0.2,
        "test_share": 0.2,
        "seed": 1,
        "max_quarantined": 0.1,
    }
    return DataSettings(**plain | changes)


def model_settings(**changes) -> ModelSettings:
    """Settings of a small network; keys of other networks than the one named are left out."""
    plain = {
        "name": "cnn",
        "width": 1.0,
        "variant": "sound",
        "channels": 4,
        "hidden": 8,
        "dropout": 0.2,
        "pooling": "mean_prob",
    }
    return tagged.from_stored(ModelSettings, plain | changes)


def schedule_settings(**changes) -> ScheduleSettings:
    """A constant learning rate; keys of other schedules than the one named are left out."""
    plain = {
        "name": "constant",
        "step_epochs": 10,
        "gamma": 0.1,
        "patience": 10,
        "monitor": "loss",
        "min_lr": 0.0,
        "warmup_epochs": 0,
    }
    return tagged.from_stored(ScheduleSettings, plain | changes)


def augment_settings(mix: str = "none", alpha: float = 1.0, share: float = 1.0, **changes) -> AugmentSettings:
    """No augmentation."""
    plain = {
        "stretch": 0.0,
        "mel_roll": 0,
        "shift": 0.0,
        "gain_db": 0.0,
        "equalizer_db": 0.0,
        "time_masks": 0,
        "time_mask_s": 0.0,
        "band_masks": 0,
        "band_mask": 0,
        "mix": tagged.from_stored(MixSettings, {"name": mix, "alpha": alpha, "share": share}),
    }
    return AugmentSettings(**plain | changes)


def train_settings(
    loss: str = "frame", label_smoothing: float = 0.0, optimizer: str = "adamw", momentum: float = 0.0, **changes
) -> TrainSettings:
    """Settings of a training of a few steps; loss and optimizer by name."""
    plain = {
        "loss": FrameLoss(label_smoothing=label_smoothing) if loss == "frame" else SongLoss(),
        "crops": "windows",
        "optimizer": tagged.from_stored(OptimizerSettings, {"name": optimizer, "momentum": momentum}),
        "lr": 0.002,
        "weight_decay": 0.01,
        "batch_size": 8,
        "epochs": 2,
        "average": 0.0,
        "keep": "loss",
        "patience": 0,
        "seed": 1,
        "device": "cpu",
        "precision": "float32",
        "schedule": schedule_settings(),
        "augment": augment_settings(),
    }
    return TrainSettings(**plain | changes)


def prepared(task: str, data: DataSettings, root: Path, warn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the first stage makes of a source for a task: recordings, and those that cannot be used."""
    found = reading.prepare(catalog.task(task).room("corpora").CORPORA, data, root, warn, plain_progress)
    return found.table, found.quarantined


def plain_progress(items, n, text):
    """A progress bar that shows nothing."""
    return items


def small_folder(root: Path, each: int = 6) -> Path:
    """A labelled folder: low tones, high tones and noise; `each` recordings of every label, two to a group."""
    root.mkdir()
    rows = ["path,label,group"]
    for label in ("low", "high", "noise"):
        for i in range(each):
            path = root / label / f"{i}.wav"
            if label == "noise":
                path.parent.mkdir(exist_ok=True)
                sf.write(path, noise(1.5, 8000, seed=i), 8000)
            else:
                tone(path, FREQUENCY[label] * (1 + i / 50), 1.5, 8000)
            rows.append(f"{label}/{i}.wav,{label},{label}{i // 2}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root
