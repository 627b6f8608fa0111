"""`dvc repro` of several tasks at once: two threads on one training win less than a training on each core."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from earmark.errors import EarmarkError

DVC = [sys.executable, "-m", "dvc"]


FAILED = "see above; what was done is kept: mend what is wrong and run the command again."


def run(pipeline: Path, tasks: list[str], say: Callable[[str], None]) -> None:
    """Reproduce the stages that all tasks share, then each task's own at the same time; say every line of theirs.

    pipeline: dvc.yaml, in whose folder DVC runs. Where OMP_NUM_THREADS is not set, the tasks share the machine's cores.
    DVC gives up where two of its processes look at one stage, so each is told its task's stages and looks no further.
    Raises EarmarkError, once all have ended, where one of them failed.
    """
    shared, own = stages(yaml.safe_load(pipeline.read_text(encoding="utf-8")))
    env = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // len(tasks)))} | os.environ
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"  # the stages find this very earmark

    def reproduce(prefix: str, *args: str) -> int:
        pipe, err = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen([*DVC, *args], cwd=pipeline.parent, env=env, stdout=pipe, stderr=err, text=True) as dvc:
            for line in dvc.stdout or ():
                say(f"{prefix}{line.rstrip()}")
        return dvc.returncode

    if shared and reproduce("", "repro", *shared):
        raise EarmarkError(f"`dvc repro` failed, {FAILED}")
    width = max(map(len, tasks)) + 2
    with ThreadPoolExecutor(len(tasks)) as pool:
        single = ("--wait-for-lock", "repro", "--single-item")
        lanes = {t: pool.submit(reproduce, t.ljust(width), *single, *(f"{s}@{t}" for s in own)) for t in tasks}
    if failed := [task for task, lane in lanes.items() if lane.result()]:
        raise EarmarkError(f"`dvc repro` failed for {', '.join(failed)}, {FAILED}")


def stages(pipeline: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the stages that all tasks share, and of those that each has, in dvc.yaml's order, which is theirs."""
    each = {name: "foreach" in stage for name, stage in pipeline["stages"].items()}
    return [name for name, own in each.items() if not own], [name for name, own in each.items() if own]
