"""Where things lie: stage outputs in the working tree, shared state in the main repository."""

import os
from pathlib import Path

from earmark.errors import EarmarkError


def main_repository() -> Path:
    """The project's folder, also from inside DVC's temporary experiments (DVC tells it as DVC_ROOT)."""
    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    for folder in (root, *root.parents):
        if (folder / "params.yaml").exists():
            return folder
    raise EarmarkError(f"{root} is not inside an earmark project; change to the folder that holds params.yaml.")


def audio_root(root: str) -> Path:
    """An audio folder: relative to the working tree (where DVC puts generated audio), else to the main repository."""
    here = Path(root)
    return here if here.is_absolute() or here.exists() else main_repository() / root


def state() -> Path:
    """Checkpoints, locks and caches that are nobody's output: `.earmark/` in the main repository."""
    return main_repository() / ".earmark"


def checkpoint(train_key: str) -> Path:
    """The checkpoint of a training, by its train key."""
    return state() / "checkpoints" / train_key / "state.pt"


def lock(name: str) -> Path:
    """A lock file by name; its folder exists."""
    path = state() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
