"""The frame of a study that is a story of its own, without cells: one run in MLflow, and its files."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from earmark.experiments.study import kept
from earmark.experiments.study.log import StudyLog
from earmark.experiments.study.plan import StudyPlan
from earmark.registry import tracking

Say = Callable[[str], None]
Outcome = tuple[list[Path], dict[str, float]]  # the files that were written, and figures


@dataclass(frozen=True)
class Story:
    """What the log of studies wants to know of it. factors: names of what is varied, with their levels."""

    name: str
    task: str
    about: str
    seeds: list[int]
    factors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def plan(self) -> StudyPlan:
        """As a plan of a grid, for the table and the log."""
        return StudyPlan(self.name, self.task, self.about, [], self.factors, self.seeds, None, 0, "none", [])


def run(story: Story, key: list, work: Callable[[StudyLog, tracking.Tracker], Outcome], say: Say) -> None:
    """Do the work as the one process at it, log what comes out, and say what was written. key: what decides it."""
    tracker, sha256 = tracking.connect(story.task), kept.sha256(story.name, *key)
    with tracking.only_one(sha256, say), StudyLog(tracker, story.plan, sha256, say) as log:
        files, figures = work(log, tracker)
        log.finish(files, figures)
    say(f"Written below {files[0].parent}: {', '.join(f.name for f in files)}.")


def write(out: Path, file: Path, tables: dict[str, pd.DataFrame], figures: dict[str, float]) -> list[Path]:
    """Tables by name, metrics.json and a copy of the study's file below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(out / f"{name}.csv", index=False)
    (out / "metrics.json").write_text(json.dumps(figures, indent=2) + "\n")
    copy = out / file.resolve().name
    shutil.copyfile(file, copy)
    return [*(out / f"{name}.csv" for name in tables), out / "metrics.json", copy]
