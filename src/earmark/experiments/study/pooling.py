"""Claims of one study whose seeds were trained at different times or places, put together.

A claim's line keeps the difference of every seed and the standard error over the groups, so that a table of claims is
all that is needed of trainings which are gone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.experiments.study import verdict
from earmark.experiments.study.verdict import Evidence, Kind

COLUMNS = ("figure", "before", "by_seed", "group_se", "trained")


def row(
    claim: str,
    whose: str,
    figure: str,
    before: float,
    found: Evidence,
    seeds: Sequence[int],
    kind: Kind,
    by: float,
    trained: str,
) -> dict[str, Any]:
    """A claim's line, as `verdict.row`, with what pooling needs.

    before: the figure that the claim's own is held against, the mean over the seeds. trained: hashes of what the
    trainings of a cell share.
    """
    figures = f"{figure} {before:.3f} → {before + found.value:.3f}"
    by_seed = "; ".join(f"{s}: {v:+.6f}" for s, v in zip(seeds, found.by_seed, strict=True))
    over_groups = found.over_groups
    group_se = np.nan if over_groups is None else float(np.sqrt(over_groups))
    kept = (figure, before, by_seed, group_se, trained)
    return verdict.row(claim, whose, figures, found, kind, by) | dict(zip(COLUMNS, kept, strict=True))


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """One line of several (a frame's rows) of one claim, all of other seeds.

    The variance over the groups, which all seeds share, is the mean of the lines', weighted by their seeds: more seeds
    make it no larger. Raises EarmarkError where a seed is there twice, or trainings differ in more than the seed.
    """
    first, claim = rows.iloc[0], rows.iloc[0].claim
    if rows.by_seed.isna().any():
        raise EarmarkError(f"'{claim}' is given twice; give each file once.")
    parts = [_by_seed(text) for text in rows.by_seed]
    count = Counter(seed for part in parts for seed in part)
    if twice := [seed for seed, n in count.items() if n > 1]:
        raise EarmarkError(f"'{claim}' is given twice for seed {twice[0]}; give each file once.")
    if rows[["figure", "is", "by", "trained"]].fillna("").drop_duplicates().shape[0] > 1:
        raise EarmarkError(
            f"'{claim}' has seeds whose trainings differ in settings, recordings or code; train them all alike."
        )
    weights = [len(part) for part in parts]
    found = {seed: value for part in parts for seed, value in part.items()}
    seeds = sorted(count)
    variance = (
        None if np.isnan(first.group_se) else float(np.average(rows.group_se.astype(float) ** 2, weights=weights))
    )
    evidence = Evidence(np.array([found[s] for s in seeds]), groups=int(first.groups), known=variance)
    before = float(np.average(rows.before.astype(float), weights=weights))
    return row(claim, first.whose, first.figure, before, evidence, seeds, first["is"], float(first.by), first.trained)


def _by_seed(text: str) -> dict[int, float]:
    pairs = (part.split(":") for part in text.split(";"))
    return {int(seed): float(value) for seed, value in pairs}
