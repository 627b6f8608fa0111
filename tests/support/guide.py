"""The fenced blocks of a guide, so that a test can run what it shows: README.md and docs/*.md.

    for block in guide.blocks(REPOSITORY / "docs/serving.md", "bash", "python"):
        assert guide.run(block, folder, home) == block.output

A block's output is the block of language `text` that follows it, if there is one.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\s`]*)[^`\n]*$")
PROGRAMS = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"  # those of the environment come first
LEFT_OUT = ("MLFLOW_", "DVC_", "PYTEST_", "PYTHON", "HOME", "PATH")  # of this process, for a user has none of it
EXECUTABLES = {"bash": ["bash", "-euo", "pipefail"], "python": [sys.executable]}


@dataclass(frozen=True)
class Block:
    """One fenced block. line: of its opening fence in the guide, from 1. output: of the `text` block after it."""

    guide: str
    line: int
    language: str
    text: str
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.guide}:{self.line} ({self.language})"


def blocks(guide: Path, *languages: str) -> list[Block]:
    """The fenced blocks of these languages, in order; of all of them without, '' being a fence that names none."""
    found = _parsed(guide)
    following: list[Block | None] = [*found, None][1:]
    with_output = [
        Block(b.guide, b.line, b.language, b.text, after.text if after and after.language == "text" else None)
        for b, after in zip(found, following, strict=True)
    ]
    return [b for b in with_output if not languages or b.language in languages]


def _parsed(guide: Path) -> list[Block]:
    found: list[Block] = []
    opened: re.Match | None = None
    for number, line in enumerate(guide.read_text().splitlines(), 1):
        if opened is None:
            if opened := FENCE.match(line):
                start, body = number, []
        elif line.strip().startswith(opened["fence"]) and not line.strip().strip(opened["fence"][0]):
            found.append(Block(guide.name, start, opened["language"], "".join(body)))
            opened = None
        else:
            body.append(line.removeprefix(opened["indent"]) + "\n")
    if opened:
        raise AssertionError(f"{guide.name}:{start}: the fence is never closed.")
    return found


def run(block: Block, folder: Path, home: Path, path: str = PROGRAMS, timeout: float = 300, **env: str) -> str:
    """What a block of bash or Python prints on stdout when it runs in a folder; fails the test when it fails."""
    done = subprocess.run(
        **_started(block, folder, environment(home, path, **env)), capture_output=True, text=True, timeout=timeout
    )
    if done.returncode:
        raise AssertionError(f"{block} ended with {done.returncode}:\n{block.text}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def running(block: Block, folder: Path, home: Path, path: str = PROGRAMS, **env: str) -> Iterator[subprocess.Popen]:
    """A block that does not end by itself, such as a server; all of its processes are ended afterwards.

    Its output goes into the file guide.log in `home`.
    """
    with open(home / "guide.log", "w") as log:
        process = subprocess.Popen(
            **_started(block, folder, environment(home, path, **env)), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _started(block: Block, folder: Path, env: dict[str, str]) -> dict[str, Any]:
    """How a block's process is started: in a session of its own, with nothing to read."""
    command = [*EXECUTABLES[block.language], "-c", block.text]
    return {"args": command, "cwd": folder, "env": env, "stdin": subprocess.DEVNULL, "start_new_session": True}


def environment(home: Path, path: str = PROGRAMS, **env: str) -> dict[str, str]:
    """A user's environment: this process's without what belongs to a test, and with a home of its own."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT)}
    quiet = {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    return plain | {"HOME": str(home), "PATH": path} | quiet | env
