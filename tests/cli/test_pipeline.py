"""What the commands of the pipeline's stages say."""

from pathlib import Path

import pytest

from project import write_params


@pytest.mark.parametrize("better", [True, False])
def test_evaluate_says_where_a_baseline_is_better(workplace, earmark, monkeypatch, better):
    write_params(workplace, **{"data.root": "audio"})
    Path("audio").mkdir()
    found = {"accuracy": 0.5, "accuracy_ci95": [0.25, 0.75], "n_recordings": 8, "baseline_accuracy": 0.5 + better / 4}
    monkeypatch.setattr("earmark.tasks.genre.evaluate.run", lambda *_: found)
    code, out, _ = earmark("evaluate", "genre")
    sentence = (
        "A baseline is better than the model: a logistic regression on MFCC statistics has accuracy 0.750, not 0.500."
    )
    assert (code, out.splitlines()[-1] == sentence) == (0, better)
