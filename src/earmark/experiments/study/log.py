"""A study in MLflow: a parent run, and a nested run for each cell as soon as all its trainings are done.

Idempotent: a study whose every training, cell and reference is the same finds its finished run and adds
nothing; one that was killed finds its unfinished run and adds the cells that it lacks.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from earmark.experiments.study.plan import StudyPlan
from earmark.experiments.study.prepare import ReadyCell
from earmark.experiments.study.table import CellOutcome
from earmark.registry import stale, tracking
from earmark.tasks import catalog
from earmark.training.key import flatten


class StudyLog:
    """The parent run of a study, and what it has already. What breaks off its `with` ends it as FAILED or KILLED."""

    def __init__(self, tracker: tracking.Tracker, plan: StudyPlan, key: str, say: Callable[[str], None]):
        self.tracker, self.plan = tracker, plan
        mine = {"earmark.kind": "study", "earmark.study_key": key}
        old = tracker.find(mine, ["FINISHED"]) or tracker.find_own(mine, (*tracking.UNFINISHED, "FAILED"))
        self.whole = bool(old) and old[0].info.status == "FINISHED"
        self.run_id = old[0].info.run_id if old else self._create(key)
        if self.whole:
            say(f"MLflow already has this study, as run {self.run_id}; nothing was added.")
        elif old:
            tracker.reopen(self.run_id)
        self.cells = set() if self.whole else self._logged()

    def _logged(self) -> set[str]:
        """Names of the cells that the run has; one whose logging was cut short is closed, and logged anew."""
        done = set()
        for run in self.tracker.find({"mlflow.parentRunId": self.run_id}):
            if run.info.status == "RUNNING":
                self.tracker.client.set_terminated(run.info.run_id, "KILLED")
            elif run.info.status in ("FINISHED", "FAILED"):
                done.add(run.data.tags.get("earmark.study_cell"))
        return done

    def _create(self, key: str) -> str:
        tags = tracking.run_tags("study", {"study_key": key, "study": self.plan.name})
        params = {f"factor.{f}": ", ".join(levels) for f, levels in self.plan.factors.items()}
        params |= {"seeds": str(self.plan.seeds), "choose": self.plan.choose, "cells": str(len(self.plan.cells))}
        tags |= {"mlflow.note.content": self.plan.about}
        return self.tracker.create(f"study-{self.plan.name}", tags, params)

    def cell(self, ready: ReadyCell, outcome: CellOutcome, row: dict) -> None:
        """Log a cell whose trainings are all done; once."""
        name = ready.cell.name
        if self.whole or name in self.cells:
            return
        tags = tracking.run_tags("study", {"study_cell": name, "study": self.plan.name})
        tags |= {"mlflow.parentRunId": self.run_id} | {f"earmark.level.{f}": v for f, v in ready.cell.levels.items()}
        if outcome.refused:
            tags["earmark.refused"] = outcome.refused
        params = flatten(asdict(ready.settings)) if ready.settings else {}
        run_id = self.tracker.create(name, tags, params | {"split_by": ready.cell.split} | seeds(outcome))
        with stale.ending(self.tracker.client, run_id):
            self.tracker.log_rows(run_id, cell_metrics(outcome, row, self.plan.task))
        if outcome.refused:
            self.tracker.client.set_terminated(run_id, "FAILED")

    def finish(self, files: list[Path], figures: dict[str, float]) -> None:
        """Files and figures into the parent run, which ends."""
        if self.whole:
            return
        for file in files:
            self.tracker.client.log_artifact(self.run_id, str(file))
        self.tracker.log_rows(self.run_id, [(k, float(v), 0) for k, v in figures.items() if isinstance(v, int | float)])
        self.tracker.client.set_terminated(self.run_id, "FINISHED")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        """End an interrupted study; the same command goes on from there."""
        if error and not self.whole:
            stale.break_off(self.tracker.client, self.run_id, error)


def seeds(outcome: CellOutcome) -> dict[str, str]:
    """The seeds a cell was trained with, in place of the one in params.yaml."""
    used = sorted({r["seed"] for r in outcome.results})
    return {"train.seed": ", ".join(map(str, used))} if used else {}


def cell_metrics(outcome: CellOutcome, row: dict, task: str) -> list[tuple[str, float, int]]:
    """(name, value, step): the table's figures, each fold's headline, and learning curves averaged over trainings."""
    figures = catalog.task(task).study_figures
    tested = {*figures, "macro_f1", "ece"}
    numbers = {k: v for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    found = [(f"test/{k}" if k in tested else k, float(v), 0) for k, v in numbers.items()]
    for key, shown in ((figures[0], f"test/{figures[0]}"), ("val_accuracy", "val/accuracy")):
        by_fold = pd.Series({i: r.get(key) for i, r in enumerate(outcome.results)}, dtype=float)
        names = [" and ".join(r["test"]) for r in outcome.results]
        means = by_fold.groupby(names).mean().dropna() if names else by_fold
        found += [(f"{shown}/{f}", v, 0) for f, v in means.items()]
    rows = [epoch for r in outcome.results for epoch in r.get("history", ())]
    curves = pd.DataFrame(rows).groupby("epoch").mean() if rows else pd.DataFrame()
    return found + [(key, float(v), int(step)) for key in curves for step, v in curves[key].dropna().items()]
