"""What a newcomer has when he opens a guide: a home folder with recordings, and the environment's programs.

A guide's blocks run as shown, one after the other, in his home or in his project. Only the pipeline's settings are made
small in between.
"""

from pathlib import Path

import yaml

import guide
from builders import tone
from project import SMALL, set_keys

LABELS = {"low": 200.0, "middle": 700.0, "high": 2400.0}
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "newcomer"), ("EMAIL", "newcomer@example.org"))
}


def recordings(folder: Path, n: int, first: int = 0) -> Path:
    """A sub-folder a label, each with n tones of its own pitch; `first` numbers them on."""
    for label, pitch in LABELS.items():
        for i in range(first, first + n):
            tone(folder / label / f"{label}{i:02}.wav", pitch * (1 + i / 200), 1.0, 8000)
    return folder


def make_small(project: Path, task: str = "genre", **changes) -> None:
    """Small settings of features, model and training; where the recordings are stays as it is."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    small = {key: value for key, value in SMALL.items() if not key.startswith("data.")}
    set_keys(params["tasks"][task], small | changes)
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def run(block: guide.Block, folder: Path, home: Path) -> str:
    """What a block prints when a newcomer runs it in a folder."""
    return guide.run(block, folder, home, **IDENTITY)
