"""Tables, effects and the nested choice against numbers worked by hand."""

import numpy as np
import pandas as pd
import pytest

from earmark.evaluation import paired
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments.study import nested, table
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.plan import GridCell, StudyPlan
from earmark.experiments.study.show import cells_picture, effects_picture, tables
from earmark.experiments.study.table import CellOutcome

DRAWS = GroupDraws(EvaluateSettings(bootstrap=200, seed=1))


def answers(predicted: str, seed: int = 1) -> pd.DataFrame:
    """One letter a recording: what was predicted, with probability .8."""
    labels = "aabb"
    folds = "1122"
    groups = "xxyy"
    p = np.array([[0.8, 0.2] if each == "a" else [0.2, 0.8] for each in predicted])
    return pd.DataFrame(
        {
            "recording": [f"r{i}" for i in range(len(labels))],
            "label": list(labels),
            "group": list(groups),
            "fold": [f"fold{f}" for f in folds],
            "predicted": list(predicted),
            "right_accuracy": [float(a == b) for a, b in zip(predicted, labels, strict=True)],
            "of_accuracy": 1.0,
            "p_a": p[:, 0],
            "p_b": p[:, 1],
            "seed": seed,
        }
    )


def share(right, groups: str, weight=1.0) -> list[float]:
    """The interval of a share by the module of intervals, with the same draws."""
    weights = np.broadcast_to(weight, len(right))
    return paired.share_interval(np.array(right), weights, np.array(list(groups)), draws=200, seed=1)


def gap(differences, groups: str = "xxyy", weight=1.0) -> list[float]:
    """A paired difference and its interval, likewise."""
    weights, nothing = np.broadcast_to(weight, len(differences)), np.zeros(len(differences))
    return list(paired.share_difference(differences, nothing, weights, np.array(list(groups)), 0.025, 200, 1))


def result(fold: str, curve: list[float], **changes) -> dict:
    history = [{"epoch": i + 1, "train/lr": 1 / (i + 1), "val/accuracy": a} for i, a in enumerate(curve)]
    found = {
        "test": [fold],
        "seed": 1,
        "accuracy": 0.5,
        "val_accuracy": max(curve),
        "best_epoch": 2,
        "history": history,
    }
    return found | {"cpu_seconds": 2.0, "wall_seconds": 3.0, "parameters": 100} | changes


def test_row_by_hand():
    judged = pd.concat([answers("aabb", seed=1), answers("abaa", seed=2)])
    results = [result("fold1", [0.5, 0.6, 0.7]), result("fold2", [0.7, 0.8], cpu_seconds=4.0, best_epoch=1)]
    row = table.row(
        CellOutcome({"lr": "1"}, "group", results, judged, reference={"test": 0.7, "note": "source"}), DRAWS
    )
    # Seed 1 knows all four; seed 2 knows r0 alone. Recordings: 1, .5, .5, .5.
    assert row["accuracy"] == 0.625
    assert [row["low"], row["high"]] == share([1, 0.5, 0.5, 0.5], "xxyy")
    # Folds: (1 + 1 + 1 + 0) / 4 = .75 and (1 + 1 + 0 + 0) / 4 = .5; deviation of two values is their gap / sqrt 2.
    assert row["sd_folds"] == pytest.approx(0.25 / np.sqrt(2))
    # Seed 2: class a has 1 of 2, predicted 3 times: F1 2/5; class b 0 of 2: 0. Mean .2; over seeds .6.
    assert row["macro_f1"] == pytest.approx((1 + 0.2) / 2)
    # Confidence is always .8: |.8 - 1| and |.8 - .25|.
    assert row["ece"] == pytest.approx((0.2 + 0.55) / 2)
    assert row["val_accuracy"] == pytest.approx((0.7 + 0.8) / 2)
    assert (row["folds"], row["seeds"], row["best_epoch"], row["cpu_seconds"]) == (2, 2, 1.5, 3.0)
    assert row["epochs_to_60"] == 1.5  # epochs 2 and 1
    assert row["last_lr"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert (row["reference_test"], row["reference_note"], row["parameters"]) == (0.7, "source", 100)


def test_trainings_without_validation_have_no_figure_of_it():
    plain = result("fold1", [0.5]) | {"val_accuracy": None, "history": [{"epoch": 1, "train/loss": 1.0}]}
    row = table.row(CellOutcome({}, "group", [plain], answers("aabb")), DRAWS)
    assert np.isnan(row["val_accuracy"])
    assert np.isnan(row["epochs_to_60"])
    assert row["accuracy"] == 1


def test_draws_of_crops_are_pooled_over_folds_by_their_recordings():
    drawn = [
        result("fold1", [0.5], crop_accuracies=[0.5, 1.0, 0.5], n_test=2),
        result("fold2", [0.5], crop_accuracies=[0.25, 0.5, 0.5], n_test=4),
    ]
    row = table.row(CellOutcome({}, "group", drawn, answers("aabb")), DRAWS)
    # (1 + 1) / 6, (2 + 2) / 6, (1 + 2) / 6: mean 1/2, deviations 1/6, 1/6, 0
    assert (row["crops_low"], row["crops_high"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert row["sd_crops"] == pytest.approx(1 / 6)
    windows = table.row(CellOutcome({}, "group", [result("fold1", [0.5])], answers("aabb")), DRAWS)
    assert "sd_crops" not in windows


def test_the_sources_epochs_and_the_draws_are_shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    drawn = {"crop_accuracies": [0.5, 1.0], "n_test": 4}
    source = {"test": 0.73, "val": 0.76, "epochs_to_60": 8}
    cells = [
        CellOutcome({"net": "Net"}, "group", [result("fold1", [0.5], **drawn)], answers("aabb"), "", source),
        CellOutcome({"net": "Res"}, "group", [result("fold1", [0.7])], answers("aabb")),
        CellOutcome({"net": "Vgg"}, "group", [], pd.DataFrame(), "refused", source),
    ]
    plan = StudyPlan(
        "mine", "genre", "about", [GridCell({}, {}, "group")], {"net": ["Net", "Res", "Vgg"]}, [1], None, 5, "none", []
    )
    found = table.table(cells, DRAWS)
    tables(plan, found, table.effects(cells, plan.factors, DRAWS))
    lines = capsys.readouterr().out.splitlines()
    net, res = (next(line for line in lines if line.split()[:1] == [name]) for name in ("Net", "Res"))
    assert "0.500 to 1.000" in net
    assert net.split()[-1] == "8"
    assert "0.730 / 0.760" in net
    assert res.split()[-1] == "–"


def test_refused_cell_keeps_its_sentence_and_has_no_figures():
    row = table.row(CellOutcome({"lr": "-1"}, "group", [], pd.DataFrame(), "lr must be above 0"), DRAWS)
    assert row == {"lr": "-1", "split_by": "group", "refused": "lr must be above 0"}


def outcomes() -> list[CellOutcome]:
    """A grid of net x lr: Net knows r0 and r2; Res knows also r1 at lr 1, and r1 and r3 at lr 2."""
    cells = {("Net", "1"): "abba", ("Net", "2"): "abba", ("Res", "1"): "aaba", ("Res", "2"): "aabb"}
    return [
        CellOutcome({"net": n, "lr": lr}, "group", [result("fold1", [0.5])], answers(p)) for (n, lr), p in cells.items()
    ]


def test_main_effects_by_hand():
    found = table.effects(outcomes(), {"net": ["Net", "Res"], "lr": ["1", "2"]}, DRAWS).set_index("factor")
    # Res - Net: r1 +1 in both pairs, r3 0 and +1: recordings 0, 1, 0, .5; groups x .5, y .25.
    assert found.loc["net", ["level", "against", "pairs", "recordings"]].tolist() == ["Res", "Net", 2, 4]
    assert found.loc["net", ["difference", "low", "high"]].tolist() == pytest.approx(gap([0, 1, 0, 0.5]))
    # lr 2 - 1: nothing with Net, r3 with Res: recordings 0, 0, 0, .5; groups 0 and .25.
    assert found.loc["lr", ["difference", "low", "high"]].tolist() == pytest.approx(gap([0, 0, 0, 0.5]))


def test_a_figure_that_some_cells_lack_is_compared_between_those_that_have_it():
    cells = outcomes()
    for cell, share in zip(cells[:2], (0.25, 0.75), strict=True):  # Net at both rates
        cell.answers["right_crops_accuracy"], cell.answers["of_crops_accuracy"] = share, 1.0
    found = table.effects(cells, {"net": ["Net", "Res"], "lr": ["1", "2"]}, DRAWS).set_index(["figure", "factor"])
    assert found.pairs.to_dict() == {
        ("accuracy", "net"): 2,
        ("accuracy", "lr"): 2,
        ("crops_accuracy", "net"): 0,
        ("crops_accuracy", "lr"): 1,
    }
    assert found.loc[("crops_accuracy", "lr"), "difference"] == 0.5


def test_refused_cell_takes_its_pair_out_of_the_effects():
    cells = outcomes()
    cells[3] = CellOutcome(cells[3].levels, "group", [], pd.DataFrame(), "refused")
    found = table.effects(cells, {"net": ["Net", "Res"], "lr": ["1", "2"]}, DRAWS).set_index("factor")
    assert found.loc["net", ["pairs", "difference"]].tolist() == [1, 0.25]
    assert found.loc["lr", ["pairs", "difference"]].tolist() == [1, 0.0]


def test_pictures_and_printed_tables_show_refusals_and_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    cells = outcomes()
    cells[0] = CellOutcome(cells[0].levels, "group", [], pd.DataFrame(), "the [loss] is not finite")
    factors = {"net": ["Net", "Res"], "lr": ["1", "2"]}
    plan = StudyPlan("mine", "genre", "about", [GridCell({}, {}, "group")], factors, [1], None, 5, "none", [])
    found, gaps = table.table(cells, DRAWS), table.effects(cells, factors, DRAWS)
    tables(plan, found, gaps)
    out = capsys.readouterr().out
    assert "refused net=Net lr=1: the [loss] is not finite" in out
    assert "0.750" in out
    assert "+0.375" not in out  # the pair of the refused cell is gone
    cells_picture(tmp_path / "a.png", plan, found)
    effects_picture(tmp_path / "b.png", gaps)
    assert all((tmp_path / f"{n}.png").stat().st_size > 5000 for n in "ab")


@pytest.mark.parametrize(("width", "has"), [(76, False), (80, False), (140, True)])
def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_figure(capsys, monkeypatch, width, has):
    monkeypatch.setenv("COLUMNS", str(width))
    factors = {"net": ["Net", "Res"], "lr": ["1", "2"]}
    plan = StudyPlan("mine", "genre", "about", [GridCell({}, {}, "group")], factors, [1], None, 5, "none", [])
    found = table.table(outcomes(), DRAWS)
    tables(plan, found, table.effects(outcomes(), factors, DRAWS))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    for row in found.to_dict("records"):
        assert f"{row['low']:.3f} to {row['high']:.3f}" in out
    assert ("parameters" in out) == has


def judged(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["cell", "pair", "fold", "recording", "right"])


def test_inner_scores_never_look_at_the_outer_fold():
    """Three folds, one recording each. Cell 0 is right on fold A alone, cell 1 on folds B and C."""
    rows = [
        (cell, (a, b), fold, fold.lower(), (fold == "A") == (cell == 0))
        for cell in (0, 1)
        for a, b in (("A", "B"), ("A", "C"), ("B", "C"))
        for fold in (a, b)
    ]
    scores = nested.inner_scores(judged(rows)).set_index(["cell", "outer"]).accuracy.to_dict()
    # For outer A only B and C count, in the trainings without {A, B} and {A, C}.
    assert scores == {(0, "A"): 0.0, (0, "B"): 0.5, (0, "C"): 0.5, (1, "A"): 1.0, (1, "B"): 0.5, (1, "C"): 0.5}
    # Equal cells: the one that stands first in the study.
    assert nested.choose(nested.inner_scores(judged(rows))) == {"A": 1, "B": 0, "C": 0}


def test_inner_scores_pool_recordings_not_folds():
    rows = [(0, ("A", "B"), "B", f"b{i}", True) for i in range(3)] + [(0, ("A", "C"), "C", "c", False)]
    scores = nested.inner_scores(judged(rows))
    assert scores[["outer", "accuracy", "recordings"]].values.tolist() == [["A", 0.75, 4]]


def test_training_without_the_outer_fold_decides_when_two_disagree():
    """Fold B was judged twice; only the training that left A out too may speak for outer A."""
    rows = [
        (0, ("A", "B"), "B", "b", True),
        (0, ("B", "C"), "B", "b", False),
        (1, ("A", "B"), "B", "b", False),
        (1, ("B", "C"), "B", "b", True),
    ]
    assert nested.choose(nested.inner_scores(judged(rows))) == {"A": 0, "C": 1}


def test_outcome_of_the_chosen_by_hand():
    one, two = answers("aaba", seed=1), answers("abba", seed=2)
    two.loc[1, ["p_a", "p_b"]] = [0.4, 0.6]  # with seed 1's .8 the mean is .6 for a: right
    baseline = pd.DataFrame({"recording": ["r3", "r2", "r1", "r0"], "predicted": ["b", "a", "b", "a"]})
    found = nested.outcome(pd.concat([one, two]), baseline, DRAWS)
    # Seed 1: r0, r1, r2; seed 2: r0, r2. Recordings 1, .5, 1, 0: mean .625; groups .75 and .5.
    assert (found["accuracy"], found["accuracy_ci95"]) == (0.625, share([1, 0.5, 1, 0], "xxyy"))
    assert found["ensemble_accuracy"] == 0.75
    assert found["baseline_accuracy"] == 0.5  # r0 and r3
    # Recordings: 0, .5, 1, -1; groups .25 and 0.
    difference = found["accuracy_minus_baseline"], *found["accuracy_minus_baseline_ci95"]
    assert difference == pytest.approx(gap([0, 0.5, 1, -1]))
    assert found["ensemble_minus_baseline"] == 0.25
    assert {seed: f["accuracy"] for seed, f in found["seeds"].items()} == {"1": 0.75, "2": 0.5}
    assert found["seeds"]["1"]["accuracy_ci95"] == share([1, 1, 1, 0], "xxyy")
    assert list(found["ci95_methods"]) == ["gaffke"]
    assert (found["n_recordings"], found["n_groups"]) == (4, 2)


def heard(majmin: list[float], tetrads: list[float], seed: int = 1) -> pd.DataFrame:
    """Three songs of 10, 30 and 60 s, seconds right by figure; of the third no second counts for tetrads."""
    seconds = {"majmin": [10.0, 30.0, 60.0], "tetrads": [10.0, 30.0, 0.0]}
    parts = {"right_majmin": majmin, "of_majmin": seconds["majmin"]}
    parts |= {"right_tetrads": tetrads, "of_tetrads": seconds["tetrads"]}
    songs = {"recording": ["s0", "s1", "s2"], "group": ["x", "x", "y"], "fold": ["fold1", "fold2", "fold2"]}
    return pd.DataFrame(songs | parts | {"seed": seed})


def test_seconds_are_pooled_and_not_averaged_over_songs():
    judged = pd.concat([heard([10, 0, 60], [5, 15, 0]), heard([0, 30, 60], [5, 25, 0], seed=2)])
    row = table.row(CellOutcome({}, "group", [result("fold1", [0.5])], judged), DRAWS)
    # Over seeds s0 has 5 of 10, s1 15 of 30, s2 60 of 60 seconds: 80 of 100, and not the songs' mean, 2 / 3.
    assert row["majmin"] == pytest.approx(0.8)
    assert [row["low"], row["high"]] == share([5, 15, 60], "xxy", [10, 30, 60])
    # fold1: 10 of 20; fold2: 150 of 180
    assert row["sd_folds"] == pytest.approx((150 / 180 - 0.5) / np.sqrt(2))
    # tetrads: 5 + 20 of 40; y bears on nothing, so that there is one group
    assert row["tetrads"] == 0.625
    assert [row["tetrads_low"], row["tetrads_high"]] == share([5, 20], "xx", [10, 30])
    assert "ece" not in row
    assert row["seeds"] == 2


def test_effects_on_seconds_are_paired_by_song():
    cells = [
        CellOutcome({"core": "d"}, "group", [result("fold1", [0.5])], heard([10, 0, 60], [5, 15, 0])),
        CellOutcome({"core": "b"}, "group", [result("fold1", [0.5])], heard([10, 20, 50], [5, 25, 0])),
    ]
    found = table.effects(cells, {"core": ["d", "b"]}, DRAWS).set_index("figure")
    # majmin: +20 and -10 of 100 s
    wanted = gap([20, -10], "xy", [40, 60])
    assert found.loc["majmin", ["difference", "low", "high"]].tolist() == pytest.approx(wanted)
    assert found.loc["tetrads", "difference"] == pytest.approx(0.25)
    assert found.recordings.tolist() == [3, 3]
