"""`earmark compare`: one table in four forms."""

import csv
import io
import json

import pytest

from earmark.registry import tracking


@pytest.fixture
def tracker(project):
    """Two runs on the same recordings, as an earlier release made them."""
    found = tracking.connect("genre")
    for lr, accuracy in (("0.003", 0.75), ("a|<b>", 0.875)):
        tags = tracking.run_tags("pipeline", {}) | {"earmark.n_parameters": "12345", "earmark.commit": "f" * 40}
        run_id = found.create("genre-12345678", tags, {"train.lr": lr, "train.keep": "last"})
        figures = {"accuracy": accuracy, "accuracy_ci95": [accuracy - 0.125, accuracy + 0.125], "n_recordings": 20}
        found.log(run_id, tracking.numbers("test", figures))
        found.client.set_tag(run_id, "earmark.evaluation.aaaaaaaa", "0" * 64)
        found.client.set_terminated(run_id, "FINISHED")
    return found


def test_a_table_for_people(tracker, earmark):
    code, out, err = earmark("compare", "genre")
    assert (code, err) == (0, [])
    lines = {line[:26].strip(): line[26:].split("  ") for line in out.splitlines()}
    cells = {name: [cell.strip() for cell in row if cell.strip()] for name, row in lines.items()}
    assert out.splitlines()[0].split() == ["#1", "#2"]
    assert cells["accuracy"] == ["0.750 [0.625, 0.875]", "0.875 [0.750, 1.000]"]
    assert cells["accuracy against the first"] == ["+0.125 (not paired: made by an earlier release)"]
    assert cells["parameters"] == ["12,345", "12,345"]
    assert cells["test recordings"] == ["20 (00000000)", "20 (00000000)"]
    assert cells["train.lr"] == ["0.003", "a|<b>"]
    assert "train.keep" not in out
    assert out.splitlines()[-1].startswith("There is no paired difference, and intervals of single figures")


def test_csv_and_markdown_have_the_same_cells(tracker, earmark):
    table = list(csv.reader(io.StringIO(earmark("compare", "genre", "--csv")[1])))
    assert table[0] == ["", "#1", "#2"]
    assert ["train.lr", "0.003", "a|<b>"] in table
    lines = earmark("compare", "genre", "--markdown")[1].splitlines()
    assert len(lines) == len(table) + 1
    assert lines[1] == "|---|---|---|"
    assert r"| train.lr | 0.003 | a\|&lt;b&gt; |" in lines


def test_json_has_all_settings_and_numbers(tracker, earmark):
    found = json.loads(earmark("compare", "genre", "#2", "#1", "--json")[1])
    first, second = found["runs"]
    assert first["title"] == "#2"
    assert first["settings"] == {"train.lr": "a|<b>", "train.keep": "last"}
    assert first["figures"]["accuracy"] == {"value": 0.875, "ci95": [0.75, 1.0]}
    assert second["difference"] == {"value": -0.125, "ci95": None, "why_not": "not paired: made by an earlier release"}
    assert found["differ"] == {"train.lr": ["a|<b>", "0.003"]}


def test_bad_input_is_one_sentence(project, earmark):
    code, _, err = earmark("compare", "genre", "--csv", "--json")
    assert (code, err) == (1, ["earmark: --csv, --markdown and --json are three forms of one table; give one of them."])
    code, _, err = earmark("compare", "genre")
    assert code == 1
    assert err == [
        "earmark: No run of genre has been judged yet; `dvc repro publish@genre` trains and evaluates a model."
    ]
    (project / "mlflow.db").unlink()
    code, _, err = earmark("compare", "genre")
    assert err == ["earmark: No run for genre yet; `dvc repro publish@genre` trains and evaluates a model."]
