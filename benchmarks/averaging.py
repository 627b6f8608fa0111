"""Does the moving average of the weights lose to the plain weights, in trainings of any length?

    python benchmarks/averaging.py genre                                    # after `dvc repro`, in the project
    python benchmarks/averaging.py genre --epochs 30 --average 0.9,0.99 -S train.lr=0.001
    python benchmarks/averaging.py chord -S model.width=0.125 -S train.crop_frames=128 --recordings 12
    python benchmarks/averaging.py speaker -S model.width=0.2 -S train.batches=10

Reads params.yaml, data/TASK and features/TASK of the folder that it is started in; your own recordings come in by
tasks.TASK.data there. An average does not change the training that it follows, so one training judges all of them:
`plain`; `warm`, the average of `train.average`; and `cold`, a constant decay from the first step on, of the buffers,
too. Every length is a training of its own, with a learning rate that ends there; a seed draws weights and batches, and
with --recordings also which recordings are learnt. Judged on the validation recordings, at the epoch of `train.keep`.
Printed are mean and deviation over seeds, and the paired difference to the plain weights with its standard error.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from earmark import config
from earmark.errors import EarmarkError
from earmark.tasks import catalog
from earmark.training import loop
from earmark.training.settings import LoopSettings, PlateauSchedule

FIGURES = {"accuracy": "val/accuracy", "loss": "val/loss"}


def averages(model: nn.Module, decays: list[float]) -> dict[str, AveragedModel]:
    """What follows the weights, by name."""
    cold = {f"cold {d:g}": AveragedModel(model, None, None, get_ema_multi_avg_fn(d), True) for d in decays}
    return cold | {f"warm {d:g}": loop.moving_average(model, d) for d in decays}


def followed(task: loop.TrainingTask, settings: LoopSettings, decays: list[float]) -> dict[str, loop.Row]:
    """Train once; the validation figures of the plain weights and of every average at the epoch that each keeps."""
    trained, followers = loop.Trained(task, settings), averages(task.model, decays)
    trained.step = _also(trained.step, lambda: [a.update_parameters(task.model) for a in followers.values()])
    networks = {"plain": task.model} | {name: a.module for name, a in followers.items()}
    kept: dict[str, loop.Row] = {}
    for epoch in range(1, settings.epochs + 1):
        torch.manual_seed(settings.seed * 1_000_003 + epoch)
        loop._epoch(task, trained, epoch)
        trained.schedule.epoch({})
        if settings.keep != "last" or epoch == settings.epochs:
            rows = {name: task.validate(network) for name, network in networks.items()}
            if "val/loss" not in rows["plain"]:
                raise EarmarkError("There are no validation recordings; set data.val_share above 0 and prepare anew.")
            kept |= {n: row for n, row in rows.items() if n not in kept or _better(row, kept[n], settings.keep)}
    return kept


def _also(step: Callable[..., None], then: Callable[[], object]) -> Callable[..., None]:
    def both(*args) -> None:
        step(*args)
        then()

    return both


def _better(row: loop.Row, other: loop.Row, keep: str) -> bool:
    return row["val/loss"] < other["val/loss"] if keep == "loss" else row["val/accuracy"] > other["val/accuracy"]


def trainings(task: str, settings, epochs: int, args) -> pd.DataFrame:
    """A row for every seed and network: seed, network, accuracy, loss."""
    rooms = catalog.task(task)
    dataset, rows = rooms.room("dataset").load(settings), []
    for seed in range(1, args.seeds + 1):
        asked = replace(settings.train, epochs=epochs, seed=seed, patience=0, average=0.0)
        made = rooms.room("train").task_of(fewer(dataset, args.recordings, seed), settings.model, asked)
        for name, row in followed(made, asked, args.average or [settings.train.average]).items():
            rows.append((seed, name, *(row[key] for key in FIGURES.values())))
    print(f"{task}: {epochs} epochs of {made.steps()} steps, {args.seeds} seeds, keep: {settings.train.keep}")
    return pd.DataFrame(rows, columns=["seed", "network", *FIGURES])


def fewer(dataset, n: int, seed: int):
    """The dataset with `n` of its training recordings; all of them where n is 0."""
    table, train = dataset.table.copy(), np.flatnonzero(dataset.table["split"] == "train")
    if n:
        left_out = np.random.default_rng(seed).permutation(train)[n:]
        table.loc[table.index[left_out], "split"] = "unused"
    return replace(dataset, table=table)


def show(found: pd.DataFrame) -> None:
    """Print a line a network."""
    for name in found.network.unique():
        line = f"  {name:<11}"
        for figure in FIGURES:
            by_seed = found.pivot(index="seed", columns="network", values=figure)
            one, gap = by_seed[name], by_seed[name] - by_seed.plain
            error = gap.std() / np.sqrt(len(gap))
            line += f"  {figure} {one.mean():.3f} ({one.std():.3f}), minus plain {gap.mean():+.4f} +- {error:.4f}"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=catalog.names())
    parser.add_argument("--epochs", type=lambda text: [int(n) for n in text.split(",")], default=[10, 30, 200])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--average", type=lambda text: [float(d) for d in text.split(",")], help="default: params.yaml's"
    )
    parser.add_argument("--recordings", type=int, default=0, help="of the training split; 0: all")
    parser.add_argument("-S", "--set", action="append", default=[], help="a key below tasks.TASK, as train.lr=0.001")
    args = parser.parse_args()
    try:
        settings = config.load_task(Path("params.yaml"), args.task, [f"tasks.{args.task}.{o}" for o in args.set])
        if isinstance(settings.train.schedule, PlateauSchedule):
            raise EarmarkError("A plateau schedule listens to the judged weights; set train.schedule to another.")
        for epochs in args.epochs:
            show(trainings(args.task, settings, epochs, args))
    except EarmarkError as e:
        parser.error(str(e))


if __name__ == "__main__":
    main()
