"""Claims of a study file: what may be said, and what the trainings of its cells say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments.study import claims, plan
from earmark.experiments.study.claims import Claim
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.table import CellOutcome
from earmark.experiments.study.verdict import HOLDS, NOT, UNDECIDED

DRAWS = GroupDraws(EvaluateSettings(bootstrap=2000, seed=0))
N = 80
STUDY = {
    "task": "genre",
    "factors": {
        "network": {"CNN": {"model.name": "cnn"}, "MLP": {"model.name": "mlp"}},
        "rate": {"low": {}, "high": {}},
    },
    "design": "one_at_a_time",
}


def cell(
    network: str, rate: str = "low", right=0.5, seeds=(1, 2, 3), refused: str = "", n_refused: int = 0
) -> CellOutcome:
    """A cell that knows so large a share of N songs, the same ones by every seed but for one."""
    levels = {"network": network, "rate": rate}
    if refused:
        return CellOutcome(levels, "group", [], pd.DataFrame(), refused, n_refused=n_refused)
    rows = [
        {"recording": f"r{i:02}", "group": f"r{i:02}", "fold": "fold1", "seed": seed, "of_accuracy": 1.0}
        | {"right_accuracy": float(i < right * N + (seed == 2))}
        for seed in seeds
        for i in range(N)
    ]
    return CellOutcome(levels, "group", [{}] * len(seeds), pd.DataFrame(rows), n_refused=n_refused)


def claim(of: str, than, kind: str = "more", by: float = 0.02) -> Claim:
    levels = lambda network: {"network": network, "rate": "low"}  # noqa: E731
    return Claim("so it is", "asked", levels(of), levels(than) if isinstance(than, str) else than, kind, by, "")


def test_a_difference_is_by_seed_and_by_song():
    cells = [cell("CNN", right=0.75), cell("MLP", right=0.5, seeds=(2, 3, 4))]
    found = claims.claims_table([claim("CNN", "MLP")], cells, DRAWS).iloc[0]
    assert (found.figures, found.seeds, found.groups) == ("accuracy 0.506 → 0.756", 2, N)  # the seeds that both have
    assert found.difference == pytest.approx(0.25)
    spread = np.repeat([1.0, 0.0], [N // 4, 3 * N // 4]).std(ddof=1) / np.sqrt(N)  # a quarter of the songs differ
    assert found.high - found.difference == pytest.approx(1.99 * spread, rel=0.06)
    assert found.verdict == HOLDS
    assert claims.claims_table([claim("MLP", "CNN")], cells, DRAWS).verdict.item() == NOT


@pytest.mark.parametrize(("part", "least"), [(1.0, 1 / N), (0.5, 0.0)])
def test_groups_that_all_agree_have_an_error_where_they_are_right_or_wrong_as_a_whole(part, least):
    """Two cells that answer alike: a song that is half right tells more than one that is right."""
    cells = [cell(network, right=0.5, seeds=(1, 3, 4)) for network in ("CNN", "MLP")]
    for one in cells:
        one.answers["right_accuracy"] *= part
    found = claims.claims_table([claim("CNN", "MLP", "same")], cells, DRAWS).iloc[0]
    assert (found.difference, found.group_se) == (0.0, pytest.approx(least))


def test_a_claim_of_another_figure_is_decided_by_that_one():
    """The mean over draws of crops, here 2 of 4 for every song: a cell in which nothing is drawn has none."""
    cells = [cell("CNN", right=0.75), cell("MLP", right=0.5)]
    asked = replace(claim("CNN", 0.25), figure="crops_accuracy")
    cells[0].answers["right_crops_accuracy"], cells[0].answers["of_crops_accuracy"] = 0.5, 1.0
    found = claims.claims_table([asked, replace(asked, than=asked.of | {"network": "MLP"})], cells, DRAWS)
    assert found.figures.tolist() == ["crops_accuracy 0.250 → 0.500", "no crops_accuracy in both cells"]
    assert found.verdict.tolist() == [HOLDS, UNDECIDED]


def test_a_figure_is_held_against_a_number():
    (row,) = claims.claims_table([claim("CNN", 0.5, by=0.1)], [cell("CNN", right=0.75)], DRAWS).to_dict("records")
    assert (row["figures"], row["verdict"]) == ("accuracy 0.500 → 0.754", HOLDS)
    assert row["difference"] == pytest.approx(0.25 + 1 / N / 3)


def test_one_seed_cannot_tell():
    cells = [cell("CNN", right=0.9, seeds=(1,)), cell("MLP", right=0.1, seeds=(1,))]
    assert claims.claims_table([claim("CNN", "MLP")], cells, DRAWS).verdict.tolist() == [UNDECIDED]


def test_trainings_that_end_without_a_figure_are_counted():
    refused = cell("MLP", refused="The loss is not finite.", n_refused=10)
    asked = [claim("MLP", 0.0, "refused"), claim("CNN", 0.0, "refused"), claim("CNN", "MLP")]
    found = claims.claims_table(asked, [cell("CNN", seeds=range(10)), refused], DRAWS)
    assert found.verdict.tolist() == [HOLDS, NOT, UNDECIDED]
    assert found.figures.tolist() == [
        "10 of 10 trainings end without a figure",
        "0 of 10 trainings end without a figure",
        "The loss is not finite.",
    ]


def test_a_claim_whose_cells_were_not_run_is_left_out():
    assert claims.claims_table([claim("CNN", "MLP")], [cell("CNN")], DRAWS).empty


def parsed(*entries: dict, quick: bool = False) -> list[Claim]:
    study = STUDY | {"claims": list(entries), "quick": {"factors": {"network": ["CNN"]}}}
    return plan.parse(study, Path("s.yaml"), {"model.name"}, quick).claims


def test_levels_that_an_entry_leaves_out_are_the_first():
    (found,) = parsed({"says": "so", "whose": "asked", "of": {"network": "MLP"}, "is": "less", "by": 0.1})
    first = {"network": "CNN", "rate": "low"}
    assert found == Claim("so", "asked", first | {"network": "MLP"}, first, "less", 0.1, "")
    assert parsed({"says": "so", "than": 0.5})[0].than == 0.5
    assert parsed({"says": "so", "of": {"network": "MLP"}}, quick=True)[0].of["network"] == "MLP"  # is left out later


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"of": {}}, "s.yaml: claim 1 needs 'says', a sentence that states the claim."),
        ({"says": "so", "off": {}}, "s.yaml: claim 1 has the key 'off', which does not exist; did you mean 'of'?"),
        ({"says": "so", "of": {"net": "MLP"}}, "claim 1 names the factor 'net', which does not exist"),
        ({"says": "so", "than": {"network": "RNN"}}, "claim 1 names, of factor 'network', the level 'RNN'"),
        ({"says": "so", "is": "better"}, "s.yaml: is is 'better'"),
        ({"says": "so", "figure": "acuracy"}, "s.yaml: figure is 'acuracy'; did you mean 'accuracy'?"),
        ({"says": "so", "by": -1}, "s.yaml: claim 1: by must be a number of at least 0."),
        ("so", "s.yaml: claim 1 must hold keys and values, not 'so'"),
    ],
)
def test_a_wrong_entry_is_one_sentence(entry, sentence):
    with pytest.raises(EarmarkError) as error:
        parsed(entry)
    assert sentence in str(error.value)
