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
from mlflow.pyfunc import PythonModel

from earmark.audio import AudioError, Source
from earmark.tasks import catalog
from earmark.training import model_files

SERVED = "__pyfunc_model_path__"  # set by MLflow's scoring server in its own environment


class EarmarkModel(PythonModel):
    """One row a recording, with the columns that its task answers; segments and embeddings are JSON."""

    def load_context(self, context: Any) -> None:
        folder = Path(context.artifacts["model"])
        task = catalog.task(model_files.read_plain(folder)["task"])
        self.answer = task.room("predictions").answering(folder)

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return pd.DataFrame([self._answer(row) for row in model_input.to_dict("records")])

    def _answer(self, row: dict[str, Any]) -> Mapping[str, Any]:
        audio, path = row.get("audio"), row.get("path")
        source: Source
        if isinstance(audio, bytes) and audio:
            source = audio
        elif not isinstance(path, str):
            raise ValueError("A row needs 'audio' (bytes of an audio file) or 'path' (a local file).")
        elif SERVED in os.environ:
            raise ValueError("A served model takes 'audio' (bytes) alone; it does not read paths on the server.")
        else:
            source = Path(path)
        try:
            return self.answer(source)
        except (AudioError, OSError) as e:
            raise ValueError(
                f"The recording {source if isinstance(source, Path) else ''} cannot be used: {e}."
            ) from None


mlflow.models.set_model(EarmarkModel())
