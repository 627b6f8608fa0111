"""The registered model: an MLflow pyfunc from code over model.safetensors and config.json, without pickle.

Input: a table with a column `audio` (the bytes of an audio file), `path` (a local file) or `array` (samples, with their
`sample_rate`), or a list of such things. A served model takes no path, because it would read the server's files.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel

from earmark.audio import AudioError
from earmark.errors import EarmarkError
from earmark.features import heap
from earmark.registry import inputs, recordings
from earmark.tasks import catalog
from earmark.training import model_files

SERVED = "__pyfunc_model_path__"  # set by MLflow's scoring server in its own environment
NAMED = 10  # bad rows that a refusal names one by one


class EarmarkModel(PythonModel):
    """One row a recording, with the columns that its task answers; segments and embeddings are JSON."""

    def load_context(self, context: Any) -> None:
        """Load the model of a version's artifacts, as MLflow asks for it."""
        if SERVED in os.environ:  # a process of our own
            heap.keep()
        folder = Path(context.artifacts["model"])
        task = catalog.task(model_files.read_plain(folder)["task"])
        self.columns, self.answer = list(task.answers), task.room("predictions").answering(folder)

    # The hint of a table is one on which MLflow neither converts nor refuses what it is given.
    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """An answer a recording, in their order; a table without rows has none. `inputs.rows` says what may be given.

        params: `sample_rate` in Hz, of arrays that have none of their own.
        Raises MlflowException, which a server answers as a bad request, when there is nothing to read or any of the
        rows cannot be answered: it names them all.
        """
        served, rate = SERVED in os.environ, (params or {}).get("sample_rate")
        rows = inputs.rows(model_input, served)
        answers, reasons = [], {}
        for i, row in enumerate(rows):
            try:
                answers.append(self._answer(row, rate, served))
            except recordings.RowError as e:
                reasons[i] = str(e)
        if reasons:
            raise inputs.Refusal(_sentence(reasons, len(rows)))
        return pd.DataFrame(answers, columns=self.columns)

    def _answer(self, row: Any, rate: Any, served: bool) -> Mapping[str, Any]:
        what: Any = "the recording"
        try:
            source = recordings.source(row, rate, served)
            what = source if isinstance(source, Path) else what
            return self.answer(source)
        except (AudioError, OSError, EarmarkError) as e:
            reason = (isinstance(e, OSError) and e.strerror) or e
            raise recordings.RowError(f"{what} cannot be used: {str(reason).rstrip('.')}") from None


def _sentence(reasons: dict[int, str], n: int) -> str:
    """Why a request of n rows is refused: the first bad rows in order, and how many more there are."""
    named = [f"row {i}: {reason}" for i, reason in list(reasons.items())[:NAMED]]
    more = [f"and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
    return (
        f"{len(reasons)} of the {n} rows cannot be answered, so none is (rows are counted from 0): "
        f"{'; '.join(named + more)}."
    )


mlflow.models.set_model(EarmarkModel())
