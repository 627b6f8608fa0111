"""A study whose cells are ready: run what is missing, and say, write and log what came out."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from earmark import paths
from earmark.data.walking import counted
from earmark.experiments.study import claims, jobs, kept, show, table
from earmark.experiments.study.figure import GroupDraws, ShareFigure
from earmark.experiments.study.jobs import TrainingJob
from earmark.experiments.study.log import StudyLog
from earmark.experiments.study.pace import Pace, duration
from earmark.experiments.study.plan import StudyPlan
from earmark.experiments.study.prepare import Preparer, ReadyCell
from earmark.experiments.study.table import CellOutcome

Judge = Callable[["Study", int, Path], tuple[dict, list[Path]]]


@dataclass
class Study:
    """A study whose cells are ready to run."""

    plan: StudyPlan
    cells: list[ReadyCell]
    preparer: Preparer
    file: Path
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.folder = paths.state() / "studies"
        self.settings = next(r.settings for r in self.cells if r.settings)
        self.draws = GroupDraws(self.settings.evaluate)
        self.made: dict[str, tuple[CellOutcome, dict]] = {}
        self.pace = Pace(1)

    def key(self) -> str:
        """What makes two studies the same in MLflow: plan, trainings, refusals, and how they are judged."""
        cells = [[r.cell.name, r.refused, *(job.key for job in r.jobs)] for r in self.cells]
        judged = [self.plan.reference, asdict(self.settings.evaluate)]
        parts = [self.plan.name, self.plan.choose, self.plan.seeds, self.plan.folds, cells, judged]
        return kept.sha256(*parts)

    def finish(self, log: StudyLog, workers: int, out: Path, judge: Judge) -> None:
        """Run what is missing, then write, print and log everything; `judge` has the second half of a nested study."""
        named = [(r.cell.name, job) for r in self.cells for job in r.jobs]
        self.execute(named, workers, lambda: self._log_done(log), self._later())
        self._log_done(log)
        found = table.table([self.outcome(r)[0] for r in self.cells], self.draws)
        gaps = table.effects([self.outcome(r)[0] for r in self.cells], self.plan.factors, self.draws)
        files = self._write(out, found, gaps)
        show.tables(self.plan, found, gaps)
        files += self._claims(out)
        figures: dict = {}
        if self.plan.nested:
            figures, more = judge(self, workers, out)
            files += more
        log.finish(files, {f"nested/{k}": v for k, v in figures.items()})
        self.say(f"Written below {out}: {', '.join(f.name for f in files)}.")

    def _later(self) -> int:
        """How many trainings the chosen cells of a nested study get."""
        return len(self.preparer.folds(self.settings.data)) * len(self.plan.seeds) if self.plan.nested else 0

    def execute(
        self, named: list[tuple[str, TrainingJob]], workers: int, after: Callable[[], None], later: int = 0
    ) -> None:
        """Run the jobs that have no result, a line for each; `after` is called when one has ended.

        later: how many trainings follow in another call.
        """
        name_of = {job.key: name for name, job in reversed(named)}
        unique = list({job.key: job for _, job in named}.values())
        self.pace.workers = workers
        self.pace.begin(unique, later)
        there = [job for job in unique if jobs.is_finished(job, self.folder)]
        for job in there:
            self.pace.end(job, self._seconds(job))
        self._announce(len(there), len(unique), workers)

        def done(job: TrainingJob) -> None:
            self.pace.end(job, self._seconds(job))
            self.say(f"{self.pace}: {name_of[job.key]}, {self._line(job)}")
            after()

        jobs.execute(unique, self.folder, workers, done)

    def _announce(self, there: int, of: int, workers: int) -> None:
        """How much there is to do, before it is done."""
        if there:
            self.say(f"Trainings already done: {there} of {of}.")
        if self.pace.waiting or self.pace.later:
            later = counted(self.pace.later, "training")
            more = f", then {later} of the cells that these choose" if self.pace.later else ""
            left = self.pace.left_s
            took = f"{duration(left)} left" if left is not None else "an estimate of the time follows after the first"
            self.say(f"Trainings to do: {len(self.pace.waiting)}{more}; up to {workers} at once; {took}.")

    def _seconds(self, job: TrainingJob) -> float | None:
        found: float | None = jobs.result(job, self.folder).get("wall_seconds")
        return found

    def _line(self, job: TrainingJob) -> str:
        found = jobs.result(job, self.folder)
        which = f"{' and '.join(job.test)}, seed {job.train.seed}"
        if found["refused"]:
            return f"{which}: refused: {found['refused']}"
        name = self.plan.headline
        return f"{which}: {name} {found.get(name, float('nan')):.3f} in {found['wall_seconds']:.1f} s"

    def outcome(self, ready: ReadyCell) -> tuple[CellOutcome, dict]:
        """What became of a cell whose jobs have all ended, and its row of the table."""
        name = ready.cell.name
        if name not in self.made:
            results = [self._result(job) for job in ready.jobs]
            refused = ready.refused or next((_refusal(r) for r in results if r["refused"]), "")
            answers = pd.DataFrame() if refused else self.answers(ready.jobs)
            n_refused, results = sum(bool(r["refused"]) for r in results), [r for r in results if not r["refused"]]
            source = self.plan.reference_of(ready.cell)
            kind = getattr(self.preparer.task.room("folds"), "Figure", ShareFigure)
            made = CellOutcome(
                ready.cell.levels,
                ready.cell.split,
                results,
                answers,
                refused,
                source,
                kind,
                n_refused,
                shared_sha256(ready),
            )
            self.made[name] = made, table.row(made, self.draws)
        return self.made[name]

    def _result(self, job: TrainingJob) -> dict:
        return jobs.result(job, self.folder) | {"seed": job.train.seed, "test": list(job.test)}

    def answers(self, some: list[TrainingJob]) -> pd.DataFrame:
        """All answers of finished jobs; `pair` says which folds their trainings left out."""
        read = []
        for job in some:
            one = jobs.predictions(job, self.folder)
            read.append(one.assign(seed=job.train.seed, pair=[job.test] * len(one)))
        return pd.concat(read, ignore_index=True)

    def _log_done(self, log: StudyLog) -> None:
        for ready in self.cells:
            if ready.cell.name not in self.made and all(jobs.is_finished(job, self.folder) for job in ready.jobs):
                log.cell(ready, *self.outcome(ready))

    def _claims(self, out: Path) -> list[Path]:
        """The verdicts on the file's claims, printed and written; none where it has none."""
        if not self.plan.claims:
            return []
        found = claims.claims_table(self.plan.claims, [self.outcome(r)[0] for r in self.cells], self.draws)
        show.verdicts(found)
        found.to_csv(out / "claims.csv", index=False)
        return [out / "claims.csv"]

    def _write(self, out: Path, found: pd.DataFrame, gaps: pd.DataFrame) -> list[Path]:
        out.mkdir(parents=True, exist_ok=True)
        found.to_csv(out / "table.csv", index=False)
        gaps.to_csv(out / "effects.csv", index=False)
        show.cells_picture(out / "table.png", self.plan, found)
        pictures = show.effects_pictures(out, gaps)
        copy = out / self.file.resolve().name
        shutil.copyfile(self.file, copy)
        return [*(out / n for n in ("table.csv", "table.png", "effects.csv")), *pictures, copy]


def shared_sha256(ready: ReadyCell) -> str:
    """Hash of what a cell's trainings share: settings without the seed, recordings and their split, code."""
    if not ready.settings:
        return ""
    s = ready.settings
    shared = [asdict(s.features), asdict(s.model), asdict(replace(s.train, seed=0)), jobs.code(ready.jobs[0].task)]
    splits = sorted({(job.test, job.split.sha256) for job in ready.jobs})
    return kept.sha256(*shared, splits)[:16]


def _refusal(result: dict) -> str:
    return f"{' and '.join(result['test'])}, seed {result['seed']}: {result['refused']}"
