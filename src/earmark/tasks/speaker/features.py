"""The speaker task's features stage: every recording into one store, those of training at other speeds, too."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.features import pool
from earmark.features.store import Writer
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.settings import SpeakerFeatureSettings


def run(
    table: pd.DataFrame,
    root: Root,
    settings: SpeakerFeatureSettings,
    out: Path,
    warn: Callable[[str], None],
    progress: Callable[[Iterable, int, str], Iterable],
    workers: int | None = None,
) -> None:
    """Write the store below `out`: recordings in the manifest's order, then those of training at every speed."""
    wanted = [(path, 1.0) for path in table.path]
    wanted += [(path, speed) for speed in settings.speeds for path in table.path[table["split"] == "train"]]
    workers = workers or pool.workers_for(table.duration_s.sum())
    jobs = ((root / path, settings, speed) for path, speed in wanted)
    writer = Writer(out, settings.n_mels, "float16", plain(settings))
    done = progress(pool.ordered(log_mel.of, jobs, workers), len(wanted), "extracting features")
    for (path, speed), frames in zip(wanted, done, strict=True):
        writer.append(name(path, speed), [frames.astype(np.float16)])
    writer.close()


def name(path: str, speed: float) -> str:
    """What the store calls a recording at a speed."""
    return path if speed == 1 else f"{path}@{speed:g}"


def plain(settings: SpeakerFeatureSettings) -> dict:
    """The settings as they go into JSON."""
    return vars(settings) | {"speeds": list(settings.speeds)}
