"""One recording of what a registered model is given, and what is read of it."""

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch

from builders import sines
from earmark.registry import arrays, recordings

MONO = sines(440.0, 0.1, 16000)
WAV = arrays.wav(MONO, 16000)
TEXT = base64.b64encode(WAV).decode()
NEEDS = (
    "it needs 'audio' (bytes of an audio file), 'path' (a local file) or 'array' (samples, with their 'sample_rate')"
)
SERVED_NEEDS = "'audio' (base64 of an audio file) or 'array' (samples, with their 'sample_rate')"


def source(item, rate=None, served: bool = False):
    return recordings.source(item, rate, served)


def samples(data: bytes) -> tuple[list[float], int]:
    """The samples of a file and their rate; the file itself also holds when it was made."""
    found, rate = sf.read(io.BytesIO(data), dtype="float32")
    return found.tolist(), rate


def reason(item, rate=None, served: bool = False) -> str:
    with pytest.raises(recordings.RowError) as error:
        recordings.source(item, rate, served)
    return str(error.value)


@pytest.mark.parametrize(
    "item",
    ["a.wav", Path("a.wav"), {"path": "a.wav"}, {"path": Path("a.wav"), "audio": None}, pd.Series({"path": "a.wav"})],
)
def test_a_path(item):
    assert source(item) == Path("a.wav")


@pytest.mark.parametrize(
    "item", [b"abc", bytearray(b"abc"), memoryview(b"abc"), {"audio": b"abc"}, {"audio": b"abc", "path": "a name"}]
)
@pytest.mark.parametrize("served", [False, True])
def test_the_bytes_of_a_file(item, served):
    assert source(item, served=served) == b"abc"


@pytest.mark.parametrize("text", [TEXT, f" {TEXT}\n", base64.encodebytes(WAV).decode(), np.array(TEXT)])
def test_base64_is_bytes_in_a_column_and_from_a_server(text):
    assert source({"audio": text}) == WAV
    assert source({"audio": text}, served=True) == WAV
    assert source(str(text), served=True) == WAV


@pytest.mark.parametrize(
    "item",
    [
        MONO,
        MONO.tolist(),
        pd.Series(MONO),
        {"array": MONO, "sample_rate": 16000},
        {"array": MONO, "sampling_rate": 16000, "path": "a.wav"},
        {"array": MONO, "sample_rate": None},
        {"array": MONO, "sample_rate": float("nan"), "audio": pd.NA, "path": None},
        {"array": torch.from_numpy(MONO).requires_grad_(), "sample_rate": torch.tensor(16000)},
        (MONO, 16000),
        (torch.from_numpy(MONO)[None], 16000),
        (16000, MONO),
    ],
)
@pytest.mark.parametrize("served", [False, True])
def test_an_array(item, served):
    assert samples(source(item, 16000, served)) == (MONO.tolist(), 16000)


def test_an_arrays_own_rate_is_before_the_requests():
    assert samples(source({"array": MONO, "sample_rate": 8000}, 16000)) == (MONO.tolist(), 8000)
    assert samples(source((MONO, 8000), 16000)) == (MONO.tolist(), 8000)


@pytest.mark.parametrize("item", [MONO, {"array": MONO}, {"array": MONO, "sample_rate": None}, [0.0, 0.5]])
def test_an_array_without_a_rate(item):
    assert reason(item) == "an 'array' needs its 'sample_rate' in Hz"
    assert reason(item, float("nan")) == "an 'array' needs its 'sample_rate' in Hz"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (None, NEEDS),
        ({}, NEEDS),
        ({"audio": None, "sample_rate": 16000}, NEEDS),
        ({"file": "a.wav", "rate": 3}, f"{NEEDS}; it has 'file', 'rate'"),
        ({"audio": b"a", "array": MONO}, "it has both 'audio' and 'array'; give one of them"),
        ({"audio": b""}, "'audio' is empty: it must be the bytes of an audio file, or their base64"),
        ({"audio": ""}, "'audio' must be the bytes of an audio file, or their base64, not empty"),
        (
            {"audio": "a.wav"},
            ("'audio' must be the bytes of an audio file, or their base64, but this text is not base64"),
        ),
        ({"audio": {"bytes": b"a"}}, "'audio' must be the bytes of an audio file, or their base64, not dict"),
        ({"path": ""}, "'path' must name a local file, not be empty"),
        ({"path": 3.5}, "'path' must name a local file, not be float"),
        (
            3,
            "it must be a path, the bytes of an audio file, or their base64, an array of samples or a row of a table, "
            "not int",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_recording(item, said):
    assert reason(item) == said


@pytest.mark.parametrize("path", ["/etc/passwd", "a.wav", Path("/etc/passwd"), "Musik/ä.wav", "zz!"])
def test_a_served_model_reads_no_path(path):
    """In a list a text is base64 or nothing; and what happens to be base64 is bytes, never a file's name."""
    said = "this text is not the base64 of an audio file; a served model does not read paths on the server"
    assert reason(path, served=True) == said
    said = f"a served model takes {SERVED_NEEDS}; it does not read paths on the server"
    assert reason({"path": path}, served=True) == said


def test_a_name_that_happens_to_be_base64(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("secret12").write_text("secret")
    assert source("secret12", served=True) == base64.b64decode("secret12")


def test_what_a_served_row_needs():
    assert reason({"file": "x"}, served=True) == f"it needs {SERVED_NEEDS}; it has 'file'"
    assert reason(3, served=True).startswith("it must be the bytes of an audio file, or their base64, an array")
