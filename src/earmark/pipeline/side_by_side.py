"""`dvc repro` of several tasks at once: two threads on one training win less than a training on each core."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from earmark.errors import EarmarkError
from earmark.features import pool

DVC = [sys.executable, "-m", "dvc"]
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
    with ThreadPoolExecutor(n) as threads:
        begun = {t: threads.submit(lane.dvc, t.ljust(width), *single, *(f"{s}@{t}" for s in own)) for t in tasks}
        try:
            ended = {task: future.result() for task, future in begun.items()}
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            lane.end()
            raise
    if broken := [task for task, status in ended.items() if status]:
        raise EarmarkError(f"`dvc repro` failed for {', '.join(broken)}, {FAILED}")
    if whole.dvc("", "repro"):
        raise EarmarkError(f"`dvc repro` failed, {FAILED}")


class _Lane:
    """DVC's processes in a folder, with so many cores each, in sessions of their own, so that their stages end too."""

    def __init__(self, folder: Path, cores: int, say: Callable[[str], None]):
        self.folder, self.say = folder, say
        self.running: set[subprocess.Popen[str]] = set()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the stages find this very earmark
        self.env = {"OMP_NUM_THREADS": str(cores)} | os.environ | {"PATH": path, pool.CORES: str(cores)}

    def dvc(self, prefix: str, *args: str) -> int:
        """Run DVC and say its lines; its exit status."""
        pipe, err = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(
            [*DVC, *args], cwd=self.folder, env=self.env, stdout=pipe, stderr=err, text=True, start_new_session=True
        ) as process:
            self.running.add(process)
            try:
                for line in process.stdout or ():
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
