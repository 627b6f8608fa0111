"""Training crops a second, beside a plain DataLoader that loads one .npy a clip (seed 003's way), in one run.

    OMP_NUM_THREADS=2 python benchmarks/throughput.py [--clips 320] [--rounds 5] [--models compact,cnn] [--json FILE]

Both train the same network on random 2.5 s crops of 5 s clips (64 bands, 100 frames a second) in batches of 32 with
AdamW. The DataLoader reads float32 files that the page cache holds, crops in numpy and stacks; earmark draws its crops
from the feature store in one gather. Rounds alternate; the median epoch of each counts.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from gpu_parts.beside import Clips
from rows import Row, write
from torch.utils.data import DataLoader

from earmark import config
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.windows import Windows
from earmark.training import loop

FRAMES, BANDS, CROP, CLASSES = 501, 64, 251, 10


def plain_epoch(task: GenreTask, optimizer: torch.optim.Optimizer, loader: DataLoader, bf16: bool) -> None:
    """As people write it: load, forward, backward, step."""
    task.model.train()
    for x, y in loader:
        with torch.autocast("cpu", torch.bfloat16, bf16):
            log_probs, _ = task.model(x, torch.arange(len(x)), len(x))
        loss = torch.nn.functional.nll_loss(log_probs, y)
        loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def earmark_epoch(task: GenreTask, trained: loop.Trained) -> None:
    """An epoch of earmark's loop."""
    loop._epoch(task, trained, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="compact,cnn")
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    settings = config.load(Path(__file__).parent.parent / "params.yaml").tasks["genre"]
    rng = np.random.default_rng(0)
    values = rng.standard_normal((args.clips * FRAMES, BANDS)).astype(np.float16)
    labels = rng.integers(0, CLASSES, args.clips)
    place = np.arange(args.clips)
    lengths = np.full(args.clips, FRAMES)
    ids = [str(i) for i in place]
    windows = Windows(values, place * FRAMES, place, place * FRAMES, lengths, labels, ids, CROP)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {args.clips} clips, median of {args.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        for i in place:
            clip = values[i * FRAMES : (i + 1) * FRAMES].astype(np.float32).T[None]
            np.save(Path(folder) / f"{i:05d}.npy", np.ascontiguousarray(clip))
        each = (compare(name, settings, windows, Path(folder), labels, args.rounds) for name in args.models.split(","))
        write(args.json, chain.from_iterable(each))


def compare(name: str, settings, windows: Windows, folder: Path, labels: np.ndarray, rounds: int) -> Iterator[Row]:
    """Time the ways of one network in turns: ratios to the first, and crops a second."""
    off = dict.fromkeys(("stretch", "mel_roll", "equalizer_db", "time_masks", "band_masks"), 0)
    plain = replace(settings.train, average=0.0, precision="float32", augment=replace(settings.train.augment, **off))
    model = replace(settings.model, name=name)

    def start(changed) -> tuple[GenreTask, loop.Trained]:
        task = GenreTask(windows, np.arange(len(labels)), np.arange(0), CLASSES, model, changed, torch.device("cpu"))
        return task, loop.Trained(task, changed)

    def plainly() -> tuple[GenreTask, torch.optim.Optimizer]:
        task, _ = start(plain)
        return task, torch.optim.AdamW(task.model.parameters(), lr=plain.lr, weight_decay=plain.weight_decay)

    def loader(workers: int) -> DataLoader:
        return DataLoader(Clips(folder, labels), 32, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

    auto = replace(plain, precision="auto")
    everything = replace(auto, augment=settings.train.augment, average=settings.train.average)
    ways = {
        "DataLoader, np.load, float32": partial(plain_epoch, *plainly(), loader(0), False),
        "DataLoader, 2 workers, float32": partial(plain_epoch, *plainly(), loader(2), False),
        "DataLoader, np.load, bfloat16": partial(plain_epoch, *plainly(), loader(0), True),
        "earmark, float32": partial(earmark_epoch, *start(plain)),
        "earmark, precision auto": partial(earmark_epoch, *start(auto)),
        "earmark, auto, all augmentation": partial(earmark_epoch, *start(everything)),
    }
    seconds = {way: [] for way in ways}
    for n in range(rounds + 1):
        for way, epoch in ways.items():
            began = time.perf_counter()
            epoch()
            if n:  # the first round warms up
                seconds[way].append(time.perf_counter() - began)
    reference = statistics.median(seconds["DataLoader, np.load, float32"])
    for way, times in seconds.items():
        middle = statistics.median(times)
        detail = f"{len(labels) / middle:.0f} crops/s, {torch.get_num_threads()} thread(s)"
        yield Row("5 Training beside a plain DataLoader", f"{name}: {way}", reference / middle, "", detail)


if __name__ == "__main__":
    main()
