"""The learning curves' axes: what is drawn where, and what it is called."""

import pandas as pd
import pytest
import torch

from earmark.evaluation import pictures
from earmark.tasks.genre import report as genre
from earmark.tasks.speaker import report as speaker
from earmark.tasks.speaker.trials.trial_set import Thresholds
from earmark.training import batch_picture
from speaker_answers import answers

HISTORY = [
    {"epoch": 1, "train/loss": 8.0, "val/loss": 0.4, "val/accuracy": 0.6, "train/lr": 0.1},
    {"epoch": 2, "train/loss": 5.0, "val/loss": 0.1, "val/accuracy": 0.9, "train/lr": 0.05},
]


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(pictures, "save", lambda fig, path: figures.append(fig))
    yield figures
    for fig in figures:
        pictures.plt.close(fig)


def test_validation_loss_that_is_another_measure_has_an_axis_of_its_own(drawn, tmp_path):
    pictures.learning_curves(tmp_path / "a.png", HISTORY, 2, "trials, 1 - EER", "1 - AUC")
    left, middle, _, right = drawn[0].axes
    assert right.get_ylabel() == "1 - AUC on validation"
    assert list(right.lines[0].get_ydata()) == [0.4, 0.1]
    assert list(left.lines[0].get_ydata()) == [8.0, 5.0]
    assert right.get_ylim()[0] == 0
    assert list(middle.lines[0].get_ydata()) == [0.6, 0.9]


def test_one_loss_has_one_axis(drawn, tmp_path):
    pictures.learning_curves(tmp_path / "a.png", HISTORY, 2)
    assert len(drawn[0].axes) == 3
    assert [list(line.get_ydata()) for line in drawn[0].axes[0].lines[:2]] == [[8.0, 5.0], [0.4, 0.1]]


@pytest.mark.parametrize(
    ("average", "whose", "judged"),
    [(0.0, "plain weights", "plain weights"), (0.99, "averaged weights", "averaged weights (decay 0.99, warmed up)")],
)
def test_curves_say_which_weights_they_judge(drawn, tmp_path, average, whose, judged):
    pictures.learning_curves(tmp_path / "a.png", HISTORY, 2, average=average)
    pictures.learning_curves(tmp_path / "b.png", HISTORY, 2, "trials, 1 - EER", "1 - AUC", average)
    named = [[ax.get_legend_handles_labels()[1] for ax in fig.axes[:2]] for fig in drawn]
    train, kept = "training, plain weights", "kept: epoch 2"
    assert named[0] == [[train, f"validation, {whose}", kept], [f"validation, {whose}", kept]]
    assert named[1] == [[train, f"validation (right), {whose}", kept], [f"validation, {whose}", kept]]
    title = f"Validation judges the {judged}; the training loss is that of the plain weights"
    assert [fig.get_suptitle() for fig in drawn] == [title, title]


def test_a_dollar_in_a_name_begins_no_formula_in_a_picture(tmp_path):
    """Drawing it raised an error, and the evaluation with it."""
    formula = r"$\foo$"
    said = pd.DataFrame({"label": [formula, "b"], "recording_predicted": formula, "window": 0})
    genre.confusion(tmp_path / "a.png", said, [formula, "b"])
    test = answers(labels=[formula, "b", "b", formula], degrees=(0, 5, 90, 95))
    speaker.pictures(tmp_path, test, Thresholds(0.7, 0.4), {}, speaker.map_utterances(test))
    speaker.confusion(tmp_path, pd.DataFrame({"label": [formula, "b"], "taken_for": formula}))
    batch_picture.draw(tmp_path / "batch.png", torch.rand(2, 1, 4, 4), [formula, "b"])
    assert {path.name for path in tmp_path.glob("*.png")} >= {"a.png", "map.png", "dendrogram.png", "batch.png"}
