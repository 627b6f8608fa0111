"""A study whose cells are ready: run what is missing, and say, write and log what came out."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from earmark import paths
from earmark.experiments.study import jobs, show, table
from earmark.experiments.study.jobs import Job
from earmark.experiments.study.log import StudyLog
from earmark.experiments.study.plan import Plan
from earmark.experiments.study.prepare import Preparer, Ready
from earmark.experiments.study.table import Draws, Outcome

Judge = Callable[["Study", int, Path], tuple[dict, list[Path]]]


@dataclass
class Study:
    """A study whose cells are ready to run."""

    plan: Plan
    cells: list[Ready]
    preparer: Preparer
    file: Path
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.folder = paths.state() / "studies"
        self.settings = next(r.settings for r in self.cells if r.settings)
        self.draws = Draws(self.settings.evaluate)
        self.made: dict[str, tuple[Outcome, dict]] = {}

    def key(self) -> str:
        """What makes two studies the same in MLflow: plan, trainings, refusals, and how they are judged."""
        cells = [[r.cell.name, r.refused, *(job.key for job in r.jobs)] for r in self.cells]
        judged = [self.plan.reference, asdict(self.settings.evaluate)]
        parts = [self.plan.name, self.plan.choose, self.plan.seeds, self.plan.folds, cells, judged]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def finish(self, log: StudyLog, workers: int, out: Path, judge: Judge) -> None:
        """Run what is missing, then write, print and log everything; `judge` has the second half of a nested study."""
        self.execute([(r.cell.name, job) for r in self.cells for job in r.jobs], workers, lambda: self._log_done(log))
        self._log_done(log)
        found = table.table([self.outcome(r)[0] for r in self.cells], self.draws)
        gaps = table.effects([self.outcome(r)[0] for r in self.cells], self.plan.factors, self.draws)
        files = self._write(out, found, gaps)
        show.tables(self.plan, found, gaps)
        figures: dict = {}
        if self.plan.nested:
            figures, more = judge(self, workers, out)
            files += more
        log.finish(files, {f"nested/{k}": v for k, v in figures.items()})
        self.say(f"Written below {out}: {', '.join(f.name for f in files)}.")

    def execute(self, named: list[tuple[str, Job]], workers: int, after: Callable[[], None]) -> None:
        """Run the jobs that have no result, a line for each; `after` is called when one has ended."""
        name_of = {job.key: name for name, job in reversed(named)}
        todo = {job.key for _, job in named if not jobs.finished(job, self.folder)}
        if len(todo) < len(name_of):
            self.say(f"{len(name_of) - len(todo)} of {len(name_of)} trainings are there from before.")
        began, n = time.perf_counter(), 0

        def done(job: Job) -> None:
            nonlocal n
            n += 1
            left = (time.perf_counter() - began) / n * (len(todo) - n)
            self.say(f"[{n}/{len(todo)}] {name_of[job.key]}, {self._line(job)}; {duration(left)} left")
            after()

        jobs.execute([job for _, job in named], self.folder, workers, done)

    def _line(self, job: Job) -> str:
        found = jobs.result(job, self.folder)
        which = f"{' and '.join(job.test)}, seed {job.train.seed}"
        if found["refused"]:
            return f"{which}: refused: {found['refused']}"
        name = self.plan.headline
        return f"{which}: {name} {found.get(name, float('nan')):.3f} in {found['wall_seconds']:.1f} s"

    def outcome(self, ready: Ready) -> tuple[Outcome, dict]:
        """What became of a cell whose jobs have all ended, and its row of the table."""
        name = ready.cell.name
        if name not in self.made:
            results = [self._result(job) for job in ready.jobs]
            refused = ready.refused or next((_refusal(r) for r in results if r["refused"]), "")
            answers = pd.DataFrame() if refused else self.answers(ready.jobs)
            results = [r for r in results if not r["refused"]]
            source = self.plan.reference_of(ready.cell)
            made = Outcome(ready.cell.levels, ready.cell.split, results, answers, refused, source)
            self.made[name] = made, table.row(made, self.draws)
        return self.made[name]

    def _result(self, job: Job) -> dict:
        return jobs.result(job, self.folder) | {"seed": job.train.seed, "test": list(job.test)}

    def answers(self, some: list[Job]) -> pd.DataFrame:
        """All answers of finished jobs; `pair` says which folds their trainings left out."""
        read = []
        for job in some:
            one = jobs.predictions(job, self.folder)
            read.append(one.assign(seed=job.train.seed, pair=[job.test] * len(one)))
        return pd.concat(read, ignore_index=True)

    def _log_done(self, log: StudyLog) -> None:
        for ready in self.cells:
            if ready.cell.name not in self.made and all(jobs.finished(job, self.folder) for job in ready.jobs):
                log.cell(ready, *self.outcome(ready))

    def _write(self, out: Path, found: pd.DataFrame, gaps: pd.DataFrame) -> list[Path]:
        out.mkdir(parents=True, exist_ok=True)
        found.to_csv(out / "table.csv", index=False)
        gaps.to_csv(out / "effects.csv", index=False)
        show.cells_picture(out / "table.png", self.plan, found)
        pictures = show.effects_pictures(out, gaps)
        shutil.copyfile(self.file, out / self.file.name)
        return [*(out / n for n in ("table.csv", "table.png", "effects.csv")), *pictures, out / self.file.name]


def _refusal(result: dict) -> str:
    return f"{' and '.join(result['test'])}, seed {result['seed']}: {result['refused']}"


def duration(seconds: float) -> str:
    """Rough time for people."""
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
