"""The registered model: an MLflow pyfunc from code over model.safetensors and config.json, without pickle.

Input: a table with a column `audio` (the bytes of an audio file) or `path` (a local file). A served
model takes bytes alone, because a path would read the server's files.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd

from earmark import model_folder
from earmark.audio import AudioError

SERVED = "__pyfunc_model_path__"  # set by MLflow's scoring server in its own environment


class EarmarkModel(mlflow.pyfunc.PythonModel):
    """One row a recording: label, probability and runner_up; or segments (JSON), key, key_probability and duration_s;
    or embedding (JSON)."""

    def load_context(self, context) -> None:
        folder = Path(context.artifacts["model"])
        self.answer = {"genre": _genre, "chord": _chord, "speaker": _speaker}[model_folder.read_config(folder).task](
            folder
        )

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        return pd.DataFrame([self._answer(row) for row in model_input.to_dict("records")])

    def _answer(self, row: dict) -> dict:
        audio, path = row.get("audio"), row.get("path")
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
                f"The recording {path if source == Path(str(path)) else ''} cannot be used: {e}."
            ) from None


def _genre(folder: Path) -> Callable[[bytes | Path], dict]:
    from earmark.predict import Predictor

    predictor = Predictor(folder)
    return lambda source: {k: v for k, v in predictor(source).plain().items() if k != "probabilities"}


def _chord(folder: Path) -> Callable[[bytes | Path], dict]:
    from earmark.chords.recognise import Recogniser

    recognise = Recogniser(folder)

    def answer(source: bytes | Path) -> dict:
        song = recognise(source)
        facts = {k: v for k, v in vars(song).items() if k != "segments"}
        return {"segments": json.dumps([s._asdict() for s in song.segments])} | facts

    return answer


def _speaker(folder: Path) -> Callable[[bytes | Path], dict]:
    from earmark.speakers.embed import Embedder

    embed = Embedder(folder)
    return lambda source: {"embedding": json.dumps([round(float(x), 6) for x in embed(source)])}


mlflow.models.set_model(EarmarkModel())
