"""The features stage: every recording of a manifest into one store, streamed file by file."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import Root, read_rates
from earmark.errors import EarmarkError
from earmark.features import parts, pool
from earmark.features.classical import N_FEATURES, classical_features
from earmark.features.frames import samples_frames
from earmark.features.rows import Rows
from earmark.features.settings import FeatureSettings
from earmark.features.spectral import bands_above, empty_filters
from earmark.features.statistics import N_STATISTICS, statistics_of
from earmark.features.statistics import SETTINGS as OF_STATISTICS
from earmark.features.store import Writer
from earmark.tasks.genre import short

Progress = Callable[[Iterable, int, str], Iterable]


def run(
    table: pd.DataFrame,
    root: Root,
    settings: FeatureSettings,
    out: Path,
    warn: Callable[[str], None],
    progress: Progress,
    workers: int | None = None,
) -> None:
    """Write the store and a baseline's `statistics.npy` (recordings, 60) below `out`, in the manifest's order."""
    for sentence in short.notes(table, settings):
        warn(sentence)
    warn_of_resampling(table, settings, warn)
    warn_of_empty_filters(settings, warn)
    seconds = table.duration_s.sum()
    workers = workers or pool.workers_for(seconds, len(table))
    writer = Writer(out, settings.n_bands, settings.dtype, settings.plain())
    statistics = np.lib.format.open_memmap(out / "statistics.npy", mode="w+", shape=(len(table), N_STATISTICS))
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        jobs = ((root / path, settings, Path(scratch) / str(i)) for i, path in enumerate(table.path))
        with closing(pool.map_ordered(_extract, jobs, workers, seconds)) as found:
            done = progress(found, len(table), "extracting features")
            for i, (path, (part, row)) in enumerate(zip(table.path, done, strict=True)):
                writer.append(path, parts.take_rows(part, settings.n_bands, "float32"))
                statistics[i] = row
    statistics.flush()
    writer.close()


def beside(
    table: pd.DataFrame,
    root: Root,
    settings: FeatureSettings,
    out: Path,
    progress: Progress,
    workers: int | None = None,
) -> None:
    """Write the classical baseline's `classical.npy` (recordings, 538) below `out`, in the manifest's order."""
    seconds = table.duration_s.sum()
    workers = workers or pool.workers_for(seconds, len(table))
    jobs = ((root / path, settings.max_seconds) for path in table.path)
    done = progress(
        pool.map_ordered(classical_features, jobs, workers, seconds), len(table), "features of the baseline"
    )
    part = out / "classical.part.npy"
    found = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(len(table), N_FEATURES))
    for i, row in enumerate(done):
        found[i] = row
    found.flush()
    part.rename(out / "classical.npy")  # once it is whole


def warn_of_resampling(table: pd.DataFrame, settings: FeatureSettings, warn: Callable[[str], None]) -> None:
    """Say how many recordings have another sample rate, and which mel bands upsampling leaves empty.

    Raises EarmarkError for them where the settings refuse other rates.
    """
    _refuse_other_rates(table, settings)
    for rate, n in table.sample_rate[table.sample_rate != settings.sample_rate].value_counts().items():
        text = f"{n} recording{'s' * (n != 1)} resampled from {rate} to {settings.sample_rate} Hz"
        empty = bands_above(settings, rate / 2)
        if empty:
            text += (
                f"; their mel bands {empty[0]} to {empty[-1]} (above {rate / 2:g} Hz) are empty, which tells the "
                f"network where they come from: set features.f_max to {rate / 2:g} or lower features.sample_rate"
            )
        warn(text + ".")


def _refuse_other_rates(table: pd.DataFrame, settings: FeatureSettings) -> None:
    other = table[table.sample_rate != settings.sample_rate]
    if settings.other_rates == "refuse" and len(other):
        first = other.iloc[0]
        raise EarmarkError(
            f"{len(other)} of {len(table)} recordings have a sample rate other than features.sample_rate "
            f"({settings.sample_rate} Hz); the first is {first.path} ({first.sample_rate} Hz): convert them, or set "
            "features.other_rates to resample."
        )


def warn_of_empty_filters(settings: FeatureSettings, warn: Callable[[str], None]) -> None:
    """Say which mel bands hold nothing, where the settings keep them."""
    empty = empty_filters(settings) if settings.empty_filters == "keep" else []
    if empty:
        which = f"band{'s' * (len(empty) > 1)} {', '.join(map(str, empty))}"
        warn(
            f"{len(empty)} of {settings.n_mels} mel filters are so narrow that no FFT bin falls into them at n_fft "
            f"{settings.n_fft}: there is nothing in {which} (features.empty_filters: keep)."
        )


def _extract(path: Path, settings: FeatureSettings, part: Path) -> tuple[Path, np.ndarray]:
    """One recording's frames into the file `part` (float32), and its baseline statistics, of one decoding."""
    both = read_rates(path, (settings.sample_rate, OF_STATISTICS.sample_rate), settings.max_seconds)
    with Rows() as aside:
        parts.write(part, samples_frames(_first(both, aside), settings), "float32")
        return part, statistics_of(block[:, 0] for block in aside)


def _first(pairs: Iterable[tuple[np.ndarray, ...]], aside: Rows) -> Iterator[np.ndarray]:
    """The first of every two blocks (n,); the second waits aside."""
    for first, second in pairs:
        if len(second):
            aside.append(second[:, None])
        yield first
