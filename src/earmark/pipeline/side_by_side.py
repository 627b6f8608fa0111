"""`dvc repro` of several tasks at once: two threads on one training win less than a training on each core."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Condition
from typing import Any

import yaml

from earmark.errors import EarmarkError
from earmark.features import pool

DVC = [sys.executable, "-m", "dvc"]
TRAINING = "train"
PER_TASK = "${tasks}"  # what dvc.yaml's stages of every task go through
FAILED = "see above; finished work is kept: fix what is wrong and run the command again."


def run(pipeline: Path, tasks: list[str], lanes: Callable[[], int], say: Callable[[str], None]) -> None:
    """Reproduce the stages that come before all tasks, each task's own side by side, then whatever is left; say every
    line of theirs.

    pipeline: dvc.yaml, in whose folder DVC runs. lanes: how many tasks at once, which share the cores; asked while the
    first stages run, as the answer takes an import of torch. DVC gives up where two of its processes look at one stage,
    so each is told its task's stages and looks no further. Raises EarmarkError where one failed, once all have ended;
    ends them where it is ended itself.
    """
    before, own = stages(yaml.safe_load(pipeline.read_text(encoding="utf-8")))
    whole = _Lane(pipeline.parent, pool.cores(), say)
    width = max(map(len, tasks)) + 2
    single = ("--wait-for-lock", "repro", "--single-item")
    with ThreadPoolExecutor(1) as aside:
        asked = aside.submit(lanes)
        failed = before and whole.dvc("", "repro", *before)
    if failed:
        raise EarmarkError(f"`dvc repro` failed, {FAILED}")
    n = asked.result()
    lane = _Lane(pipeline.parent, max(1, pool.cores() // n), say)
    turns = _Turns(pool.cores())

    def reproduce(task: str) -> int:
        turns.wait(task)
        try:
            stages_of_it = (f"{stage}@{task}" for stage in own)
            return lane.dvc(task.ljust(width), *single, *stages_of_it, heard=partial(turns.hear, task))
        finally:
            turns.over(task)

    with ThreadPoolExecutor(n) as threads:
        # the first task waits, if any: of the demo's it has the least to do
        begun = {task: threads.submit(reproduce, task) for task in (reversed(tasks) if n > pool.cores() else tasks)}
        try:
            ended = {task: begun[task].result() for task in tasks}
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            turns.end()
            lane.end()
            raise
    if broken := [task for task, status in ended.items() if status]:
        raise EarmarkError(f"`dvc repro` failed for {', '.join(broken)}, {FAILED}")
    if whole.dvc("", "repro"):
        raise EarmarkError(f"`dvc repro` failed, {FAILED}")


class _Turns:
    """As many tasks as there are cores begin; another does once all that have begun are being trained.

    Were all to begin at once and share the cores, the shortest would end first and the longest be left with one.
    """

    def __init__(self, cores: int):
        self.changed, self.cores = Condition(), cores
        self.begun, self.before = 0, set[str]()  # how many; those whose training has not begun
        self.ended = False

    def wait(self, task: str) -> None:
        """Until it is the task's turn; CancelledError where there will be none."""
        with self.changed:
            self.changed.wait_for(lambda: self.begun < self.cores or not self.before or self.ended)
            if self.ended:
                raise CancelledError
            self.begun += 1
            self.before.add(task)

    def hear(self, task: str, line: str) -> None:
        """A line that DVC says of a task."""
        if f"'{TRAINING}@{task}'" in line:
            self.over(task)

    def over(self, task: str) -> None:
        """The task is being trained, or has ended."""
        with self.changed:
            self.before.discard(task)
            self.changed.notify_all()

    def end(self) -> None:
        """Nobody has a turn any more."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()


class _Lane:
    """DVC's processes in a folder, with so many cores each, in sessions of their own, so that their stages end too."""

    def __init__(self, folder: Path, cores: int, say: Callable[[str], None]):
        self.folder, self.say = folder, say
        self.running: set[subprocess.Popen[str]] = set()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the stages find this very earmark
        self.env = {"OMP_NUM_THREADS": str(cores)} | os.environ | {"PATH": path, pool.CORES: str(cores)}

    def dvc(self, prefix: str, *args: str, heard: Callable[[str], None] | None = None) -> int:
        """Run DVC and say its lines, which `heard` gets as they are; its exit status."""
        pipe, err = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(
            [*DVC, *args], cwd=self.folder, env=self.env, stdout=pipe, stderr=err, text=True, start_new_session=True
        ) as process:
            self.running.add(process)
            try:
                for line in process.stdout or ():
                    if heard:
                        heard(line)
                    self.say(f"{prefix}{line.rstrip()}")
            except BaseException:
                self.end()
                raise
        self.running.discard(process)
        return process.returncode

    def end(self) -> None:
        """End what runs, with its stages, which keep what they have done."""
        for process in list(self.running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def stages(pipeline: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the stages before the first that every task has, and of those, in dvc.yaml's order, which is theirs."""
    names = list(pipeline["stages"])
    own = [name for name in names if pipeline["stages"][name].get("foreach") == PER_TASK]
    return names[: names.index(own[0])] if own else names, own
