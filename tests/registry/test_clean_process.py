"""A version is loaded and asked in a process of its own, in which no pickle is read."""

from types import SimpleNamespace

import mlflow
import pytest

from earmark.errors import EarmarkError
from earmark.registry import clean_process

MODEL = """
import mlflow, pandas, pickle, collections

class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        {load}

    def predict(self, context, model_input, params=None):
        return pandas.DataFrame({{"label": {answer}}})

mlflow.models.set_model(Model())
"""
ONE = "['a'] * len(model_input)"
PICKLED = "pickle.loads(pickle.dumps(collections.OrderedDict(a=1)))"


@pytest.fixture
def tried(tmp_path, monkeypatch):
    """What is found of a model with some code."""

    def run(load: str = "pass", answer: str = ONE):
        code, folder = tmp_path / "model.py", tmp_path / "saved"
        code.write_text(MODEL.format(load=load, answer=answer))
        (tmp_path / "weights.bin").write_bytes(bytes(2_000_000))
        artifacts = {"model": str(tmp_path / "weights.bin")}
        mlflow.pyfunc.save_model(folder, python_model=str(code), artifacts=artifacts, pip_requirements=[])
        monkeypatch.setattr(mlflow.artifacts, "download_artifacts", lambda uri: str(folder))
        return clean_process.try_version(SimpleNamespace(name="earmark-genre", version="1"))

    return run


def test_a_model_that_answers_has_a_time_and_a_size(tried):
    found = tried()
    assert 0 < found.seconds < 5
    assert found.megabytes == 2.0


@pytest.mark.parametrize(
    ("load", "answer", "reason"),
    [
        (PICKLED, ONE, r"does not load or answer in a separate process \(.*it reads a pickle \(collections\.Ordered"),
        ("raise ValueError('no weights')", ONE, r"does not load or answer in a separate process \(.*no weights\)$"),
        ("pass", "['a', 'b']", "^it gives 2 answers to one recording$"),
    ],
)
def test_what_cannot_be_used(tried, load, answer, reason):
    with pytest.raises(EarmarkError, match=reason):
        tried(load, answer)
