"""How many trainings of a study are left, and about how long they take, by the epochs of those that have ended."""

from collections.abc import Iterable

from earmark import console
from earmark.experiments.study.jobs import TrainingJob


class Pace:
    """Counts trainings. later: how many more there will be once those of `begin` are done."""

    def __init__(self, workers: int):
        self.workers = workers
        self.later = 0
        self.ended = 0
        self.waiting: dict[str, int] = {}  # epochs, by the key of the job
        self.epochs = 0  # of the trainings whose time is known
        self.seconds = 0.0
        self.timed = 0

    def begin(self, jobs: Iterable[TrainingJob], later: int = 0) -> None:
        """These are next; the same job twice is one training."""
        self.waiting, self.later = {job.key: job.train.epochs for job in jobs}, later

    def end(self, job: TrainingJob, seconds: float | None) -> None:
        """A training has ended, now or in an earlier run; seconds: None where it was refused."""
        epochs = self.waiting.pop(job.key)
        self.ended += 1
        if seconds is not None:
            self.epochs, self.seconds, self.timed = self.epochs + epochs, self.seconds + seconds, self.timed + 1

    @property
    def total(self) -> int:
        """All trainings of the study."""
        return self.ended + len(self.waiting) + self.later

    @property
    def left_s(self) -> float | None:
        """Seconds until all have ended; None before the first has."""
        if not self.timed:
            return None
        epochs = sum(self.waiting.values()) + self.later * self.epochs / self.timed
        return self.seconds / self.epochs * epochs / min(self.workers, max(len(self.waiting) + self.later, 1))

    def __str__(self) -> str:
        """'12 of 95, about 40 min left'."""
        left = "" if self.left_s is None else f", {duration(self.left_s)} left"
        return f"{self.ended} of {self.total}{left}"


def duration(seconds: float) -> str:
    """Rough time for people."""
    return f"about {console.duration(seconds)}"
