"""`earmark tune` in which trials meet mishaps: `python mishaps.py '{"3": "failed"}' tuning/genre.yaml --quick`.

By a trial's number: a setting's own check refuses it, its training fails, the pruner gives it up in its first epoch, or
the process is killed there.
"""

import json
import os
import signal
import sys

from optuna.trial import Trial

from earmark.cli import app
from earmark.errors import EarmarkError
from earmark.experiments.tuning import trials
from earmark.experiments.tuning.ground import Ground

FATES = {int(number): fate for number, fate in json.loads(sys.argv.pop(1)).items()}
as_it_is = trials.run


class Unlucky(Trial):
    """A trial that is given up at its first report, or whose process is killed then."""

    def should_prune(self) -> bool:
        if FATES[self.number] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return True


def refused(*_):
    raise EarmarkError("refused on purpose")


def fails(*_):
    raise RuntimeError("failed on purpose")


def run(trial: Trial, ground: Ground, *args) -> trials.TrialOutcome:
    fate = FATES.get(trial.number)
    if fate in ("pruned", "killed"):
        trial.__class__ = Unlucky
    spoilt = {"infeasible": ("settings", refused), "failed": ("inner_job", fails)}.get(fate)
    if spoilt:
        setattr(ground, *spoilt)
    try:
        return as_it_is(trial, ground, *args)
    finally:
        if spoilt:
            delattr(ground, spoilt[0])


trials.run = run
sys.argv[:1] = ["earmark", "tune"]
app.main()
