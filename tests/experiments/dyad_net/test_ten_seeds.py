"""dyad_net as the committed study has it, all ten seeds: what his run reached, eight reach in accuracy, six in loss."""

import pandas as pd
import pytest

from earmark.experiments.dyad_net import run as dyad_net
from earmark.experiments.dyad_net import tables
from earmark.experiments.dyad_net.fit import fit
from earmark.experiments.study import plan
from project import REPOSITORY

FILE = REPOSITORY / "studies/dyad_net.yaml"
pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    settings = dyad_net.parse(plan.read(FILE), FILE, quick=False, overrides=[])
    assert settings.seeds["dyad"] == list(range(1, 11))
    return tables.networks([fit("dyad", seed, settings.train) for seed in settings.seeds["dyad"]])


def shown(table: pd.DataFrame) -> str:
    """Every seed, for the message of a test that fails."""
    return table[["seed", "alive_at_start", "val_accuracy", "val_loss", "evaluated_loss"]].to_string(index=False)


def test_at_least_eight_reach_accuracy_one(table):
    assert (table.val_accuracy == 1).sum() >= 8, shown(table)
    assert (table.evaluated_accuracy == 1).sum() >= 8, shown(table)


def test_at_least_six_end_at_his_loss_or_below(table):
    assert (table.val_loss <= 0.0022).sum() >= 6, shown(table)


def test_those_that_learn_know_most_roots_that_they_never_heard(table):
    learnt = table[table.val_accuracy == 1]
    assert (learnt.unseen_accuracy > 0.9).all(), table[["seed", "unseen_accuracy"]].to_string(index=False)
