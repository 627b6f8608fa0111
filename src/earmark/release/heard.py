"""What recordings are like, for a card: how long, how loud, at which rates, of how many channels."""

from collections import Counter

import numpy as np
import pandas as pd

from earmark.data import overview
from earmark.release.card import table as table_of


def text(table: pd.DataFrame) -> str:
    """Durations, levels and formats of a prepared manifest's rows, as Markdown."""
    parts = [overview.durations(table)]
    if "peak" in table:
        parts.append(levels(table.peak.to_numpy(float)))
    return " ".join(parts) + "\n\n" + _formats(table)


def levels(peak: np.ndarray) -> str:
    """The range of peaks in decibels below full scale. peak: (n,), 1 being full scale."""
    db = 20 * np.log10(np.maximum(peak, 1e-10))
    low, middle, high = (f"{value:.1f}" for value in np.percentile(db, [0, 50, 100]))
    return f"Peaks lie from {low} to {high} dBFS, half of them above {middle} dBFS; mean levels (RMS) were not kept."


def _formats(table: pd.DataFrame) -> str:
    kinds = Counter(zip(table.sample_rate, table.channels, strict=True)).most_common()
    rows = [(f"{rate:,} Hz", f"{channels}", f"{n}") for (rate, channels), n in kinds]
    return table_of(("sample rate", "channels", "recordings"), rows)
