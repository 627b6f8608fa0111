"""Training crops a second, beside what people write for the same network, in one run.

    OMP_NUM_THREADS=2 python benchmarks/throughput.py [--clips 320] [--rounds 5] [--models compact,cnn] [--json FILE]

All train on random 2.5 s crops of 5 s clips (64 bands, 100 frames a second) in batches of 32 with AdamW. A plain
DataLoader reads one float32 .npy a clip (as the article on sound CNNs does) that the page cache holds, crops in
numpy and stacks; another computes the clip's log-mel with librosa whenever it is asked for; Lightning's Trainer, where
it is installed, takes the first one's batches. earmark draws its crops from the feature store in one gather. Rounds
alternate; the median epoch of each counts, of Lightning's without what `fit` does before and after.
"""

import argparse
import importlib.util
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import librosa
import numpy as np
import soundfile as sf
import torch
from gpu_parts.beside import Clips
from rows import Row, write
from torch.utils.data import DataLoader, Dataset

from earmark import config
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.windows import Windows
from earmark.training import loop

FRAMES = 501
BANDS = 64
CROP = 251
CLASSES = 10
LIGHTNING = importlib.util.find_spec("lightning") is not None
RATE = 44100
SECONDS = 5
HOP = 441
N_FFT = 4096


class Recordings(Dataset):
    """Log-mel of a random crop of a clip's samples, by librosa, when it is asked for."""

    def __init__(self, folder: Path, labels: np.ndarray):
        self.files, self.labels = sorted(folder.glob("*.wav")), labels

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[np.ndarray, int]:
        samples, _ = librosa.load(self.files[i], sr=RATE)
        start = np.random.randint(len(samples) - (CROP - 1) * HOP)
        part = samples[start : start + (CROP - 1) * HOP]
        mel = librosa.feature.melspectrogram(y=part, sr=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS)
        return librosa.power_to_db(mel, top_db=80.0)[None], int(self.labels[i])


def plain_epoch(task: GenreTask, optimizer: torch.optim.Optimizer, loader: DataLoader, bf16: bool) -> float:
    """As people write it: load, forward, backward, step. Returns its seconds."""
    began = time.perf_counter()
    task.model.train()
    for x, y in loader:
        with torch.autocast("cpu", torch.bfloat16, bf16):
            log_probs, _ = task.model(x, torch.arange(len(x)), len(x))
        loss = torch.nn.functional.nll_loss(log_probs, y)
        loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - began


def lightning_epoch(task: GenreTask, optimizer: torch.optim.Optimizer, loader: DataLoader) -> Callable[[], float]:
    """The same under Lightning's Trainer, which says nothing and keeps nothing."""
    import lightning.pytorch as lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, self.spent = task.model, 0.0

        def on_train_epoch_start(self) -> None:
            self.spent = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.spent = time.perf_counter() - self.spent

        def training_step(self, batch, _) -> torch.Tensor:
            x, y = batch
            log_probs, _ = self.model(x, torch.arange(len(x)), len(x))
            return torch.nn.functional.nll_loss(log_probs, y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer

    module = Module()
    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}

    def epoch() -> float:
        trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", enable_model_summary=False, **silent)
        trainer.fit(module, loader)
        return module.spent

    return epoch


def earmark_epoch(task: GenreTask, trained: loop.Trained) -> float:
    """An epoch of earmark's loop. Returns its seconds."""
    began = time.perf_counter()
    loop._epoch(task, trained, 1)
    return time.perf_counter() - began


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
            sf.write(Path(folder) / f"{i:05d}.wav", 0.1 * rng.standard_normal(RATE * SECONDS), RATE)
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

    def loader(workers: int, of: type[Dataset] = Clips) -> DataLoader:
        return DataLoader(of(folder, labels), 32, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

    auto = replace(plain, precision="auto")
    everything = replace(auto, augment=settings.train.augment, average=settings.train.average)
    ways = {
        "DataLoader, np.load, float32": partial(plain_epoch, *plainly(), loader(0), False),
        "DataLoader, 2 workers, float32": partial(plain_epoch, *plainly(), loader(2), False),
        "DataLoader, np.load, bfloat16": partial(plain_epoch, *plainly(), loader(0), True),
        "DataLoader, librosa, float32": partial(plain_epoch, *plainly(), loader(0, Recordings), False),
        "DataLoader, librosa, 2 workers, float32": partial(plain_epoch, *plainly(), loader(2, Recordings), False),
        "Lightning's Trainer, np.load, float32": LIGHTNING and lightning_epoch(*plainly(), loader(0)),
        "earmark, float32": partial(earmark_epoch, *start(plain)),
        "earmark, precision auto": partial(earmark_epoch, *start(auto)),
        "earmark, auto, all augmentation": partial(earmark_epoch, *start(everything)),
    }
    ways = {way: epoch for way, epoch in ways.items() if epoch}
    seconds = {way: [] for way in ways}
    for n in range(rounds + 1):
        for way, epoch in ways.items():
            spent = epoch()
            if n:  # the first round warms up
                seconds[way].append(spent)
    reference = statistics.median(seconds["DataLoader, np.load, float32"])
    for way, times in seconds.items():
        middle = statistics.median(times)
        detail = f"{len(labels) / middle:.0f} crops/s, {torch.get_num_threads()} thread(s)"
        yield Row("5 Training beside a plain DataLoader", f"{name}: {way}", reference / middle, "", detail)


if __name__ == "__main__":
    main()
