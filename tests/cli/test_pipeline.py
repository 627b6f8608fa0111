"""What the commands of the pipeline's stages say."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from earmark.cli import show
from project import write_params


@pytest.mark.parametrize("better", [True, False])
def test_evaluate_says_where_a_baseline_is_better(workplace, earmark, monkeypatch, better):
    write_params(workplace, **{"data.root": "audio"})
    Path("audio").mkdir()
    found = {"accuracy": 0.5, "accuracy_ci95": [0.25, 0.75], "n_recordings": 8, "baseline_accuracy": 0.5 + better / 4}
    monkeypatch.setattr("earmark.tasks.genre.evaluate.run", lambda *_: found)
    code, out, _ = earmark("evaluate", "genre")
    sentence = (
        "A baseline is better than the model: a logistic regression on MFCC statistics has accuracy 0.750, against "
        "0.500."
    )
    assert (code, out.splitlines()[-1] == sentence) == (0, better)


def test_an_epochs_line_says_how_long_is_left(capsys):
    both = show.also_epoch(lambda fit, seconds: None, 3)
    both(SimpleNamespace(epoch=1, history=[{"epoch": 1, "train/lr": 0.001}]), 60.0)
    both(SimpleNamespace(epoch=3, history=[{"epoch": 3, "train/lr": 0.001, "train/loss_key": 2.0}]), 60.0)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1/3  train/lr 0.001  (60.0 s, about 2 min left)",
        "epoch 3/3  train/lr 0.001  (60.0 s)",
    ]


def test_one_slow_epoch_does_not_change_how_long_is_left(capsys):
    both = show.also_epoch(lambda fit, seconds: None, 64)
    for epoch, seconds in enumerate((60.0, 60.0, 60.0, 600.0), 1):
        both(SimpleNamespace(epoch=epoch, history=[{"epoch": epoch}]), seconds)
    assert [line.split("about ")[1] for line in capsys.readouterr().out.splitlines()[-2:]] == [
        "61 min left)",
        "60 min left)",
    ]
