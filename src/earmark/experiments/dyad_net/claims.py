"""What the notebook says of its network, what more can be asked, and what the seeds answer."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from earmark.experiments.dyad_net.tables import HIS
from earmark.experiments.study import verdict
from earmark.experiments.study.verdict import Evidence

SAME = 0.02  # of accuracy: a difference that would matter
Results = Sequence[dict]


def claims_table(results: Results) -> pd.DataFrame:
    """A line a claim, decided together, as `verdict.decide`; without those about networks that no seed has come to."""
    nets = [r for r in results if r["net"] == "dyad"]
    learnt = [r for r in nets if right(r)]
    with_all = [r for r in nets if r["alive_at_start"] == 4]
    with_few = [r for r in nets if r["alive_at_start"] <= 2]
    rows = [
        _most(
            "Most networks have accuracy 1 after the first epoch",
            "text",
            nets,
            lambda r: r["history"][0]["val_accuracy"] == 1,
        ),
        _most("Most networks have accuracy 1 after the last epoch", "text", nets, right),
        _most(
            f"Most networks end with a validation loss of {HIS['val_loss']} or less",
            "text",
            nets,
            lambda r: r["history"][-1]["val_loss"] <= HIS["val_loss"],
        ),
        _most(
            f"Most networks have a loss of {HIS['evaluated_loss']} or less on ten more batches",
            "text",
            nets,
            lambda r: r["evaluated_loss"] <= HIS["evaluated_loss"],
        ),
        _most("Most networks that learn have a kernel for minor", "text", learnt, lambda r: has(r, "for minor")),
        _most("Most networks that learn have a kernel for major", "text asks", learnt, lambda r: has(r, "for major")),
        _mean("Without its strongest kernel a network is worse", "ours", "less", learnt, without_strongest),
        _mean(
            "A kernel with two weights of one sign is dispensable",
            "ours",
            "same",
            [r for r in learnt if unclear(r)],
            lambda r: np.mean([k["accuracy_without"] for k in unclear(r)]) - r["evaluated_accuracy"],
        ),
        _most(
            "Most kernels with two weights of one sign are silent",
            "ours",
            [k for r in learnt for k in unclear(r)],
            lambda k: k["silent"],
        ),
        _most("Most networks whose four kernels all respond at the start learn", "ours", with_all, right),
        _most("Most networks of which at most two kernels respond at the start learn", "ours", with_few, right),
        _mean(
            "What a network has learnt holds for roots that it has not met",
            "ours",
            "same",
            learnt,
            lambda r: r["unseen_accuracy"] - r["evaluated_accuracy"],
        ),
        _mean(
            "What a network has learnt holds between the semitones",
            "ours",
            "same",
            learnt,
            lambda r: r["quarter_tones_accuracy"] - r["evaluated_accuracy"],
        ),
        _most(
            "Most of the simpler networks, with one kernel per class, end with accuracy 1",
            "ours",
            [r for r in results if r["net"] == "kernel"],
            right,
        ),
    ]
    return verdict.decide(pd.DataFrame([row for row in rows if row], columns=list(verdict.COLUMNS)))


def right(result: dict) -> bool:
    """Whether a network ends with accuracy 1 on validation."""
    return bool(result["history"][-1]["val_accuracy"] == 1)


def has(result: dict, role: str) -> bool:
    """Whether a network has a kernel of a role that answers to something."""
    return any(k["role"] == role and not k["silent"] for k in result["kernels"])


def unclear(result: dict) -> list[dict]:
    """Kernels that are for both classes or against both, as the one that the text has no name for."""
    return [k for k in result["kernels"] if k["role"] in ("for both", "against both")]


def without_strongest(result: dict) -> float:
    """Accuracy without the kernel whose two weights differ most, less that of the whole network."""
    strongest = max((k for k in result["kernels"] if not k["silent"]), key=lambda k: abs(k["strength"]))
    return float(strongest["accuracy_without"] - result["evaluated_accuracy"])


def _most(claim: str, whose: str, of: Iterable[dict], holds: Callable[[dict], bool]) -> dict | None:
    """A claim that is right where it is so of most."""
    found = [bool(holds(one)) for one in of]
    return verdict.count_row(claim, whose, sum(found), len(found)) if found else None


def _mean(claim: str, whose: str, kind: verdict.Kind, of: Results, gap: Callable[[dict], float]) -> dict | None:
    """A claim about a difference of accuracy, of so many networks."""
    if not of:
        return None
    found = Evidence(np.array([gap(r) for r in of]))
    return verdict.row(claim, whose, f"accuracy by {found.value:+.3f} in {found.seeds} networks", found, kind, SAME)
