"""Which modules each stage of each task runs, and which demo data is used: what code.json tells DVC."""

import os
from collections.abc import Iterable
from importlib.util import find_spec

from earmark.tasks import catalog
from earmark.training.code import code_sha256

# Entry modules of a stage, TASK being the task's folder: what they import belongs to the stage, too.
STAGES = {
    "prepare": ("earmark.data.reading", "earmark.pipeline.prepare", "earmark.tasks.TASK.corpora"),
    "features": ("earmark.data.manifest", "earmark.tasks.TASK.features"),
    "train": ("earmark.tasks.TASK.train",),
    "evaluate": ("earmark.tasks.TASK.evaluate",),
    "publish": (
        *("earmark.pipeline.publish", "earmark.registry.pyfunc"),
        *("earmark.tasks.TASK.task", "earmark.tasks.TASK.predictions", "earmark.training.key"),
        *("earmark.tasks.TASK.card", "earmark.tasks.TASK.corpora"),
    ),
}
# Entry modules of what generates the demo data, by the folder that it fills.
DEMO = {"data/demo": "earmark.generated.demo.music", "data/demo_voices": "earmark.generated.demo.voices"}


def entries(task: str, stage: str) -> list[str]:
    """The entry modules of a task's stage; a task need not have a card of its own."""
    found = [name.replace("TASK", task) for name in STAGES[stage]]
    return [name for name in found if not name.endswith(".card") or find_spec(name)]


def used_folders(roots: Iterable[str]) -> list[str]:
    """The folders of demo data among the roots of tasks."""
    named = {os.path.abspath(root) for root in roots}
    return [folder for folder in DEMO if os.path.abspath(folder) in named]


def code(roots: Iterable[str]) -> dict[str, dict[str, str]]:
    """Hashes of the code of every task's stages, and of what generates the demo data that these roots use."""
    tasks = {task: {stage: code_sha256(*entries(task, stage)) for stage in STAGES} for task in catalog.names()}
    return {"demo": {folder: code_sha256(DEMO[folder]) for folder in used_folders(roots)}} | tasks
