"""The chord task's features stage: a constant-Q spectrogram of every recording into one store."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.features import pool
from earmark.features.store import Writer
from earmark.tasks.chord import chroma, spectrogram
from earmark.tasks.chord.settings import ChordFeatureSettings

Progress = Callable[[Iterable, int, str], Iterable]
DTYPE = "float16"  # 60 dB in 2048 steps and more


def run(
    table: pd.DataFrame,
    root: Root,
    settings: ChordFeatureSettings,
    out: Path,
    warn: Callable[[str], None],
    progress: Progress,
    workers: int | None = None,
) -> None:
    """Write the store below `out`, in the manifest's order: (frames, channels x bins and those for transposition)."""
    workers = workers or pool.workers_for(table.duration_s.sum())
    writer = Writer(out, spectrogram.width(settings), DTYPE, asdict(settings))
    jobs = ((root / path, settings) for path in table.path)
    done = progress(pool.ordered(_extract, jobs, workers), len(table), "constant-Q transform")
    for path, values in zip(table.path, done, strict=True):
        writer.append(path, [values])
    writer.close()


def beside(
    table: pd.DataFrame,
    root: Root,
    settings: ChordFeatureSettings,
    out: Path,
    progress: Progress,
    workers: int | None = None,
) -> None:
    """Write the baseline's `chroma.npz` of the test songs below `out`.

    It learns from no song, so that those of other splits need none.
    """
    table = table[table["split"] == "test"]
    workers = workers or pool.workers_for(table.duration_s.sum())
    jobs = ((root / path,) for path in table.path)
    done = progress(pool.ordered(chroma.of, jobs, workers), len(table), "chroma of the baseline")
    chroma.save(out, dict(zip(table.path, done, strict=True)))


def _extract(path: Path, settings: ChordFeatureSettings) -> np.ndarray:
    return spectrogram.of(path, settings)
