"""How the time of every stage grows with the number of recordings: exponents, of which 1 is in proportion.

    python benchmarks/growth.py [--task genre] [--sizes 1,4,16] [--songs 40] [--seconds 3] [--rounds 3] [--json FILE]

Projects of the demo's songs (voices for speaker): `FEW` of them, and 1, 4 and 16 times --songs, each project with the
first of one series. What the commands call runs in this process, after a project in which everything ran once, on one
core as far as torch goes. t(n) is the median of the CPU seconds of the rounds, or of the epochs; publish runs once a
project, as the first one after its training. Fitted is the slope of log(t(n) - t(FEW)) over log(n - FEW) by least
squares: a + b n has the exponent 1 whatever the constant a is. Points count in proportion to t(n) - t(FEW), since noise
is about the same everywhere, and what has not grown by `LEAST_S` seconds counts as if it had, so that noise has no
exponent. Keep the whole below an hour of sound: above it extraction starts processes, whose time is not seen here.
"""

import argparse
import contextlib
import io
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch and numpy are loaded

import numpy as np
import pandas as pd
import torch
from rows import Row, write

from earmark.cli import experiments, pipeline
from earmark.experiments.study import table
from earmark.generated.demo import music, voices
from earmark.pipeline import new_project
from earmark.tasks import catalog, edited

POINT = "4 Growth"
FEW, LEAST_S = 24, 0.03
EPOCHS = 5
STUDY = """\
task: {task}
base: {{train.epochs: 1, train.schedule.warmup_epochs: 0}}
factors: {{rate: {{key: train.lr, values: [0.003, 0.001]}}}}
k: 2
seeds: [1]
"""
REPORT = "listening report"
TABLE, AGAIN = "study table", "study whose trainings are there"
WHATS = ("prepare", "features", "epoch", "evaluate", REPORT, "publish", TABLE, AGAIN)
Times = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="genre", choices=catalog.names())
    parser.add_argument("--sizes", default="1,4,16", help="Times --songs, ascending.")
    parser.add_argument("--songs", type=int, default=40, help="Recordings of size 1.")
    parser.add_argument("--seconds", type=float, default=3.0, help="Of a song, at least.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    numbers = [FEW, *(round(float(size) * args.songs) for size in args.sizes.split(","))]
    with tempfile.TemporaryDirectory(prefix="earmark-growth-") as folder:
        os.environ.setdefault("NUMBA_CACHE_DIR", f"{folder}/numba")
        sounds = Path(folder) / "sounds"
        made = generated(args.task, sounds, numbers[-1], args.seconds)
        project(Path(folder) / "warm", args.task, sounds, made[:FEW])
        timed(args.task, Path(folder) / "warm", 1)
        found = {}
        for n in numbers:
            project(Path(folder) / f"{n}", args.task, sounds, made[:n])
            found[n] = timed(args.task, Path(folder) / f"{n}", args.rounds)
            shutil.rmtree(Path(folder) / f"{n}")
    write(args.json, [row(args.task, what, {n: times[what] for n, times in found.items()}) for what in WHATS])


def generated(task: str, root: Path, n: int, seconds: float) -> pd.DataFrame:
    """The manifest of so many recordings; the first ones of it have all classes in equal numbers."""
    if task == "speaker":
        voices.generate(root, max(10, n // 10), 7)
        table = pd.read_csv(root / "manifest.csv", dtype=str)
    else:
        music.generate(root, -(-n // len(music.GENRES)), 7, workers=os.cpu_count() or 1, seconds=seconds)
        table = pd.read_csv(root / "manifest.csv", dtype=str)
        table = table.assign(turn=table.groupby("label").cumcount()).sort_values(["turn", "label"]).drop(columns="turn")
    return table.head(n)


def project(folder: Path, task: str, sounds: Path, recordings: pd.DataFrame) -> None:
    """A new project whose data are these recordings, with what belongs to them."""
    with contextlib.redirect_stdout(io.StringIO()):
        new_project.make(folder, [task])
    root = folder / "sounds"
    for column in {"path", "lab"} & set(recordings):
        for name in recordings[column]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(sounds / name, root / name)
    recordings.to_csv(root / "manifest.csv", index=False)
    train = {"epochs": EPOCHS, "schedule.warmup_epochs": 0}
    changed = {f"tasks.{task}.data.root": "sounds", **{f"tasks.{task}.train.{key}": n for key, n in train.items()}}
    params = folder / "params.yaml"
    params.write_text(edited.put(params.read_text(), changed))
    (folder / "study.yaml").write_text(STUDY.format(task=task))


def timed(task: str, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of everything in one project; the median of the rounds where something can be done again."""
    spent: Times = {what: [] for what in WHATS}
    with contextlib.chdir(folder), quiet():
        for stage in (pipeline.prepare, pipeline.features):
            repeat(spent[stage.__name__], partial(stage, task), rounds)
        with patch.object(pipeline.show, "also_epoch", partial(heard, spent["epoch"])):
            pipeline.train(task)
        with also(spent[REPORT], listening(task), "listening"):
            repeat(spent["evaluate"], partial(pipeline.evaluate, task), rounds)
        repeat(spent["publish"], partial(pipeline.publish, task), 1)
        study = partial(experiments.study, Path("study.yaml"))
        study()
        parts: Times = {"table": [], "effects": []}
        with also(parts["table"], table, "row"), also(parts["effects"], table, "effects"):
            repeat(spent[AGAIN], study, rounds)
        spent[TABLE] = [sum(map(sum, parts.values())) / rounds]
    return {what: statistics.median(times) for what, times in spent.items()}


def repeat(spent: list[float], work: Callable[[], object], rounds: int) -> None:
    """Add the CPU seconds of every round."""
    for _ in range(rounds):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)


def listening(task: str) -> ModuleType:
    """The module that writes a task's listening report."""
    return catalog.task(task).room("listening")


def also(spent: list[float], module: ModuleType, name: str) -> AbstractContextManager:
    """Time a function of a module on its own, too, whoever calls it meanwhile."""
    function = getattr(module, name)

    def measured(*args, **more):
        began = time.process_time()
        found = function(*args, **more)
        spent.append(time.process_time() - began)
        return found

    return patch.object(module, name, measured)


def heard(spent: list[float], follow: Callable, epochs: int) -> Callable:
    """What a training calls after every epoch, which notes the CPU seconds since the one before."""
    ends: list[float] = []

    def after(state, seconds: float) -> None:
        follow(state, seconds)
        ends.append(time.process_time())
        spent.extend(ends[-1] - end for end in ends[-2:-1])

    return after


@contextmanager
def quiet() -> Iterator[None]:
    """What commands print goes nowhere."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def exponent(numbers: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of what is on top of the first, in logarithms; see the head of this file."""
    more = np.array([max(s - seconds[0], LEAST_S) for s in seconds[1:]])
    return float(np.polyfit(np.log([n - numbers[0] for n in numbers[1:]]), np.log(more), 1, w=more)[0])


def row(task: str, what: str, seconds: dict[int, float]) -> Row:
    """What is reported of one thing that was timed."""
    detail = ", ".join(f"{n} recordings {s:.3g} s" for n, s in seconds.items())
    words = f"{what}, {task}: exponent of CPU time over recordings"
    return Row(POINT, words, exponent(list(seconds), list(seconds.values())), "<= 1.1", detail)


if __name__ == "__main__":
    main()
