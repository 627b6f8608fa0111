"""What a run of the pipeline leaves to commit: parameters, DVC's lock, figures, and the split that was dealt."""

import shlex
import subprocess
from pathlib import Path


def sentence(task: str) -> list[str]:
    """The command that commits a run of a task, as one sentence; none outside of git and where nothing differs."""
    files = ("params.yaml", "dvc.lock", f"reports/{task}/metrics.json", f"splits/{task}.csv")
    changed = _changed([file for file in files if Path(file).exists()])
    return [f"To keep this run: git add {shlex.join(changed)} && git commit"] if changed else []


def _changed(files: list[str]) -> list[str]:
    """Those that differ from the last commit, or are in none."""
    if not files:
        return []
    status = ["git", "--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]
    try:
        done = subprocess.run([*status, "--", *files], capture_output=True, text=True)
    except OSError:  # no git here
        return []
    return [file for file in files if any(line[3:].endswith(file) for line in done.stdout.split("\0"))]
