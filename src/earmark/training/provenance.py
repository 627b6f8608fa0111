"""Which commit of the project something was made at."""

import re
import subprocess

GENERATED = re.compile(r"^(dvc\.lock|reports/.*|.*\.gitignore)$")  # what the pipeline writes into git's view


def git_tags() -> dict[str, str]:
    """Commit, and whether anything but the pipeline's own outputs differs from it."""
    commit = _git("rev-parse", "HEAD") or "none"
    changed = [line[3:] for line in _git("status", "--porcelain", "--untracked-files=normal").splitlines()]
    dirty = any(not GENERATED.match(path) for path in changed)
    return {"earmark.commit": commit, "earmark.dirty": str(dirty).lower(), "mlflow.source.git.commit": commit}


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], capture_output=True, text=True)
    return done.stdout.rstrip() if done.returncode == 0 else ""
