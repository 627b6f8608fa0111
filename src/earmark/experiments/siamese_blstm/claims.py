"""What siamese_blstm's question and answer say, what decides it, and whether the walk bears it out."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from earmark.data.walking import counted
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments.siamese_blstm import show
from earmark.experiments.siamese_blstm.data import VoiceRecordings
from earmark.experiments.study import verdict
from earmark.experiments.study.claims import evidence_of_figures
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.verdict import Evidence, Kind
from earmark.tasks.speaker.outcomes import Eer

BETTER = 0.02  # of EER or clustering error: a change that is worth having
LEARNS = 0.35  # EER by its own distance, from which on down a network is said to have learnt
UNRELATED = 0.1  # adjusted Rand index below which clusters have nothing to do with speakers
DRAWS, SEED = 400, 0
Rows = Sequence[pd.Series]


class WalkResults:
    """The results of all steps and seeds, and the test trials that they score. table: means by step."""

    def __init__(self, results: Sequence[dict], found: VoiceRecordings):
        self.by_step: dict[str, list[dict]] = {}
        for result in results:
            change = {"mr_change": result["mr"] - result["mr_untrained"]}
            self.by_step.setdefault(result["step"], []).append(result | change)
        rows = pd.DataFrame([show.row(r) for part in self.by_step.values() for r in part])
        rows = rows.drop(columns=["said", "seed"])
        self.table = rows.set_index("step").apply(pd.to_numeric).groupby(level="step", sort=False).mean()
        self.trials, self.read = _trials(found), {}
        self.draws = GroupDraws(EvaluateSettings(DRAWS, SEED))

    @cached_property
    def learnt(self) -> list[str]:
        """Networks whose distances, of pairs, tell speakers apart."""
        if "asker_accuracy" not in self.table:  # no loss of pairs in the whole walk
            return []
        return list(self.table.index[(self.table.eer_native < LEARNS) & self.table.asker_accuracy.notna()])

    def rows(self, steps: Iterable[str]) -> list[pd.Series]:
        """Means of steps, each with the step as its name."""
        return [self.table.loc[step] for step in steps]

    def eer(self, step: str, way: str = "native", less: float = 0.0) -> Evidence:
        """A step's EER by `native` distance or `cosine`, less a number; a group is a test speaker."""
        if (step, way) not in self.read:
            figures = [Eer(self.trials.assign(score=r["scores"][way])) for r in self.by_step[step]]
            self.read[step, way] = evidence_of_figures(figures, self.draws)
        return self.read[step, way].less(less)

    def gain(self, before: str, after: str, way: str = "native") -> Evidence:
        """The EER of one step less that of the one before it."""
        return self.eer(after, way).less(self.eer(before, way))

    def own(self, name: str, steps: Sequence[str], less: float, of: Callable = max) -> Evidence:
        """A figure of the trainings themselves less a number: by seed the largest, or the smallest, of the steps."""
        by_seed = zip(*([r[name] for r in self.by_step[step]] for step in steps), strict=True)
        return Evidence(np.array([float(of(values)) - less for values in by_seed]))


def _trials(found: VoiceRecordings) -> pd.DataFrame:
    """The test trials in the order of their scores."""
    speaker = found.table.drop_duplicates("utterance").set_index("utterance").label
    test = found.trials[found.trials["split"] == "test"].reset_index(drop=True)
    named = {f"speaker_{side}": test[side].map(speaker) for side in ("a", "b")}
    return test.assign(**named, fold="test", seed=0)


class WalkClaim(NamedTuple):
    """said, whose: what is claimed, by the question (`asked`), the answer (`answered`) or neither (`ours`).

    steps: those it is about, or None for all networks of pairs that have learnt. kind, seen: whether what is seen of
    them is above 0, below, or the same. by: what a difference must be to be worth having. figures: for people, of the
    steps' means. worst: before those, for people, the mean over seeds of what is seen of each seed's worst step.
    """

    said: str
    whose: str
    steps: tuple[str, ...] | None
    kind: Kind
    seen: Callable[[WalkResults, Sequence[str]], Evidence]
    figures: Callable[[Rows], str]
    by: float = BETTER
    worst: Callable[[float], str] | None = None


def claims_table(walk: WalkResults) -> pd.DataFrame:
    """A line a claim, decided together, as `verdict.decide`.

    A claim is left out where the walk lacks the steps that it is about; nothing is told where no network has learnt.
    """
    found = []
    for claim in CLAIMS:
        steps = walk.learnt if claim.steps is None else claim.steps
        if not set(steps) <= set(walk.by_step):
            continue
        if steps:
            seen = claim.seen(walk, steps)
            worst = f"{claim.worst(seen.value)}; " if claim.worst else ""
            figures = worst + claim.figures(walk.rows(steps))
            found.append(verdict.row(claim.said, claim.whose, figures, seen, claim.kind, claim.by))
        else:
            none = f"no network of pairs has an EER below {LEARNS:g}"
            found.append(verdict.untold_row(claim.said, claim.whose, none, claim.kind, claim.by))
    return verdict.decide(pd.DataFrame(found, columns=list(verdict.COLUMNS)))


def eers(rows: Rows) -> str:
    """Mean equal error rates by the step's own distance, in words."""
    return "EER " + " → ".join(f"{r.eer_native:.3f}" for r in rows)


def both(rows: Rows) -> str:
    """EER by the network's own distance, and clustering error of its embeddings."""
    return f"{eers(rows)}, clustering error " + " → ".join(f"{r.mr:.3f}" for r in rows)


def by_cosine(rows: Rows) -> str:
    """Mean equal error rates by the cosine and clustering errors, in words."""
    found = "EER by cosine " + " → ".join(f"{r.eer_cosine:.3f}" for r in rows)
    return f"{found}, clustering error " + " → ".join(f"{r.mr:.3f}" for r in rows)


def learnt(rows: Rows) -> str:
    """How many networks learn, and the best of them."""
    best = min(rows, key=lambda r: r.eer_native)
    return f"{counted(len(rows), 'step')} learnt, {best.name} best with an EER of {best.eer_native:.3f}"


def better(said: str, whose: str, *steps: str) -> WalkClaim:
    """The second step has the lower EER by its own distance."""
    return WalkClaim(said, whose, steps, "less", lambda walk, s: walk.gain(*s), both)


CLAIMS = (
    WalkClaim(
        "The network as asked does not learn",
        "question",
        ("asked",),
        "more",
        lambda walk, s: walk.eer(*s, less=LEARNS),
        lambda r: f"{eers(r)}, AUC {r[0].auc_native:.3f}; learnt means an EER below {LEARNS:g}",
    ),
    WalkClaim(
        "The asker's accuracy never exceeds .5 (so by algebra, where half of the pairs are of one speaker)",
        "question",
        ("asked",),
        "less",
        lambda walk, s: walk.own("blind_accuracy", s, 0.5 + 1e-9),
        lambda r: f"{r[0].blind_accuracy:.3f}; each pair with its own label {r[0].asker_accuracy:.3f}",
        by=0.01,
    ),
    WalkClaim(
        "Clusters of the asker's embeddings have nothing to do with the speakers",
        "question",
        ("asked",),
        "less",
        lambda walk, s: walk.own("ari", s, UNRELATED),
        lambda r: (
            f"ARI {r[0].ari:.3f}, unrelated means an ARI below {UNRELATED:g}; clustering error {r[0].mr:.3f}, "
            f"{r[0].mr_untrained:.3f} before training"
        ),
    ),
    WalkClaim(
        "With the answer's code, in the asker's shapes and with the asker's margin, the network learns",
        "ours",
        ("answered",),
        "less",
        lambda walk, s: walk.eer(*s, less=LEARNS),
        both,
    ),
    better("Comparing each distance with its own label alone is better", "ours", "asked", "own_distance"),
    better(
        "The hinge's mean over the last axis is over the whole batch; a hinge for each pair is better",
        "ours",
        "own_distance",
        "labels",
    ),
    WalkClaim(
        "The accuracy compares what cannot be compared: a network that learns has less than .5",
        "answer",
        None,
        "less",
        lambda walk, s: walk.own("asker_accuracy", s, 0.5),
        learnt,
        worst=lambda seen: f"the highest of the steps that learnt is {seen + 0.5:.3f} on average",
    ),
    WalkClaim(
        "With a threshold tuned on validation data the answer's metric is above .5 where a network learns",
        "answer",
        None,
        "more",
        lambda walk, s: walk.own("custom_metric", s, 0.5, min),
        learnt,
        worst=lambda seen: f"the lowest of the steps that learnt is {seen + 0.5:.3f} on average",
    ),
    WalkClaim(
        "Clipping leaves most outputs without a slope",
        "ours",
        ("labels",),
        "more",
        lambda walk, s: walk.own("dead_share", s, 0.5),
        lambda r: f"{r[0].dead_share:.0%} of the outputs; collapse reported in {r[0].alarm:.0%} of the seeds",
    ),
    WalkClaim(
        "KL of one direction falls below zero",
        "answer",
        ("labels",),
        "more",
        lambda walk, s: walk.own("negative_in_training", s, 0.01),
        lambda r: (
            f"{r[0].negative_in_training:.0%} of the distances in training, {r[0].negative_share:.0%} on test "
            f"speakers, the lowest {r[0].lowest:.2f}"
        ),
    ),
    WalkClaim(
        "The sum of both directions has no negative distances (so by algebra)",
        "answer",
        ("symmetric",),
        "less",
        lambda walk, s: walk.own("negative_in_training", s, 0.01),
        lambda r: f"{max(r[0].negative_in_training, r[0].negative_share):.0%} of the distances",
    ),
    better("The sum of both directions learns better than one", "answer", "labels", "symmetric"),
    better("Softplus with an epsilon in place of PReLU with a clip learns better", "answer", "symmetric", "softplus"),
    better(
        "A mean over the values in place of the sum, with the same margin, learns better",
        "answer",
        "softplus",
        "over_mean",
    ),
    better("A softplus in the hinge learns better", "answer", "softplus", "soft_hinge"),
    better(
        "A hinge on each direction, as the paper's two losses, learns better than one on their sum",
        "answer",
        "softplus",
        "by_direction",
    ),
    better("Batch norm before the head learns better", "ours", "margin", "batch_norm"),
    better("A softmax head (outputs that sum to one) learns better", "ours", "batch_norm", "softmax"),
    WalkClaim(
        "Embeddings of the layer that the loss sees are better than the BLSTM's",
        "ours",
        ("softmax", "dense"),
        "less",
        lambda walk, s: walk.gain(*s, way="cosine"),
        by_cosine,
    ),
    better("All pairs of a batch learn more than pairs drawn two by two", "ours", "dense", "all_pairs"),
    WalkClaim(
        "AAM-softmax, with a PReLU head, is better than all pairs with a softmax head",
        "ours",
        ("all_pairs", "aam"),
        "less",
        lambda walk, s: walk.gain(*s, way="cosine"),
        by_cosine,
    ),
    WalkClaim(
        "Where the network learns, its embeddings cluster by speaker better than with the initial weights",
        "ours",
        None,
        "less",
        lambda walk, s: walk.own("mr_change", s, 0.0),
        learnt,
        worst=lambda seen: f"the worst change of clustering error is {seen:+.3f} on average",
    ),
)
