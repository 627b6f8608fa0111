"""The speaker task's features stage: every recording into one store, those of training at other speeds, too."""

import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pandas as pd

from earmark.audio import Root, Source
from earmark.features import parts, pool
from earmark.features.store import Writer
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.settings import SpeakerFeatureSettings

DTYPE = "float16"


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
    seconds = table.duration_s.sum()
    workers = workers or pool.workers_for(seconds, len(wanted))
    writer = Writer(out, settings.n_mels, DTYPE, plain(settings))
    with tempfile.TemporaryDirectory(prefix="earmark-") as scratch:
        jobs = ((root / path, settings, speed, Path(scratch) / str(i)) for i, (path, speed) in enumerate(wanted))
        with closing(pool.map_ordered(_extract, jobs, workers, seconds)) as found:
            done = progress(found, len(wanted), "extracting features")
            for (path, speed), part in zip(wanted, done, strict=True):
                writer.append(name(path, speed), parts.take_rows(part, settings.n_mels, DTYPE))
    writer.close()


def _extract(source: Source, settings: SpeakerFeatureSettings, speed: float, part: Path) -> Path:
    """One recording's frames at a speed into the file `part`."""
    with log_mel.spooled(source, settings, speed) as speech:
        return parts.write(part, speech, DTYPE)


def name(path: str, speed: float) -> str:
    """What the store calls a recording at a speed."""
    return path if speed == 1 else f"{path}@{speed:g}"


def plain(settings: SpeakerFeatureSettings) -> dict:
    """The settings as they go into JSON."""
    return vars(settings) | {"speeds": list(settings.speeds)}
