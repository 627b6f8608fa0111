"""The features stage: one row of statistics a recording."""

from dataclasses import asdict

import numpy as np

from earmark.features.statistics import N_STATISTICS, mfcc_statistics
from earmark.features.store import Writer


def run(table, root, settings, out, warn, progress, workers=None) -> None:
    """Write the store of a manifest below `out`, (1, 60) a recording."""
    writer = Writer(out, N_STATISTICS, "float32", asdict(settings))
    for path in progress(table.path, len(table), "statistics"):
        writer.append(path, [mfcc_statistics(root / path, settings.max_seconds)[None].astype(np.float32)])
    writer.close()
