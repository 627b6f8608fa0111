"""Which commit of the project something was made at."""

import re
import subprocess

# What the pipeline and decisions on its models write into git's view.
GENERATED = re.compile(r"^(dvc\.lock|reports/.*|splits/.*|registry/.*|.*\.gitignore)$")


def git_tags() -> dict[str, str]:
    """Commit, and whether anything but the pipeline's own outputs differs from it.

    Outside of git, or in a repository that does not hold the project's files, the commit is `none` and so is the rest.
    """
    commit = _git("rev-parse", "HEAD") if _git("ls-files", "params.yaml") else ""
    if not commit:
        return {"earmark.commit": "none", "earmark.dirty": "none"}
    within = _git("rev-parse", "--show-prefix")  # of a repository that holds more than the project
    changed = _git("status", "--porcelain", "--untracked-files=normal", "--", ".").splitlines()
    dirty = any(not GENERATED.match(line[3:].removeprefix(within)) for line in changed)
    return {"earmark.commit": commit, "earmark.dirty": str(dirty).lower(), "mlflow.source.git.commit": commit}


def _git(*args: str) -> str:
    """What git says; nothing where it fails or is not installed."""
    try:
        done = subprocess.run(["git", *args], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.rstrip() if done.returncode == 0 else ""
