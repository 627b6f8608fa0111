"""The trainings of a study: each is one job, kept under the hash of all that decides its outcome.

A job's folder holds `result.json` and `predictions.parquet` (one row a recording). It is written beside and
renamed, so a study that was killed finds whole results or none, and runs what is missing.
"""

import hashlib
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from earmark.errors import EarmarkError
from earmark.evaluation.fold import UNWATCHED, TrainingHooks
from earmark.experiments.study.windowed import LastRows, Windowed, split_windows
from earmark.features import store as feature_store
from earmark.features.pool import one_thread
from earmark.tasks import catalog
from earmark.training.code import code_sha256


@dataclass(frozen=True)
class Split:
    """What a job trains and tests on: the manifest with fold and split, and its hash.

    windowed: set where the windows of every recording are split, not the recordings. trials: of speakers.
    """

    table: pd.DataFrame
    windowed: Windowed | LastRows | None
    sha256: str
    trials: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        windowed: Windowed | LastRows | None = None,
        trials: pd.DataFrame | None = None,
    ) -> "Split":
        """A split and the hash of all that it decides."""
        truth = ["label"] if "label" in table else ["truth_sha256", "key"]
        rows = table[["path", *truth, "group", "split", "fold"]].to_csv(index=False, lineterminator="\n")
        listed = [] if trials is None else [trials.to_csv(index=False, lineterminator="\n")]
        return cls(table, windowed, _sha256([rows, asdict(windowed) if windowed else None, *listed]), trials)


@dataclass(frozen=True)
class TrainingJob:
    """One training and its test.

    test: the folds held out, one, or two of a nested choice; model, train: the task's settings; features: the folder
    of the feature store; key: hash of settings, features, split and code.
    """

    task: str
    test: tuple[str, ...]
    model: Any
    train: Any
    features: Path
    split: Split
    key: str

    @classmethod
    def of(
        cls, task: str, test: tuple[str, ...], model: Any, train: Any, features: Path, split: Split
    ) -> "TrainingJob":
        """A job and its key."""
        settings = [task, test, asdict(model), asdict(train)]
        key = _sha256([*settings, _store_sha256(features), split.sha256, code(task)])[:24]
        return cls(task, test, model, train, features, split, key)


def _sha256(parts: list) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def code(task: str) -> str:
    """Hash of the code that decides a training of a task and its test."""
    return code_sha256("earmark.experiments.study.jobs", f"earmark.tasks.{task}.folds")


@cache
def _store_sha256(features: Path) -> str:
    return feature_store.load(features).sha256


def is_finished(job: TrainingJob, folder: Path) -> bool:
    """Whether the job's result lies in `folder`."""
    return (folder / job.key / "result.json").exists()


def result(job: TrainingJob, folder: Path) -> dict:
    """A finished job's result; `refused` is a sentence, or empty where the job has figures."""
    return json.loads((folder / job.key / "result.json").read_text(encoding="utf-8"))


def predictions(job: TrainingJob, folder: Path) -> pd.DataFrame:
    """A finished job's answers, one row a recording."""
    return pd.read_parquet(folder / job.key / "predictions.parquet")


def run(job: TrainingJob, folder: Path, watch: TrainingHooks = UNWATCHED) -> None:
    """Train, judge, and keep the outcome; a refusal (a loss that is not finite, say) is an outcome too."""
    beside = Path(tempfile.mkdtemp(prefix=f"{job.key}-", suffix=".partial", dir=folder))
    try:
        try:
            found, answers = _train_and_judge(job, watch)
            answers.to_parquet(beside / "predictions.parquet", index=False)
        except EarmarkError as e:
            found = {"refused": str(e)}
        (beside / "result.json").write_text(json.dumps(found), encoding="utf-8")
        try:
            beside.rename(folder / job.key)
        except OSError:
            if not is_finished(job, folder):  # it is there when another study was at the very same job
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)  # nothing is left of it where it was renamed


def _train_and_judge(job: TrainingJob, watch: TrainingHooks) -> tuple[dict, pd.DataFrame]:
    folds = catalog.task(job.task).room("folds")
    trials = job.split.trials
    dataset = folds.join_store(job.split.table, job.features, job.model, *([] if trials is None else [trials]))
    if job.split.windowed:
        dataset = split_windows(dataset, job.split.windowed)
    found, answers = folds.train_and_judge(
        dataset, job.features, job.model, job.train, *([watch] if any(watch) else [])
    )
    by_recording = "fold" in answers and not job.split.windowed  # a nested choice leaves out several
    return found, answers if by_recording else answers.assign(fold=" and ".join(job.test))


def default_workers() -> int:
    """One on CUDA, whose memory they would share; else one a core."""
    return 1 if torch.cuda.is_available() else os.cpu_count() or 1


def execute(jobs: list[TrainingJob], folder: Path, workers: int, done: Callable[[TrainingJob], None]) -> None:
    """Run the jobs that have no result yet; `done` hears of each as it ends.

    With one worker they run in this process, on one thread as in every worker, so results do not depend
    on the number of workers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting = list({job.key: job for job in jobs if not is_finished(job, folder)}.values())
    for job in (_here if min(workers, len(waiting)) <= 1 else _spawned)(waiting, folder, workers):
        done(job)


def _here(jobs: list[TrainingJob], folder: Path, workers: int) -> Iterator[TrainingJob]:
    with one_thread():
        for job in jobs:
            run(job, folder)
            yield job


def _spawned(jobs: list[TrainingJob], folder: Path, workers: int) -> Iterator[TrainingJob]:
    """Jobs in the order they end. Ctrl-C and a signal to end drop those under way; their workers end with it."""
    # spawn: a fork of a process that has used torch's threads can hang
    pool = ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), begin_worker)
    try:
        under_way = {pool.submit(run, job, folder): job for job in jobs}
        for future in as_completed(under_way):
            future.result()
            yield under_way[future]
    except BrokenProcessPool:
        raise EarmarkError(
            "A worker died (usually for lack of memory); finished jobs are kept: run the command again with fewer "
            "--workers."
        ) from None
    except (KeyboardInterrupt, SystemExit):  # a signal may have reached this process alone
        for worker in active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def begin_worker() -> None:
    """One thread; dies at once of Ctrl-C, and with the process that started it."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_die_with, args=(parent_process(),), daemon=True).start()


def _die_with(parent) -> None:
    parent.join()
    os._exit(1)
