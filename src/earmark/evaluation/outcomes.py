"""What a model made of every test recording, as a paired comparison of two models needs it: outcomes.parquet.

Two kinds. Shares: a row for each recording that counts in a figure, or in a part of one (a class, a chord quality).
Trials: a row for each pair of utterances.
"""

from pathlib import Path

import numpy as np
import pandas as pd

FILE = "outcomes.parquet"
SHARES = ("figure", "part", "recording", "group", "right", "weight", "confidence")
TRIALS = ("a", "b", "same", "score", "speaker_a", "speaker_b")


def shares(
    figure: str,
    recordings: pd.DataFrame,
    right: np.ndarray,
    weight: np.ndarray | float = 1.0,
    part: pd.Series | str = "",
    confidence: pd.Series | float = np.nan,
) -> pd.DataFrame:
    """Rows of a figure, which is the sum of `right` over the sum of `weight`, (n,) each, 0 <= right <= weight.

    recordings: (n,) rows with recording and group. part: of what this is the figure, "" for the whole. confidence:
    the probability of the answer, NaN where none is given.
    """
    told = {"figure": figure, "part": part, "right": right, "weight": weight, "confidence": confidence}
    table = recordings[["recording", "group"]].reset_index(drop=True)
    return table.assign(**{k: np.asarray(v) for k, v in told.items()})[list(SHARES)]


def are_trials(table: pd.DataFrame) -> bool:
    """Whether outcomes are of trials."""
    return "score" in table


def same_recordings(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two models' outcomes are of the same recordings or trials, so that they can be paired."""
    keys = ["a", "b", "same"] if are_trials(one) else ["figure", "part", "recording", "weight"]
    if set(one) != set(other):
        return False
    first, second = (t.sort_values(keys)[keys].reset_index(drop=True) for t in (one, other))
    return len(first) == len(second) and all(
        np.allclose(first[k], second[k]) if k == "weight" else (first[k] == second[k]).all() for k in keys
    )


def write(out: Path, table: pd.DataFrame) -> None:
    """outcomes.parquet below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / FILE, index=False)
