"""Pictures of a study, and how much its dimensions decide."""

import matplotlib.pyplot as plt
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from earmark.experiments.tuning import pictures

optuna.logging.set_verbosity(optuna.logging.WARNING)


def study(n: int, direction: str = "maximize") -> optuna.Study:
    """The rate decides everything; one of two schedules has a key of its own."""

    def figure(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("train.lr", 0.001, 0.1, log=True)
        if trial.suggest_categorical("train.schedule", ["constant", "step"]) == "step":
            trial.suggest_float("train.schedule.step.gamma", 0.1, 0.9)
        return rate

    made = optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler(1))
    made.optimize(figure, n)
    return made


def test_importance_is_of_the_dimensions_that_every_trial_has():
    found = pictures.importance(study(30))
    assert set(found) == {"train.lr", "train.schedule"}
    every = get_param_importances(study(30), evaluator=PedAnovaImportanceEvaluator(), params=list(found))
    assert found == pytest.approx(every)
    assert found["train.lr"] > 0.9
    assert pictures.importance(optuna.create_study()) == {}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_every_kind_is_drawn_and_no_style_is_left_behind(tmp_path, direction):
    before = dict(plt.rcParams)
    written = pictures.write(tmp_path, study(12, direction), "accuracy", "-fold1")
    assert [f.name for f in written] == [f"{name}-fold1.png" for name in pictures.DRAWN]
    assert all(f.stat().st_size > 5000 for f in written)
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_one_trial_has_the_pictures_that_it_allows(tmp_path):
    written = {f.stem for f in pictures.write(tmp_path, study(1), "eer")}
    assert {"history", "timeline"} <= written
    assert "importance" not in written
    assert pictures.write(tmp_path, optuna.create_study(), "eer") == []
    assert plt.get_fignums() == []


def test_axes_say_the_figures_name():
    made = study(12)
    drawn = {name: draw(made, "eer") for name, draw in pictures.DRAWN.items()}
    assert drawn["history"].get_ylabel() == drawn["slice"].get_ylabel() == "inner eer"
    assert "inner eer" in drawn["importance"].get_xlabel()
    assert drawn["parallel"].get_xticklabels()[0].get_text() == "inner eer"
    plt.close("all")


def test_long_names_are_folded_at_their_dots():
    assert pictures._folded("train.schedule.plateau.patience") == "train.schedule.\nplateau.patience"
    assert pictures._folded("train.lr") == "train.lr"
