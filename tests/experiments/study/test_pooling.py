"""Seeds of one study that were trained apart, put together by their tables of claims alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments.study import claims, page
from earmark.experiments.study.claims import Claim
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.table import CellOutcome

DRAWS = GroupDraws(EvaluateSettings(bootstrap=4000, seed=0))
N = 100
CLAIM = Claim("CNN is better", "text", {"network": "CNN"}, {"network": "MLP"}, "more", 0.02, "")


def cell(network: str, right: float, seeds, trained: str = "1f") -> CellOutcome:
    """A cell that knows about `right` of N songs: other songs with every seed, and more of them with some seeds."""
    rows = [
        {"recording": f"r{i:02}", "group": f"r{i:02}", "fold": "fold1", "seed": seed, "of_accuracy": 1.0}
        | {"right_accuracy": float(np.random.default_rng([seed, i]).random() < right + 0.02 * (seed % 3))}
        for seed in seeds
        for i in range(N)
    ]
    return CellOutcome({"network": network}, "group", [{}] * len(seeds), pd.DataFrame(rows), trained=trained)


def table(folder, seeds, trained: str = "1f", claim: Claim = CLAIM):
    """The claims.csv of some seeds."""
    folder.mkdir(parents=True)
    cells = [cell("CNN", 0.7, seeds, trained), cell("MLP", 0.5, seeds)]
    claims.claims_table([claim], cells, DRAWS).to_csv(folder / "claims.csv", index=False)
    return folder / "claims.csv"


def test_seeds_of_two_runs_are_as_those_of_one(tmp_path):
    apart = [table(tmp_path / "a/mine", [1, 2, 3]), table(tmp_path / "b/mine", [4, 5])]
    pooled = page.merge_claims(apart).iloc[0]
    whole = page.merge_claims([table(tmp_path / "c/mine", [1, 2, 3, 4, 5])]).iloc[0]
    assert (pooled.seeds, pooled.groups, pooled.figures) == (5, N, whole.figures)
    assert pooled.difference == pytest.approx(whole.difference, abs=1e-6)
    assert pooled.by_seed == whole.by_seed
    # More seeds make the mean over them vary less from song to song, which the parts do not know.
    assert whole.high <= pooled.high <= whole.high + 0.25 * (whole.high - whole.low)


def test_the_interval_by_hand(tmp_path):
    files = [table(tmp_path / "a/mine", [1, 2, 3]), table(tmp_path / "b/mine", [4, 5])]
    parts, pooled = [pd.read_csv(f).iloc[0] for f in files], page.merge_claims(files).iloc[0]
    by_seed = np.array([float(one.split(":")[1]) for part in parts for one in part.by_seed.split(";")])
    of_seeds = by_seed.std(ddof=1) / np.sqrt(5) * stats.t.ppf(0.975, 4)
    of_songs = np.sqrt((3 * parts[0].group_se ** 2 + 2 * parts[1].group_se ** 2) / 5) * stats.t.ppf(0.975, N - 1)
    assert pooled.high - pooled.difference == pytest.approx(np.hypot(of_seeds, of_songs), rel=1e-6)
    assert pooled.p < min(part.p for part in parts) / 10


def test_a_pages_table_takes_more_seeds(tmp_path):
    first = page.merge_claims([table(tmp_path / "a/mine", [1, 2, 3])])
    first.to_csv(tmp_path / "mine.csv", index=False)
    more = table(tmp_path / "b/mine", [4, 5])
    found = page.merge_claims([tmp_path / "mine.csv", more])
    assert (found.study.tolist(), found.seeds.tolist()) == (["mine"], [5])
    pd.testing.assert_frame_equal(page.merge_claims([more, tmp_path / "mine.csv"]), found)


def test_so_does_the_table_of_two_studies(tmp_path):
    page.merge_claims([table(tmp_path / f"{name}", [1, 2]) for name in ("one", "two")]).to_csv(
        tmp_path / "both.csv", index=False
    )
    found = page.merge_claims([tmp_path / "both.csv", table(tmp_path / "more/two", [3])])
    assert found.claim.tolist() == ["CNN is better (one)", "CNN is better (two)"]
    assert found.seeds.tolist() == [2, 3]


def test_a_claim_against_a_number(tmp_path):
    against = replace(CLAIM, than=0.5)
    files = [table(tmp_path / f"{name}/mine", seeds, claim=against) for name, seeds in (("a", [1, 2]), ("b", [3, 4]))]
    found = page.merge_claims(files).iloc[0]
    assert (found.seeds, found.figures[:16]) == (4, "accuracy 0.500 →")


def test_what_cannot_be_pooled(tmp_path):
    first = table(tmp_path / "a/mine", [1, 2])
    with pytest.raises(EarmarkError, match="'CNN is better' is given twice for seed 2; give each file once"):
        page.merge_claims([first, table(tmp_path / "b/mine", [2, 3])])
    with pytest.raises(EarmarkError, match="has seeds whose trainings differ in settings, recordings or code"):
        page.merge_claims([first, table(tmp_path / "c/mine", [3, 4], trained="2e")])
