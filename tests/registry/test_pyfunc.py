"""A batch for a registered model: answered whole, or refused with every bad row and its reason."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mlflow.exceptions import MlflowException

from builders import tone
from earmark.audio import AudioError
from earmark.registry import pyfunc

NEEDS = "'audio' (bytes of an audio file), 'path' (a local file) or 'array' (samples, with their 'sample_rate')"
AUDIO = "the bytes of an audio file, or their base64"


def answer(source):
    """What is read, so that its order shows; bytes that begin with 'bad' are no audio."""
    if isinstance(source, bytes):
        if source.startswith(b"bad"):
            raise AudioError("it cannot be decoded as audio")
        return {"label": source.decode(), "probability": 0.5, "runner_up": "x"}
    return {"label": source.read_text(), "probability": 0.5, "runner_up": "x"}


@pytest.fixture
def model(monkeypatch) -> pyfunc.EarmarkModel:
    monkeypatch.delenv(pyfunc.SERVED, raising=False)
    made = pyfunc.EarmarkModel()
    made.columns, made.answer = ["label", "probability", "runner_up"], answer
    return made


def refused(model, table: pd.DataFrame) -> str:
    with pytest.raises(MlflowException) as error:
        model.predict(None, table)
    assert error.value.get_http_status_code() == 400
    return error.value.message


def reason(model, **row) -> str:
    """Why a row is refused that stands second."""
    good = dict.fromkeys(row) | {"audio": b"good"}
    text = refused(model, pd.DataFrame([good, row]))
    head = "1 of the 2 rows cannot be answered, so none is (rows are counted from 0): row 1: "
    assert text.startswith(head)
    return text.removeprefix(head)


def test_answers_are_in_the_rows_order(model, tmp_path):
    (tmp_path / "b").write_text("b")
    table = pd.DataFrame({"audio": [b"a", None, bytearray(b"c")], "path": [None, str(tmp_path / "b"), "ignored"]})
    found = model.predict(None, table.set_index(pd.Index([7, 7, 3])))
    assert found.label.tolist() == ["a", "b", "c"]
    assert list(found.columns) == ["label", "probability", "runner_up"]


def test_every_bad_row_is_named_in_order(model):
    table = pd.DataFrame({"audio": [b"a", b"bad", b"c", b"", b"bad"]})
    assert refused(model, table) == (
        "3 of the 5 rows cannot be answered, so none is (rows are counted from 0): "
        "row 1: the recording cannot be used: it cannot be decoded as audio; "
        "row 3: 'audio' is empty: it must be the bytes of an audio file, or their base64; "
        "row 4: the recording cannot be used: it cannot be decoded as audio."
    )


def test_many_bad_rows_are_counted(model):
    text = refused(model, pd.DataFrame({"audio": [b"bad"] * 12}))
    assert text.startswith("12 of the 12 rows")
    assert text.count("cannot be used") == 10
    assert "row 9: " in text
    assert "row 10: " not in text
    assert text.endswith("; and 2 more.")
    assert "more" not in refused(model, pd.DataFrame({"audio": [b"bad"] * 10}))


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_a_row_that_names_nothing(model, nothing):
    assert reason(model, audio=nothing) == f"it needs {NEEDS}."
    assert reason(model, audio=nothing, path=nothing) == f"it needs {NEEDS}."
    assert reason(model, audio=nothing, array=nothing, sample_rate=nothing) == f"it needs {NEEDS}."


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"audio": b""}, f"'audio' is empty: it must be {AUDIO}."),
        ({"audio": "a.wav"}, f"'audio' must be {AUDIO}, but this text is not base64."),
        ({"audio": ""}, f"'audio' must be {AUDIO}, not empty."),
        ({"audio": 3}, f"'audio' must be {AUDIO}, not int."),
        ({"audio": [1, 2]}, f"'audio' must be {AUDIO}, not list."),
        ({"array": [0.5], "audio": b"good"}, "it has both 'audio' and 'array'; give one of them."),
        ({"array": [0.5], "audio": None}, "an 'array' needs its 'sample_rate' in Hz."),
        ({"path": ""}, "'path' must name a local file, not be empty."),
        ({"path": 3.5}, "'path' must name a local file, not be float."),
        ({"path": "/nowhere/a.wav"}, "/nowhere/a.wav cannot be used: No such file or directory."),
        ({"path": "/"}, "/ cannot be used: Is a directory."),
    ],
)
def test_what_is_no_recording_is_told(model, row, said):
    assert reason(model, **row) == said


def test_a_served_model_reads_no_path(model, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setenv(pyfunc.SERVED, "served")
    said = (
        "a served model takes 'audio' (base64 of an audio file) or 'array' (samples, with their 'sample_rate'); "
        "it does not read paths on the server."
    )
    assert reason(model, path=str(tmp_path / "secret")) == said
    assert model.predict(None, pd.DataFrame({"audio": [b"a"], "path": ["/etc/passwd"]})).label.tolist() == ["a"]


def test_a_table_without_rows_has_no_answers(model):
    found = model.predict(None, pd.DataFrame({"audio": []}))
    assert (len(found), list(found.columns)) == (0, ["label", "probability", "runner_up"])


@pytest.mark.parametrize(
    ("table", "has"),
    [(pd.DataFrame(), "none of them"), (pd.DataFrame({"adio": [b"a"], "b": [1]}), "'adio', 'b'")],
)
def test_a_table_without_a_column_to_read(model, table, has):
    assert refused(model, table) == f"The table needs a column {NEEDS}; it has {has}."


def test_a_list_is_answered_item_by_item(model, tmp_path):
    (tmp_path / "a").write_text("a")
    found = model.predict(None, [tmp_path / "a", b"b", str(tmp_path / "a"), {"audio": b"c"}])
    assert found.label.tolist() == ["a", "b", "a", "c"]
    assert refused(model, [b"a", None, {"file": "x"}]) == (
        "2 of the 3 rows cannot be answered, so none is (rows are counted from 0): "
        f"row 1: it needs {NEEDS}; row 2: it needs {NEEDS}; it has 'file'."
    )


def test_the_rate_of_arrays_is_a_parameter(model):
    model.answer = lambda source: {"label": str(sf.info(io.BytesIO(source)).samplerate)}
    both = [np.zeros(900, np.float32), {"array": np.zeros(900, np.float32), "sample_rate": 8000}]
    assert model.predict(None, both, params={"sample_rate": 16000.0}).label.tolist() == ["16000", "8000"]
    assert "row 0: an 'array' needs its 'sample_rate' in Hz." in refused(model, both)


def test_an_array_that_cannot_be_used(model):
    with pytest.raises(MlflowException) as error:
        model.predict(None, [np.full(900, np.nan)], {"sample_rate": 8000})
    assert error.value.message.endswith(
        "row 0: the recording cannot be used: its 'array' holds samples that are not finite."
    )


def test_the_models_own_reading_says_why(tmp_path):
    """The released genre model, a recording that it knows how to read, and two that nobody does."""
    folder = Path(pyfunc.__file__).parents[1] / "bundles/genre"
    made = pyfunc.EarmarkModel()
    made.load_context(SimpleNamespace(artifacts={"model": str(folder)}))
    whole = tone(tmp_path / "a.wav", 440.0).read_bytes()
    assert len(made.predict(None, pd.DataFrame({"audio": [whole, whole]}))) == 2
    text = refused(made, pd.DataFrame({"audio": [whole, b"hello", whole, whole[:60]]}))
    assert text.startswith("2 of the 4 rows cannot be answered")
    assert "row 1: the recording cannot be used: it cannot be decoded as audio" in text
    assert "row 3: the recording cannot be used: " in text
