"""What dyad_net's seeds answer to its text."""

import pytest
from scipy import stats

from earmark.experiments.dyad_net import claims

ROWS = [
    {"role": "for minor", "strength": 6.3, "silent": False, "accuracy_without": 0.5},
    {"role": "for major", "strength": -6.8, "silent": False, "accuracy_without": 0.9},
    {"role": "against both", "strength": 0.3, "silent": True, "accuracy_without": 1.0},
    {"role": "for minor", "strength": 2.8, "silent": False, "accuracy_without": 1.0},
]
ROWS = [row | {"response_to_majors": 1.0, "response_to_minors": 0.0} for row in ROWS]


def result(seed: int, first: float = 1.0, last: float = 1.0, loss: float = 0.002, **changes) -> dict:
    history = [{"val_accuracy": first, "val_loss": 0.5}, {"val_accuracy": last, "val_loss": loss}]
    plain = {"net": "dyad", "seed": seed, "alive_at_start": 4, "history": history, "kernels": ROWS}
    plain |= {"evaluated_loss": 0.003, "evaluated_accuracy": 1.0, "unseen_accuracy": 1.0}
    return plain | {"quarter_tones_accuracy": 0.9 + 0.01 * (seed % 2)} | changes


def judged(results):
    return claims.claims_table(results).set_index("claim")


def test_most_seeds_are_counted():
    results = [result(s, first=0.5 + 0.5 * (s < 4)) for s in range(30)]
    found = judged(results)
    late = found.loc["Most networks have accuracy 1 after the first epoch"]
    assert (late.figures, late.verdict) == ("4 of 30", "does not")
    assert late.p == pytest.approx(stats.binomtest(4, 30).pvalue)
    assert found.loc["Most networks have accuracy 1 after the last epoch", "verdict"] == "holds"
    assert found.loc["Most networks end with a validation loss of 0.0022 or less", "figures"] == "30 of 30"


def test_kernels_of_networks_that_learn():
    """The strongest kernel is the one for major, whose loss costs a tenth; what is against both is silent."""
    found = judged([result(s) for s in range(20)] + [result(s, last=0.5) for s in range(20, 24)])
    strongest = found.loc["Without its strongest kernel a network is worse"]
    assert (strongest.difference, strongest.seeds, strongest.verdict) == (pytest.approx(-0.1), 20, "holds")
    unclear = found.loc["A kernel with two weights of one sign is dispensable"]
    assert (unclear.difference, unclear.verdict) == (0.0, "holds")
    silent = found.loc["Most kernels with two weights of one sign are silent"]
    assert (silent.figures, silent.verdict) == ("20 of 20", "holds")
    assert found.loc["Most networks that learn have a kernel for minor", "verdict"] == "holds"
    between = found.loc["What a network has learnt holds between the semitones"]
    assert (between.difference, between.verdict) == (pytest.approx(-0.095), "does not")


def test_only_what_the_seeds_came_to_is_asked():
    found = judged([result(1, last=0.7)])
    assert not [c for c in found.index if "learnt" in c or "A kernel with" in c or "has a kernel" in c]
    assert not [c for c in found.index if "simpler" in c]
    assert set(found.verdict) == {"cannot tell"}
    small = judged([result(1), result(1, net="kernel") | {"alive_at_start": None}])
    simpler = "Most of the simpler networks, with one kernel per class, end with accuracy 1"
    assert small.loc[simpler, "figures"] == "1 of 1"
