"""Training crops a second, beside a plain DataLoader that loads one .npy a clip, on the same device.

As benchmarks/throughput.py: both train the same network on random 2.5 s crops of 5 s clips with AdamW. The DataLoader
reads float32 files that the page cache holds, crops in numpy and stacks; earmark draws its crops from the feature store
on the device in one gather. Rounds alternate; the median epoch of each counts, the first one warms up.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.settings import CompactSettings, FrameLoss, ModelSettings, SoundCnnsSettings, TrainSettings
from earmark.tasks.genre.windows import Windows
from earmark.training import loop
from earmark.training.settings import AdamW, CosineSchedule
from gpu_parts.devices import autocast, wait
from gpu_parts.material import UNAUGMENTED
from gpu_parts.networks import BANDS, CLASSES, FRAMES

CLIP = 501  # frames
BATCH = {"cuda": 32, "cpu": 4}
LARGER = 8  # times as large, on CUDA
CLIPS = {"cuda": 1024, "cpu": 8}
WORKERS = min(4, os.cpu_count() or 1)
ROUNDS = 5  # at most, beside the first
MODELS = {"compact": CompactSettings(), "ResNetish18": SoundCnnsSettings(name="resnetish18")}
REFERENCE, OURS = "DataLoader, np.load, float32", "earmark, precision auto"
AUGMENTED = replace(
    UNAUGMENTED, stretch=0.2, mel_roll=4, equalizer_db=3.0, time_masks=2, time_mask_s=0.2, band_masks=2, band_mask=8
)
PLAIN = TrainSettings(
    loss=FrameLoss(),
    crops="random",
    optimizer=AdamW(),
    lr=0.003,
    weight_decay=0.05,
    batch_size=32,
    epochs=200,
    average=0.0,
    keep="last",
    patience=0,
    seed=1,
    device="auto",
    precision="float32",
    schedule=CosineSchedule(warmup_epochs=5),
    augment=UNAUGMENTED,
)


class Clips(Dataset):
    """One .npy a clip, (1, bands, frames); a random crop of it."""

    def __init__(self, folder: Path, labels: np.ndarray):
        self.files, self.labels = sorted(folder.glob("*.npy")), labels

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int):
        x = np.load(self.files[i])
        start = np.random.randint(0, x.shape[-1] - FRAMES + 1)
        return torch.from_numpy(x[..., start : start + FRAMES].copy()), self.labels[i]


@dataclass(frozen=True)
class Speed:
    """Crops a second of a way to train a network; ratio: to the plain DataLoader's."""

    network: str
    way: str
    crops_s: float
    ratio: float


def plain_epoch(
    task: GenreTask, optimizer: torch.optim.Optimizer, loader: DataLoader, device: torch.device, precision: str
) -> None:
    """As people write it: load, hand over, forward, backward, step."""
    task.model.train()
    for clips, labels in loader:
        x, y = clips.to(device), labels.to(device)
        with autocast(device, precision):
            log_probs, _ = task.model(x, torch.arange(len(x), device=device), len(x))
        loss = torch.nn.functional.nll_loss(log_probs, y)
        loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def measured(device: torch.device, seconds: float, left: Callable[[], bool]) -> Iterator[Speed]:
    """Speeds of both networks, about so many seconds each, as long as `left()` says that time is left."""
    rng, n = np.random.default_rng(0), CLIPS[device.type]
    values = rng.standard_normal((n * CLIP, BANDS)).astype(np.float16)
    labels, place = rng.integers(0, CLASSES, n), np.arange(n)
    windows = Windows(
        values, place * CLIP, place, place * CLIP, np.full(n, CLIP), labels, [str(i) for i in place], FRAMES
    )
    with tempfile.TemporaryDirectory() as folder:
        for i in place:
            clip = values[i * CLIP : (i + 1) * CLIP].astype(np.float32).T[None]
            np.save(Path(folder) / f"{i:05d}.npy", np.ascontiguousarray(clip))
        for name, model in MODELS.items():
            if left():
                yield from compared(name, _ways(model, windows, Path(folder), device), n, device, seconds)


def compared(
    name: str, ways: dict[str, Callable[[], None]], n: int, device: torch.device, seconds: float
) -> Iterator[Speed]:
    """Time the ways of one network in turns; n: crops of an epoch."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    began = time.perf_counter()
    for done in range(ROUNDS + 1):
        if done > 1 and time.perf_counter() - began > seconds:
            break
        for way, epoch in ways.items():
            start = time.perf_counter()
            epoch()
            wait(device)
            if done:
                times[way].append(time.perf_counter() - start)
    middle = {way: statistics.median(taken) for way, taken in times.items()}
    for way, took in middle.items():
        yield Speed(name, way, n / took, middle[REFERENCE] / took)


def _ways(model: ModelSettings, windows: Windows, folder: Path, device: torch.device) -> dict[str, Callable[[], None]]:
    batch = BATCH[device.type]

    def start(settings: TrainSettings) -> tuple[GenreTask, loop.Trained]:
        task = GenreTask(windows, np.arange(len(windows.ids)), np.arange(0), CLASSES, model, settings, device)
        return task, loop.Trained(task, settings)

    def plainly() -> tuple[GenreTask, torch.optim.Optimizer]:
        task, _ = start(PLAIN)
        return task, torch.optim.AdamW(task.model.parameters(), lr=PLAIN.lr, weight_decay=PLAIN.weight_decay)

    def loader(workers: int) -> DataLoader:
        clips = Clips(folder, windows.labels)
        return DataLoader(clips, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

    def ours(settings: TrainSettings) -> Callable[[], None]:
        return partial(_earmark_epoch, *start(settings))

    plain = replace(PLAIN, batch_size=batch)
    auto = replace(plain, precision="auto")
    ways = {
        REFERENCE: partial(plain_epoch, *plainly(), loader(0), device, "float32"),
        f"DataLoader, {WORKERS} workers, float32": partial(plain_epoch, *plainly(), loader(WORKERS), device, "float32"),
        "DataLoader, np.load, bfloat16": partial(plain_epoch, *plainly(), loader(0), device, "bfloat16"),
        "earmark, float32": ours(plain),
        OURS: ours(auto),
        "earmark, auto, all augmentation": ours(replace(auto, augment=AUGMENTED, average=0.99)),
    }
    if device.type == "cuda":
        ways[f"earmark, auto, batches of {LARGER * batch}"] = ours(replace(auto, batch_size=LARGER * batch))
    return ways


def _earmark_epoch(task: GenreTask, trained: loop.Trained) -> None:
    """An epoch of earmark's loop."""
    loop._epoch(task, trained, 1)
