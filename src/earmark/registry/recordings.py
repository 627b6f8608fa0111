"""One recording of what a registered model is given: a row of a table or an item of a list, and what is read of it."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark.audio import Source
from earmark.registry import arrays

SOURCES = ("audio", "path", "array")
RATES = ("sample_rate", "sampling_rate")  # the second is what Hugging Face's data sets call it
COLUMNS = (*SOURCES, *RATES)
AUDIO = "the bytes of an audio file, or their base64"


class RowError(Exception):
    """A row that cannot be answered: says why, without its number."""


def needs(served: bool) -> str:
    """What a row or table must have, in words."""
    array = "'array' (samples, with their 'sample_rate')"
    files = "'audio' (base64 of an audio file)" if served else "'audio' (bytes of an audio file), 'path' (a local file)"
    return f"{files} or {array}"


def quoted_names(names: list[Any]) -> str:
    """Names in quotes."""
    return ", ".join(f"'{name}'" for name in names)


def source(item: Any, sample_rate: Any, served: bool) -> Source:
    """What is read of one recording. sample_rate: in Hz, of an array that has none of its own.

    Raises RowError for what names nothing, or what must not be read here, and AudioError for a bad array.
    """
    row = _row(item, served)
    audio, path, array = (None if is_missing(row.get(k)) else row[k] for k in SOURCES)
    if audio is not None and array is not None:
        raise RowError("it has both 'audio' and 'array'; give one of them")
    if audio is not None:
        return _bytes(audio)
    if array is not None:
        return arrays.wav(array, _rate(row, sample_rate))
    if path is None:
        others = [k for k in row if k not in COLUMNS]
        raise RowError(f"it needs {needs(served)}" + (f"; it has {quoted_names(others)}" if others else ""))
    return _path(path, served)


def _row(item: Any, served: bool) -> Mapping[str, Any]:
    """An item of a list as a row of a table."""
    item = unpack(item)
    if isinstance(item, Mapping):
        return {k: unwrap(v) for k, v in item.items()}
    if isinstance(item, bytes | bytearray | memoryview):
        return {"audio": item}
    if isinstance(item, str | os.PathLike):
        return {"audio": _served(item)} if served else {"path": item}
    if pair := with_rate(item):
        return dict(zip(("array", "sample_rate"), pair, strict=True))
    if many(item):
        return {"array": item}
    if is_missing(item):
        return {}
    one = AUDIO if served else f"a path, {AUDIO}"
    raise RowError(f"it must be {one}, an array of samples or a row of a table, not {_kind(item)}")


def _served(text: Any) -> bytes:
    """The bytes that a text in a list stands for where it cannot be a path."""
    reason = "this text is not the base64 of an audio file; a served model does not read paths on the server"
    return _decoded(str(text), reason)


def _rate(row: Mapping[str, Any], default: Any) -> Any:
    found = next((row[k] for k in RATES if not is_missing(row.get(k))), default)
    if is_missing(found):
        raise RowError("an 'array' needs its 'sample_rate' in Hz")
    return found


def _bytes(audio: Any) -> bytes:
    if isinstance(audio, str) and audio:
        audio = _decoded(audio, f"'audio' must be {AUDIO}, but this text is not base64")
    if not isinstance(audio, bytes | bytearray | memoryview):
        raise RowError(f"'audio' must be {AUDIO}, not {_kind(audio)}")
    if not len(audio):
        raise RowError(f"'audio' is empty: it must be {AUDIO}")
    return bytes(audio)


def _decoded(text: str, reason: str) -> bytes:
    """The bytes of base64, however its lines were broken."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RowError(reason) from None


def _path(path: Any, served: bool) -> Path:
    if served:
        raise RowError(f"a served model takes {needs(served)}; it does not read paths on the server")
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise RowError(f"'path' must name a local file, not be {_kind(path)}")
    return Path(path)


def unpack(value: Any) -> Any:
    """A pandas Series as the row of a table that it is, or as an array; anything else as it is."""
    if not isinstance(value, pd.Series):
        return value
    return value.to_dict() if set(SOURCES) & set(value.index) else value.to_numpy()


def unwrap(value: Any) -> Any:
    """A value out of an array without axes, in which MLflow's server wraps it; a tensor as an array."""
    if not isinstance(value, np.ndarray) and hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def with_rate(item: Any) -> tuple[Any, Any] | None:
    """(array, sample rate) of a pair as librosa, soundfile and torchaudio give them, or SciPy the other way round."""
    if isinstance(item, tuple) and len(item) == 2:
        for array, rate in (item, item[::-1]):
            if isinstance(rate, int | float | np.number) and many(array):
                return array, rate
    return None


def many(value: Any) -> bool:
    """Whether a value is a sequence of others: a list, a column, or an array with an axis."""
    return isinstance(value, list | tuple | pd.Series) or (hasattr(value, "__array__") and np.ndim(value) > 0)


def is_missing(value: Any) -> bool:
    """None, NaN and pandas' own signs of a missing value."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _kind(value: Any) -> str:
    return "empty" if isinstance(value, str) and not value else type(value).__name__
