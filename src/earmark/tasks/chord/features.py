"""The chord task's features stage: a constant-Q spectrogram of every recording into one store."""

import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from earmark.audio import Root, Source
from earmark.features import parts, pool
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
    seconds = table.duration_s.sum()
    workers = workers or pool.workers_for(seconds, len(table))
    width = spectrogram.width(settings)
    writer = Writer(out, width, DTYPE, asdict(settings))
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        jobs = ((root / path, settings, Path(scratch) / str(i)) for i, path in enumerate(table.path))
        with closing(pool.map_ordered(_extract, jobs, workers, seconds)) as found:
            done = progress(found, len(table), "constant-Q transform")
            for path, part in zip(table.path, done, strict=True):
                writer.append(path, parts.take_rows(part, width, DTYPE))
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
    seconds = table.duration_s.sum()
    workers = workers or pool.workers_for(seconds, len(table))
    jobs = ((root / path,) for path in table.path)
    done = progress(pool.map_ordered(chroma.chroma_of, jobs, workers, seconds), len(table), "chroma of the baseline")
    chroma.save(out, dict(zip(table.path, done, strict=True)))


def _extract(source: Source, settings: ChordFeatureSettings, part: Path) -> Path:
    """One recording's frames into the file `part`."""
    with spectrogram.spooled(spectrogram.samples(source, settings), settings) as found:
        blocks = (found[start : start + found.rows.at_once] for start in range(0, len(found), found.rows.at_once))
        return parts.write(part, (block.numpy() for block in blocks), DTYPE)
