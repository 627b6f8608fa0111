"""What a registered model is given: a table, a list of recordings, or one; and the sentence that refuses it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

from earmark.registry.recordings import (
    COLUMNS,
    RATES,
    SOURCES,
    is_missing,
    many,
    needs,
    quoted_names,
    unpack,
    unwrap,
    with_rate,
)


class Refusal(MlflowException):
    """What a server answers as a bad request: its sentence, and nothing else.

    MLflow's server would put the whole request in front of it, which may be megabytes of sound.
    """

    def __init__(self, sentence: str):
        self.sentence = sentence
        super().__init__(sentence, INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:
        return self.sentence

    @message.setter
    def message(self, longer: str) -> None:
        pass


def rows(given: Any, served: bool) -> list[Any]:
    """The recordings in what a model is given, each as `recordings.source` reads it.

    Raises Refusal for what has no recordings to name: a table or mapping without a column to read, an empty list, an
    array of which it is not clear what its axes are.
    """
    given = unpack(given)
    if isinstance(given, pd.DataFrame):
        _check_columns(list(given), served)
        return list(given.loc[:, [c in COLUMNS for c in given]].to_dict("records"))
    if isinstance(given, Mapping):
        _check_columns(list(given), served)
        if served:
            _check_served(set(given))
        return _of_mapping({k: unwrap(v) for k, v in given.items() if k in COLUMNS})
    found = unwrap(given)
    if isinstance(found, np.ndarray):
        found = _of_array(found, served)
    if not isinstance(found, list | tuple) or with_rate(found) or _samples(found):
        return [found]
    if not found:
        raise Refusal(f"There is no recording in the request; each needs {needs(served)}.")
    return list(found)


def _check_columns(names: list[Any], served: bool) -> None:
    if not set(SOURCES) & set(names):
        raise Refusal(f"The table needs a column {needs(served)}; it has {quoted_names(names) or 'none of them'}.")
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise Refusal(f"The table has more than one column {quoted_names(twice)}.")


def _check_served(names: set[str]) -> None:
    """Of rows with unlike keys MLflow's server makes columns, in which they are one row: such columns are refused."""
    if "path" in names:
        raise Refusal(f"A served model takes {needs(True)}; it does not read paths on the server.")
    if names != {"audio"} and not {"array"} <= names <= {"array", *RATES}:
        raise Refusal(
            "The columns of 'inputs' and 'instances' must be 'audio', or 'array' and 'sample_rate', but are "
            f"{quoted_names(sorted(names))}; rows of several kinds go into 'dataframe_records'."
        )


def _of_mapping(known: Mapping[str, Any]) -> list[Any]:
    """The rows of columns by name, or the one row that a mapping is."""
    if not _are_columns(known):
        return [known]
    lengths = {k: len(v) for k, v in known.items() if many(v)}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"'{k}' {n}" for k, n in lengths.items())
        raise Refusal(f"The columns must have the same length, but their numbers of values are {said}.")
    n = next(iter(lengths.values()))
    columns = {k: list(v) if k in lengths else [v] * n for k, v in known.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _are_columns(known: Mapping[str, Any]) -> bool:
    """Whether a mapping holds columns of many recordings, and not the values of one."""
    array = known.get("array")
    if array is None:
        return any(many(known.get(k)) for k in SOURCES)
    if rates := [known[k] for k in RATES if k in known]:
        return any(many(rate) for rate in rates)
    if isinstance(array, np.ndarray) and array.ndim > 1 and len(array) > 1:
        raise _unclear(array)
    return many(array) and not _samples(array)


def _of_array(given: np.ndarray, served: bool) -> list[Any]:
    """What an array stands for: a list of texts or objects, the samples of one recording, or one recording a row."""
    if given.dtype.kind == "S":
        raise Refusal("An array of bytes drops the zero bytes at the end of each; give a list of bytes.")
    if given.dtype.kind in "OU":
        return list(given.tolist())
    if given.ndim == 1:
        return [given]
    if served or len(given) == 1:  # a server makes one array of a list whose rows have one length
        return list(given)
    raise _unclear(given)


def _unclear(array: np.ndarray) -> Refusal:
    shape = " x ".join(map(str, array.shape))
    return Refusal(
        f"It is not clear whether an array of {shape} is one recording or several; give a list of arrays, one per "
        "recording."
    )


def _samples(found: Any) -> bool:
    """Whether a list holds the samples of one recording, and not recordings."""
    return len(found) > 0 and all(isinstance(x, int | float | np.number) and not is_missing(x) for x in found)
