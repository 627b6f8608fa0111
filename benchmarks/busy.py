"""Wall time of every stage and prediction of a finished demo project, alone and beside busy processes.

    python benchmarks/busy.py PROJECT [--rounds 1] [--busy 2] [--threads 1,2] [--only train,predict]

PROJECT is a folder in which `dvc repro` has run on the demo data; it is copied, and the trainings are made short. The
busy processes compute without end, of the same login as the command and as nice. Commands run alone and beside them by
turns; the median of each counts. A start of Python is part of every time. Without --threads torch has its own number,
as users have it. Several logins stand apart, in the detail: where the system deals by sessions (Linux's autogroup), a
command that keeps two cores busy gets two thirds of one beside two other sessions, and takes three times as long; what
such shares alone would make of each is told, too.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rows import Row, write

from earmark.tasks import catalog, edited

EPOCHS = {"genre": 20, "chord": 1, "speaker": 1}
LEFT_OUT = (".dvc", ".git", ".venv", "mlartifacts", "mlflow.db", ".earmark", "__pycache__")
SPIN = "while True: pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--busy", type=int, default=2, help="Processes that compute beside.")
    parser.add_argument("--threads", default="", help="Of torch, each in turn.")
    parser.add_argument("--only", default="prepare,features,train,evaluate,predict")
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(args.project, copy, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        shorten(copy / "params.yaml")
        write(args.json, rows(copy, args))


def rows(project: Path, args: argparse.Namespace) -> Iterator[Row]:
    """A row for every command and number of threads."""
    for name, command in commands(project, args.only.split(",")):
        for threads in args.threads.split(","):
            run(project, command, threads)  # once for the store that it makes and what the disk keeps in memory
            times = []
            for _ in range(args.rounds):
                times.append(run(project, command, threads))
                for logins in (False, True):
                    with company(args.busy, logins):
                        times[-1] += run(project, command, threads)[:1]
            alone, cores, beside, apart = map(statistics.median, zip(*times, strict=True))
            fair = max(1.0, cores * (args.busy + 1) / (os.cpu_count() or 1))
            detail = f"{alone:.2f} s alone on {cores:.2f} cores, {beside:.2f} s; beside other logins "
            detail += f"{apart / alone:.2f} times as long, by shares {fair:.2f}"
            detail += f"; threads: {threads}" if threads else ""
            yield Row(f"3 Beside {args.busy} busy processes", name, beside / alone, "<= 2.5", detail)


def shorten(params: Path) -> None:
    """Fewer epochs, in the same schedule."""
    epochs = {f"tasks.{task}.train.epochs": n for task, n in EPOCHS.items()}
    warm = {f"tasks.{task}.train.schedule.warmup_epochs": 0 for task in EPOCHS}
    params.write_text(edited.put(params.read_text(), epochs | warm))


def commands(project: Path, stages: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What is timed: the stages of every task, and a prediction of a recording, or of two voices."""
    for stage in stages:
        for task in catalog.names():
            if stage == "predict":
                sounds = sorted((project / "data" / ("demo_voices" if task == "speaker" else "demo")).rglob("*.flac"))
                more = ["--verify", *map(str, sounds[:2])] if task == "speaker" else [str(sounds[0])]
                yield f"predict {task}", ["predict", task, "--model", f"models/{task}", *more]
            else:
                yield f"{stage} {task}", [stage, task]


def run(project: Path, command: list[str], threads: str) -> tuple[float, float]:
    """Seconds that a command of earmark takes, and how many cores it uses on average; a training begins anew."""
    if command[0] == "train":
        shutil.rmtree(project / ".earmark" / "checkpoints", ignore_errors=True)
    env = os.environ | ({"OMP_NUM_THREADS": threads} if threads else {})
    began, before = time.perf_counter(), _children_s()
    done = subprocess.run([sys.executable, "-m", "earmark", *command], cwd=project, env=env, capture_output=True)
    spent = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-500:])
    return spent, (_children_s() - before) / spent


def _children_s() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def company(processes: int, logins: bool) -> Iterator[None]:
    """Processes that compute without end; logins: each in a session of its own."""
    others = [subprocess.Popen([sys.executable, "-c", SPIN], start_new_session=logins) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main()
