"""What can be decided of a claim: against scipy's t-tests, numbers worked by hand, and simulated studies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from earmark.experiments.study import verdict
from earmark.experiments.study.verdict import HOLDS, NOT, UNDECIDED, Evidence


def test_seeds_alone_are_a_t_test():
    by_seed = np.array([0.03, 0.05, 0.01, 0.06, 0.02])
    found = Evidence(by_seed)
    above = stats.ttest_1samp(by_seed, 0.0, alternative="greater")
    assert found.above(0.0) == pytest.approx(above.pvalue, rel=1e-6)
    assert found.below(0.07) == pytest.approx(stats.ttest_1samp(by_seed, 0.07, alternative="less").pvalue, rel=1e-6)
    assert found.interval() == pytest.approx(tuple(stats.ttest_1samp(by_seed, 0.0).confidence_interval(0.95)))
    assert (found.below(0.0), found.above(0.07)) == (1.0, 1.0)


def test_groups_alone_are_a_t_test_of_their_differences():
    """Seeds that agree leave the groups; random weights of a mean vary as its standard error does."""
    rng = np.random.default_rng(0)
    of_group = rng.normal(0.05, 0.3, 60)
    shares = rng.standard_exponential((40_000, 60))
    drawn = shares @ of_group / shares.sum(1)
    found = Evidence(np.full(4, of_group.mean()), drawn, 60)
    assert found.interval() == pytest.approx(
        tuple(stats.ttest_1samp(of_group, 0.0).confidence_interval(0.95)), abs=0.001
    )
    assert found.above(0.0) == pytest.approx(stats.ttest_1samp(of_group, 0.0, alternative="greater").pvalue, rel=0.05)


def test_both_add_up_and_each_has_its_own_t():
    by_seed, groups = np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.4] * 50)
    found = Evidence(by_seed, groups, 11)
    seeds, drawn = 0.01 / 3, 0.04 * 12 / 10
    half = np.sqrt(seeds * stats.t.ppf(0.975, 2) ** 2 + drawn * stats.t.ppf(0.975, 10) ** 2)
    assert found.interval() == pytest.approx((0.2 - half, 0.2 + half))
    level = 2 * found.above(0.15)
    assert found.half(level) == pytest.approx(0.05)  # p is the level whose interval ends at the bound


def test_one_seed_or_one_group_decides_nothing():
    for found in (Evidence(np.array([0.9])), Evidence(np.array([0.9, 0.91]), np.array([0.9]), 1)):
        assert found.interval() == (-np.inf, np.inf)
        assert verdict.claim_p(found, "more", 0.02) == (1.0, HOLDS)


def test_groups_that_all_agree_are_as_if_one_did_not():
    found = Evidence(np.zeros(5), np.zeros(100), 200, least=1 / 200)
    assert Evidence(np.zeros(5), np.zeros(100), 200).half(0.05) == 0
    assert found.half(0.05) == pytest.approx(stats.t.ppf(0.975, 199) / 200)
    assert verdict.claim_p(found, "same", 0.02) == (pytest.approx(2 * stats.t.sf(0.02 * 200, 199)), HOLDS)


@pytest.mark.parametrize(
    ("value", "kind", "speaks_for", "decides"),
    [
        (0.05, "more", HOLDS, True),
        (0.0, "more", NOT, True),  # less than .02 is not worth having
        (-0.05, "more", NOT, True),
        (-0.05, "less", HOLDS, True),
        (0.0, "less", NOT, True),
        (0.05, "less", NOT, True),
        (0.0, "same", HOLDS, True),
        (0.05, "same", NOT, True),
        (-0.05, "same", NOT, True),
        (0.011, "same", HOLDS, False),
    ],
)
def test_what_speaks_for_a_claim(value, kind, speaks_for, decides):
    found = Evidence(value + 0.01 * np.array([-1, -0.5, 0, 0.5, 1]))  # and .0098 on either side
    p, side = verdict.claim_p(found, kind, 0.02)
    assert (side, p <= 0.05) == (speaks_for, decides)


def test_between_the_two_nothing_is_decided():
    found = Evidence(0.011 + 0.06 * np.array([-1, -0.5, 0, 0.5, 1]))
    for kind, side in (("more", HOLDS), ("less", NOT), ("same", HOLDS)):
        p, speaks_for = verdict.claim_p(found, kind, 0.02)
        assert (speaks_for, p > 0.05) == (side, True)


def test_a_count_is_a_sign_test():
    assert verdict.binomial_p(10, 10) == (pytest.approx(2 / 1024), HOLDS)
    assert verdict.binomial_p(0, 10) == (pytest.approx(2 / 1024), NOT)
    assert verdict.binomial_p(8, 10) == (pytest.approx(stats.binomtest(8, 10).pvalue), HOLDS)


def test_a_counts_line_has_wilsons_interval():
    """Wilson 1927, by hand: (p + z2/2n -+ z sqrt(p q/n + z2/4n2)) / (1 + z2/n), less a half."""
    line, z = verdict.count_row("so", "text", 31, 40, " nets"), stats.norm.ppf(0.975)
    middle, reach = (
        (0.775 + z**2 / 80) / (1 + z**2 / 40),
        z * np.sqrt(0.775 * 0.225 / 40 + z**2 / 6400) / (1 + z**2 / 40),
    )
    assert (line["low"], line["high"]) == pytest.approx((middle - reach - 0.5, middle + reach - 0.5))
    assert (line["figures"], line["is"], line["difference"]) == ("31 of 40 nets", "most", pytest.approx(0.275))
    assert (line["p"], line["speaks_for"]) == verdict.binomial_p(31, 40)


def test_holms_steps():
    """Holm 1979: .01, .02, .03, .04 of four become .04, .06, .06, .06, and the order they come in does not matter."""
    claims = pd.DataFrame({"p": [0.03, 0.01, 0.04, 0.02], "speaks_for": [NOT, HOLDS, NOT, NOT]})
    found = verdict.decide(claims)
    assert found.p_holm.tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert found.verdict.tolist() == [UNDECIDED, HOLDS, UNDECIDED, UNDECIDED]
    alone = verdict.decide(claims.iloc[[3]])
    assert (alone.p_holm.item(), alone.verdict.item()) == (0.02, NOT)
    assert verdict.decide(claims.iloc[:0]).empty


@pytest.mark.parametrize(("groups", "seeds", "spread"), [(60, 2, 0.3), (60, 5, 0.1), (300, 3, 0.6), (300, 5, 0.6)])
def test_equal_networks_are_told_apart_no_more_often_than_said(groups, seeds, spread):
    """Studies of two cells that are the same: right or wrong by group, as hard as they are, and by seed."""
    rng = np.random.default_rng(1)
    wrong = 0
    n = 400
    shares = rng.standard_exponential((200, groups))
    shares /= shares.sum(1, keepdims=True)
    for _ in range(n):
        hard = 1.9 + rng.normal(0, 2, groups)
        cells = [
            rng.random((seeds, groups)) < 1 / (1 + np.exp(-hard - rng.normal(0, spread, (seeds, 1)))) for _ in range(2)
        ]
        apart = cells[0].astype(float) - cells[1]
        low, high = Evidence(apart.mean(1), shares @ apart.mean(0), groups, 1 / groups).interval()
        wrong += low > 0 or high < 0
    assert wrong <= stats.binom.ppf(0.99, n, 0.05)
