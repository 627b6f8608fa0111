"""dyad_net's tables: the last epoch is what counts, the best one is not."""

import re

import pandas as pd
import pytest

from earmark.experiments.dyad_net import tables

HISTORY = [
    {"epoch": 1, "loss": 0.6, "accuracy": 0.8, "val_loss": 0.5, "val_accuracy": 0.9},
    {"epoch": 2, "loss": 0.1, "accuracy": 0.9, "val_loss": 0.002, "val_accuracy": 1.0},
    {"epoch": 3, "loss": 0.2, "accuracy": 1.0, "val_loss": 0.0023, "val_accuracy": 1.0},
]
KERNELS = [
    {"kernel": 1, "role": "for minor", "strength": 2.836, "silent": False, "accuracy_without": 0.5},
    {"kernel": 2, "role": "against both", "strength": -0.29, "silent": True, "accuracy_without": 1.0},
]
RESULT = {"net": "dyad", "seed": 1, "parameters": 68, "alive_at_start": 3, "history": HISTORY, "kernels": KERNELS}
RESULT |= {"evaluated_loss": 0.0035, "evaluated_accuracy": 1.0, "unseen_loss": 0.1, "quarter_tones_loss": 0.2}


def result(seed: int, **changes: float) -> dict:
    """RESULT of another seed, with another last epoch."""
    last = HISTORY[-1] | {k: v for k, v in changes.items() if k in HISTORY[-1]}
    more = {k: v for k, v in changes.items() if k in RESULT}
    return RESULT | {"seed": seed, "history": [*HISTORY[:-1], last]} | more


def test_a_row_is_of_the_last_epoch():
    line = tables.row(RESULT)
    assert (line["loss"], line["accuracy"], line["val_loss"], line["val_accuracy"]) == (0.2, 1.0, 0.0023, 1.0)
    assert (line["epoch_of_accuracy_1"], line["evaluated_loss"], line["evaluated_accuracy"]) == (2, 0.0035, 1.0)
    assert line["roles"] == "for minor +2.84; against both -0.29 (silent)"
    assert "best_val_loss" not in line


def test_the_best_epoch_does_not_reach_his_loss():
    """The second epoch is below .0022, the last one above."""
    found = tables.figures_of(tables.networks([RESULT]))
    assert found["dyad_share_loss_as_low_as_his"] == 0
    assert found["dyad_median_val_loss"] == 0.0023


def test_shares_of_seeds():
    some = [RESULT, result(2, val_loss=0.0022), result(3, val_accuracy=0.9), result(4, evaluated_loss=0.0036)]
    found = tables.figures_of(tables.networks(some))
    assert found["dyad_seeds"] == 4
    assert found["dyad_share_accuracy_1_after_epoch_1"] == 0
    assert found["dyad_share_accuracy_1"] == 0.75
    assert found["dyad_share_loss_as_low_as_his"] == 0.25
    assert found["dyad_share_evaluated_loss_as_low_as_his"] == 0.75
    assert found["dyad_median_unseen_loss"] == pytest.approx(0.1)


def test_epochs_and_kernels_have_tables_of_their_own():
    some = [RESULT, result(2)]
    epochs, kernels = tables.histories(some), tables.kernels(some)
    assert epochs[["seed", "epoch"]].values.tolist() == [[s, e] for s in (1, 2) for e in (1, 2, 3)]
    assert kernels[["seed", "kernel", "role"]].values.tolist()[1] == [1, 2, "against both"]


def test_the_terminal_shows_every_seed_beside_his_run_and_the_kernels(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    weights = {"to_major": -0.5, "to_minor": 2.336, "response_to_majors": 1.0, "response_to_minors": 2.0}
    one = RESULT | {"kernels": [kernel | weights for kernel in KERNELS]}
    tables.show("mine", "about", tables.networks([one, result(2), result(3)]), one, {"dyad_seeds": 3})
    lines = capsys.readouterr().out.splitlines()
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines if re.match(r"\s*(dyad|notebook|\d)\s", line)]
    assert [row[:2] for row in rows[:3]] == [["dyad", "1"], ["dyad", "2"], ["dyad", "3"]]
    assert rows[0][2:] == ["3", "2", "1.000", "0.0023", "1.000", "0.0035", "0.1000"]
    assert rows[3] == ["notebook", "–", "–", "1", "1.000", "0.0022", "1.000", "0.0035", "–"]
    assert rows[4] == ["1", "for minor", "-0.50", "2.34", "2.84", "1.00", "2.00", "0.500"]
    assert rows[5][1] == "against both"
    assert lines[-1] == "dyad_seeds 3"


def test_a_seed_that_never_gets_everything_right_has_no_epoch():
    line = tables.row(RESULT | {"history": HISTORY[:1]})
    assert line["epoch_of_accuracy_1"] is None
    assert tables.figures_of(pd.DataFrame([line]))["dyad_share_accuracy_1"] == 0
