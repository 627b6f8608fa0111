"""A tuning in MLflow: a parent run, and a nested run for every trial from its start to its end.

MLflow's statuses cannot tell a pruned trial from a complete one: the tag earmark.state does, in Optuna's words and some
of ours (complete, pruned, infeasible, failed, lost).
"""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from optuna.trial import Trial

from earmark.experiments.tuning.plan import TuningPlan
from earmark.experiments.tuning.trials import SECONDS, TrialOutcome
from earmark.registry import stale, tracking
from earmark.registry.tracking import Tracker

STATUS = {"complete": "FINISHED", "pruned": "FINISHED", "infeasible": "FAILED", "failed": "FAILED", "lost": "KILLED"}


class TuningLog:
    """The parent run: found again where the same tuning was begun before. What breaks off its `with` ends it so."""

    def __init__(self, tracker: Tracker, plan: TuningPlan, key: str):
        self.tracker, self.plan = tracker, plan
        mine = {"earmark.kind": "tuning", "earmark.tuning_key": key}
        old = tracker.find(mine, (*tracking.UNFINISHED, "FAILED", "FINISHED"))
        self.run_id = old[0].info.run_id if old else self._create(key)
        if old:
            tracker.reopen(self.run_id)

    def _create(self, key: str) -> str:
        plan = self.plan
        tags = tracking.run_tags("tuning", {"tuning_key": key, "tuning": plan.name})
        tags |= {"mlflow.note.content": plan.about}
        params = {f"space.{p.name}": str(p.distribution) for p in plan.space.parameters}
        params |= {f"base.{k}": str(v) for k, v in plan.base.items()}
        for name in ("trials", "sampler", "startup", "prune", "seed", "k", "outer", "inner", "best", "seeds"):
            params[name] = str(getattr(plan, name))
        return self.tracker.create(f"tune-{plan.name}", tags, params)

    def finish(self, files: Iterable[Path], figures: dict[str, float], whole: bool) -> None:
        """Files and figures into the parent run, which ends; as KILLED where trials are left for the next time."""
        for file in files:
            self.tracker.client.log_artifact(self.run_id, str(file))
        self.tracker.log_rows(self.run_id, [(k, v, 0) for k, v in figures.items()])
        self.tracker.client.set_terminated(self.run_id, "FINISHED" if whole else "KILLED")

    def close_lost(self, outer: str, numbers: Iterable[int]) -> None:
        """End the runs of trials whose process is gone as what they are; one that had none yet gets one."""
        stale.close(self.tracker.client)
        mine = {"mlflow.parentRunId": self.run_id, "earmark.kind": "trial", "earmark.outer": outer}
        found = {run.data.tags["earmark.trial"]: run.info.run_id for run in self.tracker.find(mine)}
        for number in numbers:
            run_id = found.get(str(number)) or TrialLog(self.tracker, self.run_id, self.plan, outer, number).run_id
            self.tracker.tag(run_id, state="lost")
            self.tracker.client.set_terminated(run_id, STATUS["lost"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        """End an interrupted tuning; the same command goes on from there."""
        if error:
            stale.break_off(self.tracker.client, self.run_id, error)


class TrialLog:
    """A trial's run. parent: id of the tuning's run; outer: the fold that no trial sees."""

    def __init__(self, tracker: Tracker, parent: str, plan: TuningPlan, outer: str, number: int):
        self.tracker = tracker
        tags = tracking.run_tags("trial", {"trial": str(number), "outer": outer, "tuning": plan.name})
        self.run_id = tracker.create(f"{plan.name}-{outer}-{number}", tags | {"mlflow.parentRunId": parent}, {})

    def finish(self, trial: Trial, outcome: TrialOutcome, headline: str) -> None:
        """What was drawn, the curve of every inner fold, figure, seconds and what became of it."""
        rows = [
            (f"{key}/{fold}", value, row["epoch"])
            for fold, epochs in outcome.histories.items()
            for row in epochs
            for key, value in row.items()
            if key != "epoch"
        ]
        facts = {f"inner/{headline}": outcome.value, "seconds": trial.user_attrs.get(SECONDS)}
        rows += [(name, float(value), 0) for name, value in facts.items() if value is not None]
        self.tracker.log_rows(self.run_id, rows, trial.params)
        reason = {"reason": outcome.reason} if outcome.reason else {}
        self.tracker.tag(self.run_id, state=outcome.word, **reason)
        self.tracker.client.set_terminated(self.run_id, STATUS[outcome.word])
