"""What a registered model is given, as rows: what can be told apart is, and the rest is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException

from earmark.registry import inputs

LONG, OTHER = np.linspace(-1, 1, 900, dtype=np.float32), np.zeros(700, np.float32)
NEEDS = "'audio' (bytes of an audio file), 'path' (a local file) or 'array' (samples, with their 'sample_rate')"
SERVED_NEEDS = "'audio' (base64 of an audio file) or 'array' (samples, with their 'sample_rate')"


def same(found, expected) -> bool:
    """Equal, arrays included."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[k], v) for k, v in expected.items())
    if isinstance(expected, tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and bool(np.array_equal(found, expected))


def check(given, expected: list, served: bool = False) -> None:
    found = inputs.rows(given, served)
    assert len(found) == len(expected)
    assert all(same(f, e) for f, e in zip(found, expected, strict=True)), found


def reason(given, served: bool = False) -> str:
    with pytest.raises(inputs.Refusal) as error:
        inputs.rows(given, served)
    return str(error.value)


@pytest.mark.parametrize(
    "items", [["a", "b"], [Path("a"), b"b"], [LONG, OTHER], [LONG, LONG], [(LONG, 8000), (8000, OTHER)], [None], [{}]]
)
@pytest.mark.parametrize("kind", [list, tuple, lambda items: pd.Series(items, [5] * len(items))])
def test_a_list_is_a_recording_an_item(items, kind):
    check(kind(items), items)


@pytest.mark.parametrize(
    "one",
    ["a", Path("a"), b"a", (LONG, 8000), (8000, LONG), LONG, [0.5, -0.5, 1], 3, None],
    ids=lambda one: str(one)[:9],
)
def test_one_recording(one):
    check(one, [one])


def test_one_array_of_a_tensor():
    check(torch.from_numpy(LONG), [LONG])
    check(torch.from_numpy(LONG)[None], [LONG])


def test_a_row_of_a_table():
    table = pd.DataFrame({"path": ["a", "b"], "label": ["x", "y"]})
    check(table.iloc[1], [{"path": "b"}])
    check(table.path, ["a", "b"])


def test_a_table_has_a_row_a_recording_and_columns_that_nobody_reads():
    table = pd.DataFrame({"path": ["a", "b"], "label": ["x", "y"], "sample_rate": [8000, 16000]}, index=[3, 3])
    check(table, [{"path": "a", "sample_rate": 8000}, {"path": "b", "sample_rate": 16000}])
    check(table[:0], [])


@pytest.mark.parametrize(
    "columns",
    [
        {"path": ["a", "b"]},
        {"audio": [b"a", b"b"], "path": ("c", None)},
        {"array": [LONG, OTHER], "sample_rate": [8000, 16000]},
        {"array": [LONG, LONG], "sampling_rate": np.array([8000, 16000]), "path": ["a", "b"]},
        {"array": [LONG, OTHER]},
        {"audio": pd.Series([b"a", b"b"])},
    ],
)
def test_columns_by_name(columns):
    lists = {k: list(v) for k, v in columns.items()}
    check(columns, [{k: v[i] for k, v in lists.items()} for i in range(2)])


def test_a_column_of_equal_arrays_is_one_array():
    both = np.stack([LONG, LONG])
    check({"array": both, "sample_rate": [8000, 8000]}, [{"array": LONG, "sample_rate": 8000}] * 2)


@pytest.mark.parametrize(
    "row",
    [
        {"path": "a"},
        {"audio": b"a"},
        {"array": LONG, "sample_rate": 8000},
        {"array": LONG, "sampling_rate": 8000, "path": "a"},
        {"array": np.stack([LONG, LONG]), "sample_rate": 8000},
        {"array": LONG},
        {"array": [0.5, 0.25]},
    ],
)
def test_one_row_by_name(row):
    check({**row, "label": "x"}, [row])


@pytest.mark.parametrize(
    ("given", "has"),
    [
        (pd.DataFrame(), "none of them"),
        (pd.DataFrame({"adio": [b"a"], "b": [1]}), "'adio', 'b'"),
        (pd.DataFrame(["a.wav"]), "'0'"),
        ({}, "none of them"),
        ({"inputs": ["a.wav"]}, "'inputs'"),
        ({"sample_rate": 8000}, "'sample_rate'"),
    ],
)
def test_nothing_to_read(given, has):
    assert reason(given) == f"The table needs a column {NEEDS}; it has {has}."
    assert reason(given, served=True) == f"The table needs a column {SERVED_NEEDS}; it has {has}."


@pytest.mark.parametrize("given", [[], (), np.array([]), np.array([], object), pd.Series([], dtype=object)])
def test_an_empty_list(given):
    if isinstance(given, np.ndarray) and given.dtype != object:
        check(given, [given])  # an array without samples, which says so itself
    else:
        assert reason(given) == f"There is no recording in the request; each needs {NEEDS}."


def test_columns_of_unlike_lengths():
    said = "The columns must have the same length, but their numbers of values are 'audio' 1, 'path' 2."
    assert reason({"audio": [b"a"], "path": ["a", "b"]}) == said


def test_a_column_twice():
    assert reason(pd.DataFrame([[b"a", b"b"]], columns=["audio", "audio"])) == (
        "The table has more than one column 'audio'."
    )


def test_an_array_that_may_be_one_recording_or_several():
    said = (
        "It is not clear whether an array of 2 x 900 is one recording or several; give a list of arrays, one per "
        "recording."
    )
    both = np.stack([LONG, LONG])
    for given in (both, torch.from_numpy(both), {"array": both}):
        assert reason(given) == said


def test_an_array_of_bytes():
    assert (
        reason(np.array([b"a\0", b"b"]))
        == "An array of bytes drops the zero bytes at the end of each; give a list of bytes."
    )


# What MLflow's server makes of a request's JSON before the model sees it:


def test_a_servers_array_is_the_list_that_was_sent():
    check(np.array(["YQ==", "Yg=="]), ["YQ==", "Yg=="], served=True)
    check(np.array("YQ=="), ["YQ=="], served=True)
    check(np.stack([LONG, LONG]), [LONG, LONG], served=True)
    check({"audio": np.array(["YQ==", "Yg=="])}, [{"audio": np.str_("YQ==")}, {"audio": np.str_("Yg==")}], served=True)


def test_unlike_rows_that_a_server_made_one_of():
    said = f"A served model takes {SERVED_NEEDS}; it does not read paths on the server."
    assert reason({"audio": np.array(["YQ=="]), "path": np.array(["b"])}, served=True) == said
    assert reason({"audio": np.array(["YQ=="]), "name": np.array(["b"])}, served=True) == (
        "The columns of 'inputs' and 'instances' must be 'audio', or 'array' and 'sample_rate', but are 'audio', "
        "'name'; rows of several kinds go into 'dataframe_records'."
    )
    check({"array": LONG, "sample_rate": 8000}, [{"array": LONG, "sample_rate": 8000}], served=True)


def test_a_refusal_is_a_bad_request_of_one_sentence():
    """MLflow's server puts the request's data before the message."""
    refusal = inputs.Refusal("Why.")
    refusal.message = f"Failed to predict data '{LONG}'. \nError: {refusal.message}"
    assert isinstance(refusal, MlflowException)
    assert refusal.get_http_status_code() == 400
    assert json.loads(refusal.serialize_as_json())["message"] == str(refusal) == "Why."
