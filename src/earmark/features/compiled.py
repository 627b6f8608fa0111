"""What librosa compiles, in a place that only one process at a time writes to.

numba keeps compiled functions in files. Processes that write them at once can leave code under another's name, and the
next one that loads it ends with a segmentation fault.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from filelock import FileLock

from earmark import paths

P, T = ParamSpec("P"), TypeVar("T")
PLACE = "NUMBA_CACHE_DIR"  # numba's own name; read when librosa is imported


def alone_at_first(function: Callable[P, T]) -> Callable[P, T]:
    """A function that uses librosa, whose first call in a process waits for that of other processes.

    The first call imports librosa and compiles whatever the function uses, or loads it, so that later calls, with
    arrays of the same types, find everything in memory.
    """
    done = False

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        nonlocal done
        if done:
            return function(*args, **kwargs)
        with _lock():
            if not done:
                result = function(*args, **kwargs)
                done = True
                return result
        return function(*args, **kwargs)

    return called


def _lock() -> FileLock:
    folder = Path(os.environ.get(PLACE) or _place())
    os.environ[PLACE] = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / "compiling.lock")


def _place() -> Path:
    """The user's cache, for all projects compile the same; the project's own where that cannot be written."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earmark" / "numba"
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    return place if os.access(place, os.W_OK) else paths.state() / "numba"


@alone_at_first
def compile_all() -> None:
    """Compile what earmark uses of librosa, a quarter of a minute once on a machine."""
    import librosa
    import numpy as np

    noise = np.random.default_rng(0).standard_normal(2 * 22050).astype(np.float32)
    librosa.feature.melspectrogram(y=noise, sr=22050)
    librosa.cqt(noise, sr=22050)


if __name__ == "__main__":
    compile_all()
