"""Champions of every task as a program loads them and as MLflow's server asks them: the same answers, or a sentence."""

import base64
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
from mlflow.pyfunc import scoring_server

import served
from builders import noise, sines, tone
from earmark.registry import pyfunc
from earmark.tasks import catalog

RATE = 16000
SERVED_NEEDS = "'audio' (base64 of an audio file) or 'array' (samples, with their 'sample_rate')"
NO_ROW = "1 of the {} rows cannot be answered, so none is (rows are counted from 0): row {}: "


@pytest.fixture(scope="module")
def place(tmp_path_factory, empty_store) -> Path:
    """A project with a champion of every task, and two recordings: a.wav of one channel, b.flac of two."""
    folder = tmp_path_factory.mktemp("champions")
    (folder / "params.yaml").touch()
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    tone(folder / "a.wav", 440.0, rate=RATE)
    sf.write(folder / "b.flac", np.stack([sines(660.0, 1.0, RATE), noise(1.0, RATE)], axis=1), RATE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for task in catalog.names():
            served.champion(task, folder / task)
    return folder


@pytest.fixture(params=catalog.names())
def model(request, place, monkeypatch):
    """A champion, loaded in another folder than the project's."""
    return loaded(request.param, place, monkeypatch)


@pytest.fixture
def server(place, monkeypatch):
    """The genre champion as MLflow's server has it."""
    monkeypatch.setenv(pyfunc.SERVED, "as MLflow's server sets it")
    return loaded("genre", place, monkeypatch)


def loaded(task: str, place: Path, monkeypatch):
    mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
    monkeypatch.chdir("/")
    return mlflow.pyfunc.load_model(f"models:/earmark-{task}@champion")


def post(server, body: str, kind: str = "application/json") -> tuple[int, dict]:
    """What MLflow's server answers to a request: the status and the JSON."""
    try:
        found = scoring_server.invocations(body.encode(), kind, server, server.metadata.get_input_schema())
    except mlflow.MlflowException as e:
        return e.get_http_status_code(), json.loads(e.serialize_as_json())
    return found.status, json.loads(found.response)


def ask(server, request: dict) -> list[dict]:
    status, answer = post(server, json.dumps(request))
    assert status == 200, answer
    return answer["predictions"]


def refused(server, request: dict) -> str:
    status, answer = post(server, json.dumps(request))
    assert status == 400
    assert "stack_trace" not in answer
    return answer["message"]


def test_paths_bytes_and_arrays_are_the_same_recordings(model, place):
    a, b = place / "a.wav", place / "b.flac"
    expected = model.predict(pd.DataFrame({"path": [str(a), str(b)]}))
    mono, stereo = sf.read(a, dtype="float32")[0], sf.read(b, dtype="int16")[0]
    rates = [RATE, RATE]
    for given in (
        [str(a), str(b)],
        [a, b.read_bytes()],
        (a.read_bytes(), b.read_bytes()),
        pd.Series([a, b]),
        {"path": [a, b]},
        pd.DataFrame({"audio": [a.read_bytes(), base64.b64encode(b.read_bytes()).decode()]}),
        [(mono, RATE), (RATE, stereo)],
        [{"array": mono, "sample_rate": RATE}, {"array": stereo.T, "sampling_rate": RATE}],
        pd.DataFrame({"array": [mono, stereo], "sample_rate": rates}),
        {"array": [mono, stereo], "sample_rate": rates},
    ):
        pd.testing.assert_frame_equal(model.predict(given), expected)
    for given in ([mono, stereo], [torch.from_numpy(mono), stereo.T / np.float64(32768)]):
        pd.testing.assert_frame_equal(model.predict(given, params={"sample_rate": RATE}), expected)


def test_one_recording_need_not_be_a_list(model, place):
    a = place / "a.wav"
    mono, rate = sf.read(a, dtype="float32")
    expected = model.predict([a])
    assert len(expected) == 1
    for given in (a, str(a), a.read_bytes(), (mono, rate), {"path": a}, {"array": mono, "sample_rate": rate}):
        pd.testing.assert_frame_equal(model.predict(given), expected)
    pd.testing.assert_frame_equal(model.predict(mono, params={"sample_rate": rate}), expected)


def test_what_is_no_recording_is_refused_and_never_an_empty_table(model):
    for given in (
        [],
        {},
        {"inputs": ["a.wav"]},
        pd.DataFrame({"file": ["a.wav"]}),
        [None],
        3,
        [[]],
        np.zeros((2, 9000)),
    ):
        with pytest.raises(mlflow.MlflowException) as error:
            model.predict(given, params={"sample_rate": RATE})
        assert error.value.get_http_status_code() == 400
        assert str(error.value).endswith(".")
        assert "\n" not in str(error.value)


def test_the_models_own_example_is_answered(model):
    assert len(model.predict(model.input_example)) == 1


def test_every_way_to_ask_a_server(server, place):
    audio = base64.b64encode((place / "a.wav").read_bytes()).decode()
    array = sf.read(place / "a.wav", dtype="float32")[0].tolist()
    row, rate = {"array": array, "sample_rate": RATE}, {"params": {"sample_rate": RATE}}
    ((one,), two) = ask(server, {"inputs": [audio]}), ask(server, {"inputs": [audio, audio]})
    assert list(one) == ["label", "probability", "runner_up"]
    assert two == [one, one]
    for request in (
        {"inputs": [array, array], **rate},
        {"inputs": [{"audio": audio}, row]},
        {"inputs": {"audio": [audio, audio]}},
        {"inputs": {"array": [array, array], "sample_rate": [RATE, RATE]}},
        {"instances": [audio, audio]},
        {"instances": [{"audio": audio}, {"audio": audio}]},
        {"instances": [row, row]},
        {"dataframe_records": [{"audio": audio}, row]},
        {"dataframe_split": {"columns": ["audio"], "data": [[audio], [audio]]}},
        {"dataframe_split": {"columns": ["array", "sample_rate"], "data": [[array, RATE], [array, RATE]]}},
    ):
        assert ask(server, request) == two
    for request in ({"inputs": audio}, {"inputs": row}, {"inputs": [array], **rate}, {"instances": [row]}):
        assert ask(server, request) == [one]
    assert post(server, f"audio\n{audio}\n", "text/csv") == (200, {"predictions": [one]})


def test_two_channels_of_a_servers_array(server, place):
    stereo, audio = sf.read(place / "b.flac", dtype="float32")[0], (place / "b.flac").read_bytes()
    expected = ask(server, {"inputs": [base64.b64encode(audio).decode()]})
    assert ask(server, {"inputs": [{"array": stereo.T.tolist(), "sample_rate": RATE}]}) == expected
    assert ask(server, {"inputs": [stereo.tolist()], "params": {"sample_rate": RATE}}) == expected


def test_no_request_reads_a_path(server, place):
    name = str(place / "a.wav")
    for request in (
        {"inputs": [name]},
        {"inputs": name},
        {"inputs": {"path": [name]}},
        {"inputs": {"path": name}},
        {"inputs": [{"path": name}]},
        {"instances": [{"path": name}]},
        {"dataframe_records": [{"path": name}]},
        {"dataframe_split": {"columns": ["path"], "data": [[name]]}},
    ):
        assert "does not read paths on the server" in refused(server, request)


def test_bad_requests(server, place):
    audio = base64.b64encode((place / "a.wav").read_bytes()).decode()
    needs = f"it needs {SERVED_NEEDS}"
    table = f"The table needs a column {SERVED_NEEDS}; it has "
    nothing = f"There is no recording in the request; each needs {SERVED_NEEDS}."
    noise, broken = base64.b64encode(b"no audio").decode(), "it cannot be decoded as audio (Format not recognised)"
    for request, said in (
        ({"inputs": []}, nothing),
        ({"instances": []}, nothing),
        ({"inputs": {}}, f"{table}none of them."),
        ({"dataframe_records": []}, f"{table}none of them."),
        ({"inputs": [{"file": "x"}, {"audio": audio}]}, f"{NO_ROW.format(2, 0)}{needs}; it has 'file'."),
        ({"instances": [{"file": "x"}]}, f"{table}'file'."),
        ({"dataframe_records": [{"file": "x"}]}, f"{table}'file'."),
        ({"input": [audio]}, f"{table}'input'."),
        ({"dataframe_records": [{"audio": audio}, {"audio": None}]}, f"{NO_ROW.format(2, 1)}{needs}."),
        ({"inputs": [[0.5, 0.25]]}, f"{NO_ROW.format(1, 0)}an 'array' needs its 'sample_rate' in Hz."),
        ({"inputs": [audio, noise]}, f"{NO_ROW.format(2, 1)}the recording cannot be used: {broken}."),
        (
            {"instances": [{"audio": audio}, {"name": "x"}]},  # which MLflow makes one row of
            "The columns of 'inputs' and 'instances' must be 'audio', or 'array' and 'sample_rate', but are 'audio', "
            "'name'; rows of several kinds go into 'dataframe_records'.",
        ),
    ):
        assert refused(server, request) == said


def test_a_table_without_rows_has_no_answers(server):
    assert ask(server, {"dataframe_split": {"columns": ["audio"], "data": []}}) == []
