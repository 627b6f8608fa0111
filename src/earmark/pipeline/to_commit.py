"""What there is to commit: of a run parameters, DVC's lock, figures and the split that was dealt; the ledger."""

import shlex
import subprocess
from pathlib import Path

PROJECT = (".gitignore", ".dvc", ".dvcignore", "dvc.yaml")  # in no commit yet after `earmark init`


def sentence(task: str, what: str = "run") -> list[str]:
    """The command that commits a run of a task and decisions on its models, as one sentence.

    None outside of git and where nothing differs. what: is to be kept, for people.
    """
    files = (
        "params.yaml",
        "dvc.lock",
        f"reports/{task}/metrics.json",
        f"splits/{task}.csv",
        f"registry/{task}",
        *PROJECT,
    )
    changed = _changed([file for file in files if Path(file).exists()])
    return [f"To keep this {what}: git add {shlex.join(changed)} && git commit"] if changed else []


def _changed(files: list[str]) -> list[str]:
    """Those that differ from the last commit, or are in none; of folders, those with such a file."""
    if not files:
        return []
    status = ["git", "--no-optional-locks", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]
    try:
        done = subprocess.run([*status, "--", *files], capture_output=True, text=True)
    except OSError:  # no git here
        return []
    lines = [f"/{line[3:]}/" for line in done.stdout.split("\0")]  # paths from the top of the repository
    return [file for file in files if any(f"/{file}/" in line for line in lines)]
