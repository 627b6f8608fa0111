"""What a split at random adds to a task's figures: recordings of one group on both sides of it."""

import json
from dataclasses import replace
from pathlib import Path

from earmark.config import Settings
from earmark.data import splits
from earmark.errors import EarmarkError
from earmark.experiments import crossval
from earmark.tasks.task import Task


def run(task: Task, settings: Settings, found: dict, out: Path) -> dict[str, dict[str, float]]:
    """Train anew on a split at random and hold it against `found`, the evaluation's figures; writes leak_gap.json.

    Nothing is trained, and the answer is empty, where no group has two recordings: every split is one by group then.
    """
    if not task.leak_figures:
        raise EarmarkError(f"--leak-gap is not available for {task.name}; leave it out.")
    dataset = task.room("dataset").load(settings)
    if dataset.table.group.is_unique:
        return {}
    leaking = replace(dataset, table=splits.random_split(dataset.table, settings.data.seed))
    fold = task.room("folds").train_and_test(leaking, "random", Path("features") / task.name, settings)
    random = crossval.pooled_figures(task, [fold], settings)
    gap = {k: {"grouped": found[k], "random": random[k], "gap": random[k] - found[k]} for k in task.leak_figures}
    (out / "leak_gap.json").write_text(json.dumps(gap, indent=2) + "\n")
    return gap
