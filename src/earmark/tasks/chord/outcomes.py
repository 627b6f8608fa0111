"""What the model made of every test recording, for a paired comparison (`evaluation.outcomes`)."""

import numpy as np
import pandas as pd

from earmark.evaluation import outcomes
from earmark.tasks.chord import scores


def outcomes_of(songs: list[scores.ScoredSong]) -> pd.DataFrame:
    """Seconds that are right and that count: of majmin as a whole, of tetrads by the truth's quality."""
    sums, table = scores.summed(songs), pd.DataFrame([(s.name, s.group) for s in songs], columns=["recording", "group"])
    parts = [outcomes.shares("majmin", table, *sums.parts["majmin"])]
    for quality, right, seconds in zip(sums.qualities, *np.transpose(sums.by_quality, (0, 2, 1)), strict=True):
        there = seconds > 0
        parts.append(outcomes.shares("tetrads", table[there], right[there], seconds[there], quality))
    return pd.concat(parts, ignore_index=True)
