"""What question and answer of seed 004 say, the figures that decide it, and whether they bear it out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

BETTER = 0.01  # of EER or clustering error: a change that counts
LEARNS = 0.35  # EER by its own distance, from which on down a network is said to have learnt
UNRELATED = 0.1  # adjusted Rand index below which clusters have nothing to do with speakers
Rows = Sequence[pd.Series]


class Claim(NamedTuple):
    """said: what is claimed. steps: those it is about, or None for all networks of pairs that have learnt.

    figures, holds: of their rows in the table, in this order.
    """

    said: str
    steps: tuple[str, ...] | None
    figures: Callable[[Rows], str]
    holds: Callable[[Rows], bool]


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """A line a claim: claim, figures, holds (yes, no, or undecided where no network has learnt).

    A claim is left out where the walk lacks the steps that it is about.
    """
    at, found = table.set_index("step"), []
    for claim in CLAIMS:
        if claim.steps is None:
            rows = learnt(table)
        elif all(s in at.index for s in claim.steps):
            rows = [at.loc[s] for s in claim.steps]
        else:
            continue
        if rows:
            found.append((claim.said, claim.figures(rows), "yes" if claim.holds(rows) else "no"))
        else:
            found.append((claim.said, f"no network of pairs has an EER below {LEARNS:g}", "undecided"))
    return pd.DataFrame(found, columns=["claim", "figures", "holds"])


def learnt(table: pd.DataFrame) -> list[pd.Series]:
    """Rows of the networks whose distances, of pairs, tell speakers apart, `step` as their name."""
    if "asker_accuracy" not in table:  # no loss of pairs in the whole walk
        return []
    some = table[(table.eer_native < LEARNS) & table.asker_accuracy.notna()]
    return [row for _, row in some.set_index("step").iterrows()]


def eers(rows: Rows) -> str:
    return "EER " + " -> ".join(f"{r.eer_native:.3f}" for r in rows)


def both(rows: Rows) -> str:
    """EER by the network's own distance, and clustering error of its embeddings."""
    return f"{eers(rows)}, clustering error " + " -> ".join(f"{r.mr:.3f}" for r in rows)


def by_cosine(rows: Rows) -> str:
    found = "EER by cosine " + " -> ".join(f"{r.eer_cosine:.3f}" for r in rows)
    return f"{found}, clustering error " + " -> ".join(f"{r.mr:.3f}" for r in rows)


def gains(rows: Rows) -> bool:
    a, b = rows
    return b.eer_native < a.eer_native - BETTER


def each(rows: Rows, say: Callable[[pd.Series], str]) -> str:
    """A figure of every step."""
    return "; ".join(f"{r.name} {say(r)}" for r in rows)


CLAIMS = (
    Claim(
        "Not in the answer: labels (n, 1) against distances (n,) make the loss blind, so nothing is learnt",
        ("asked",),
        lambda r: f"{eers(r)}, AUC {r[0].auc_native:.3f}; logged accuracy {r[0].blind_accuracy:.3f}",
        lambda r: r[0].eer_native > 0.4,
    ),
    Claim(
        "His accuracy never gets over .5: in his shapes it is half the share of distances that round to 0 or 1",
        ("asked",),
        lambda r: f"{r[0].blind_accuracy:.3f}; each pair with its own label {r[0].asker_accuracy:.3f}",
        lambda r: r[0].blind_accuracy <= 0.5,
    ),
    Claim(
        "Clusters of the asker's embeddings have nothing to do with the speakers",
        ("asked",),
        lambda r: f"ARI {r[0].ari:.3f}; clustering error {r[0].mr:.3f}, {r[0].mr_untrained:.3f} before training",
        lambda r: r[0].ari < UNRELATED,
    ),
    Claim(
        "With all that the answer advises, and the labels' shape as it was, the network learns",
        ("asked", "answered"),
        both,
        lambda r: r[1].eer_native < LEARNS,
    ),
    Claim(
        "Not in the answer: distances that meet their own labels alone are better",
        ("asked", "own_distance"),
        both,
        gains,
    ),
    Claim(
        "Not in the answer: the hinge's mean over the last axis is the batch's, and each pair's own is better",
        ("own_distance", "labels"),
        both,
        gains,
    ),
    Claim(
        "The accuracy compares what cannot be compared: a network that learns has less than chance",
        None,
        lambda r: each(r, lambda s: f"{s.asker_accuracy:.3f} at an EER of {s.eer_native:.3f}"),
        lambda r: all(s.asker_accuracy < 0.5 for s in r),
    ),
    Claim(
        "With a threshold tuned on validation data the metric shows what is learnt",
        None,
        lambda r: each(r, lambda s: f"{s.custom_metric:.3f}, logged {s.asker_accuracy:.3f}"),
        lambda r: all(s.custom_metric > 0.5 + BETTER for s in r),
    ),
    Claim(
        "Clipping freezes the model",
        ("labels",),
        lambda r: f"{r[0].dead_share:.0%} of the outputs have no slope; alarm in {r[0].alarm:.0%} of the seeds",
        lambda r: r[0].dead_share > 0.5 and r[0].alarm > 0.5,
    ),
    Claim(
        "KL of one direction falls below zero",
        ("labels",),
        lambda r: (
            f"{r[0].negative_in_training:.0%} of the distances in training, {r[0].negative_share:.0%} on test "
            f"speakers, the lowest {r[0].lowest:.2f}"
        ),
        lambda r: r[0].negative_in_training > 0.01,
    ),
    Claim(
        "The sum of both directions has no negative distances, and learns better",
        ("labels", "symmetric"),
        lambda r: f"{max(r[1].negative_in_training, r[1].negative_share):.0%} of the distances negative; {both(r)}",
        lambda r: r[1].negative_in_training == 0 and gains(r),
    ),
    Claim(
        "Softplus with an epsilon in place of PReLU with a clip learns better", ("symmetric", "softplus"), both, gains
    ),
    Claim("A mean over the values in place of the sum learns better", ("softplus", "over_mean"), both, gains),
    Claim("A softplus in the hinge learns better", ("softplus", "soft_hinge"), both, gains),
    Claim(
        "A hinge on each direction, as the two losses of the paper that are added, learns better",
        ("softplus", "by_direction"),
        both,
        gains,
    ),
    Claim("Not in the answer: batch norm before the head helps", ("margin", "batch_norm"), both, gains),
    Claim("Not in the answer: a softmax head, a distribution at last, helps", ("batch_norm", "softmax"), both, gains),
    Claim(
        "Not in the question: embeddings of the layer that the loss sees are better than the BLSTM's",
        ("softmax", "dense"),
        by_cosine,
        lambda r: r[1].eer_cosine < r[0].eer_cosine - BETTER,
    ),
    Claim("All pairs of a batch learn more than pairs drawn two by two", ("dense", "all_pairs"), both, gains),
    Claim(
        "AAM-softmax over the same network beats the pairs",
        ("all_pairs", "aam"),
        by_cosine,
        lambda r: r[1].eer_cosine < min(r[0].eer_cosine, r[0].eer_native) - BETTER,
    ),
    Claim(
        "Where the network learns, the embeddings cluster by speaker better than by the weights as drawn",
        None,
        lambda r: each(r, lambda s: f"clustering error {s.mr:.3f}, {s.mr_untrained:.3f} before"),
        lambda r: all(s.mr < s.mr_untrained - BETTER for s in r),
    ),
)
