"""The claims of a study file: what they compare, and what the trainings say of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from earmark.experiments.study import pooling, verdict
from earmark.experiments.study.checks import Checks
from earmark.experiments.study.figure import GroupDraws, ShareFigure, StudyFigure
from earmark.experiments.study.table import CellOutcome
from earmark.experiments.study.verdict import Evidence, Kind
from earmark.tasks import catalog

KEYS = ("says", "whose", "of", "than", "is", "by", "figure")
KINDS = ("more", "less", "same", "refused")
WORTH = 0.02  # of a share: what a difference must be to be worth having, where a claim does not say


@dataclass(frozen=True)
class Claim:
    """What somebody says of two cells, or of one and a number.

    says: for people. whose: who says it. of, than: levels of a cell, or of `than` a number that the figure is held
    against. kind: `more`, `less` or `same` by the figure; `refused` where most trainings of `of` end without one.
    by: the least difference that would be worth having, or that `same` allows. figure: its name, '' for the headline
    (of sounds that are judged by random crops the first draw's accuracy; `crops_accuracy` is the mean of all draws).
    """

    says: str
    whose: str
    of: dict[str, str]
    than: dict[str, str] | float
    kind: str
    by: float
    figure: str


def parse(check: Checks, raw: Any, factors: dict[str, dict[str, Any]]) -> list[Claim]:
    """The claims of a study file; levels that an entry leaves out are the first ones. Raises EarmarkError."""
    check.that(isinstance(raw, list), "claims must be a list of entries with the keys says, of, than and is.")
    return [_claim(check, entry, f"claim {i}", factors) for i, entry in enumerate(raw, 1)]


def _claim(check: Checks, raw: Any, who: str, factors: dict[str, dict[str, Any]]) -> Claim:
    check.known(check.mapping(raw, who), KEYS, f"{who} has the key")
    check.that(bool(raw.get("says")), f"{who} needs 'says', a sentence that states the claim.")
    kind = raw.get("is", "more")
    than = raw.get("than", {})
    by = raw.get("by", WORTH)
    check.choice({"is": kind}, "is", KINDS)
    if "figure" in raw:
        check.choice(raw, "figure", catalog.task(check.task).study_figures)
    check.that(type(by) in (int, float) and by >= 0, f"{who}: by must be a number of at least 0.")
    number = type(than) in (int, float)
    return Claim(
        says=str(raw["says"]),
        whose=str(raw.get("whose", "")),
        of=_levels(check, raw.get("of", {}), who, factors),
        than=float(than or 0) if number or kind == "refused" else _levels(check, than, who, factors),
        kind=kind,
        by=float(by),
        figure=str(raw.get("figure", "")),
    )


def _levels(check: Checks, raw: Any, who: str, factors: dict[str, dict[str, Any]]) -> dict[str, str]:
    first = {factor: next(iter(levels)) for factor, levels in factors.items()}
    return first | named_levels(check, factors, raw, who)


def named_levels(check: Checks, factors: dict[str, dict[str, Any]], raw: Any, who: str) -> dict[str, str]:
    """factor -> level, all of which exist."""
    check.known(check.mapping(raw, who), factors, f"{who} names the factor")
    for factor, level in raw.items():
        check.known([str(level)], factors[factor], f"{who} names, of factor '{factor}', the level")
    return {factor: str(level) for factor, level in raw.items()}


def claims_table(claims: Sequence[Claim], outcomes: Sequence[CellOutcome], draws: GroupDraws) -> pd.DataFrame:
    """A line a claim, decided together, as `verdict.decide`.

    A claim whose cells were not run is left out; nothing can be told of one whose cells were refused.
    """
    cells = {tuple(o.levels.items()): o for o in outcomes}
    known = [c for c in claims if all(tuple(levels.items()) in cells for levels in _cells(c))]
    rows = [_row(c, *(cells[tuple(levels.items())] for levels in _cells(c)), draws=draws) for c in known]
    return verdict.decide(pd.DataFrame(rows, columns=[*verdict.COLUMNS, *pooling.COLUMNS]))


def _cells(claim: Claim) -> list[dict[str, str]]:
    return [claim.of, claim.than] if isinstance(claim.than, dict) else [claim.of]


def _row(claim: Claim, of: CellOutcome, than: CellOutcome | None = None, *, draws: GroupDraws) -> dict[str, Any]:
    n = of.n_refused + len(of.results)
    if claim.kind == "refused" and n:
        return verdict.count_row(claim.says, claim.whose, of.n_refused, n, " trainings end without a figure")
    refused = next((o.refused for o in (of, than) if o and o.refused), "")
    if refused or claim.kind == "refused":
        return verdict.untold_row(claim.says, claim.whose, refused, claim.kind, claim.by)
    name = claim.figure or of.figure.names(of.answers)[0]
    if any(name not in o.figure.names(o.answers) for o in (of, than) if o):
        return verdict.untold_row(claim.says, claim.whose, f"no {name} in both cells", claim.kind, claim.by)
    found, before, seeds = evidence(of, than, claim, name, draws)
    kind: Kind = claim.kind  # type: ignore[assignment]
    trained = " ".join(cell.trained for cell in (of, than) if cell)
    return pooling.row(claim.says, claim.whose, name, before, found, seeds, kind, claim.by, trained)


def evidence(
    of: CellOutcome, than: CellOutcome | None, claim: Claim, name: str, draws: GroupDraws
) -> tuple[Evidence, float, list[int]]:
    """What the trainings of the seeds that both cells have say of a figure, what it is held against, and the seeds."""
    a, b = by_seed(of, name), by_seed(than, name) if than else {}
    seeds = sorted(set(a) & set(b)) if than else sorted(a)
    if than:
        pairs = [a[s].common(b[s]) for s in seeds]
        mine, other = [p[0] for p in pairs], [p[1] for p in pairs]
    else:
        mine, other = [a[s] for s in seeds], []
    whole = all(isinstance(figure, ShareFigure) and figure.whole for figure in (*mine, *other))
    found = replace(evidence_of_figures(mine, draws), least=1 / len(mine[0].groups) if whole else 0.0)
    against = evidence_of_figures(other, draws) if than else float(claim.than)  # type: ignore[arg-type]
    return found.less(against), against.value if isinstance(against, Evidence) else against, seeds


def by_seed(outcome: CellOutcome, name: str) -> dict[int, StudyFigure]:
    """A figure of all test folds, by the seed of the trainings."""
    return {int(seed): outcome.figure.read(one, name) for seed, one in outcome.answers.groupby("seed")}


def evidence_of_figures(figures: Sequence[StudyFigure], draws: GroupDraws) -> Evidence:
    """A figure by seed, and by weights of the groups, which all seeds share."""
    groups = figures[0].groups
    shares = draws.of(groups).copy()
    shares[:, 0] = 0.0  # of a group that no test has seen, which the interval's t allows for
    drawn = np.mean([f.under(shares, 0) for f in figures], axis=0)
    return Evidence(np.array([f.value for f in figures]), drawn, len(groups))
