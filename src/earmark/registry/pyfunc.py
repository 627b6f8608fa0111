"""The registered model: an MLflow pyfunc from code over model.safetensors and config.json, without pickle.

Input: a table with a column `audio` (the bytes of an audio file) or `path` (a local file). A served
model takes bytes alone, because a path would read the server's files.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException
from mlflow.pyfunc import PythonModel

from earmark.audio import AudioError, Source
from earmark.errors import EarmarkError
from earmark.tasks import catalog
from earmark.training import model_files

SERVED = "__pyfunc_model_path__"  # set by MLflow's scoring server in its own environment
NAMED = 10  # bad rows that a refusal names one by one
NEEDS = "'audio' (bytes of an audio file) or 'path' (a local file)"


class RowError(Exception):
    """A row that cannot be answered: says why, without its number."""


class EarmarkModel(PythonModel):
    """One row a recording, with the columns that its task answers; segments and embeddings are JSON."""

    def load_context(self, context: Any) -> None:
        folder = Path(context.artifacts["model"])
        task = catalog.task(model_files.read_plain(folder)["task"])
        self.columns, self.answer = list(task.answers), task.room("predictions").answering(folder)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """An answer a row, in the rows' order; a table without rows has none.

        Raises MlflowException, which a server answers as a bad request, when the table has no column to read or any
        of its rows cannot be answered: it names them all.
        """
        if not {"audio", "path"} & set(model_input.columns):
            raise refusal(f"The table needs a column {NEEDS}; it has {_listed(model_input.columns)}.")
        rows = model_input.to_dict("records")
        answers, reasons = [], {}
        for i, row in enumerate(rows):
            try:
                answers.append(self._answer(row))
            except RowError as e:
                reasons[i] = str(e)
        if reasons:
            raise refusal(_sentence(reasons, len(rows)))
        return pd.DataFrame(answers, columns=self.columns)

    def _answer(self, row: dict[str, Any]) -> Mapping[str, Any]:
        source = _source(row)
        try:
            return self.answer(source)
        except (AudioError, OSError, EarmarkError) as e:
            what = source if isinstance(source, Path) else "the recording"
            reason = (isinstance(e, OSError) and e.strerror) or e
            raise RowError(f"{what} cannot be used: {str(reason).rstrip('.')}") from None


def _source(row: dict[str, Any]) -> Source:
    """What a row names to read. Raises RowError for one that names nothing, or what must not be read here."""
    audio, path = row.get("audio"), row.get("path")
    if not _missing(audio):
        return _bytes(audio)
    if _missing(path):
        raise RowError(f"it needs {NEEDS}")
    if SERVED in os.environ:
        raise RowError("a served model takes 'audio' (bytes) alone; it does not read paths on the server")
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise RowError(f"'path' must name a local file, not be {_kind(path)}")
    return Path(path)


def _bytes(audio: Any) -> bytes:
    if not isinstance(audio, bytes | bytearray | memoryview):
        raise RowError(f"'audio' must be the bytes of an audio file, not {_kind(audio)}")
    if not len(audio):
        raise RowError("'audio' is empty: it must be the bytes of an audio file")
    return bytes(audio)


def _missing(value: Any) -> bool:
    """None, NaN and pandas' own signs of a missing value."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) and value else "empty" if value == "" else type(value).__name__


def _listed(columns: Any) -> str:
    return ", ".join(f"'{name}'" for name in columns) or "none of them"


def _sentence(reasons: dict[int, str], n: int) -> str:
    """Why a request of n rows is refused: the first bad rows in order, and how many more there are."""
    named = [f"row {i}: {reason}" for i, reason in list(reasons.items())[:NAMED]]
    more = [f"and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
    return (
        f"{len(reasons)} of the {n} rows cannot be answered, so none is (rows are counted from 0): "
        f"{'; '.join(named + more)}."
    )


def refusal(sentence: str) -> MlflowException:
    """What a server answers as a bad request, with the sentence."""
    return MlflowException(sentence, INVALID_PARAMETER_VALUE)


mlflow.models.set_model(EarmarkModel())
