"""What is said of a chosen setting: by recordings that played no part in the choice, and no more than they can tell."""

from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from earmark.errors import EarmarkError
from earmark.evaluation import outcomes, paired
from earmark.experiments.tuning import confirm
from earmark.experiments.tuning.confirm import FoldChoice
from earmark.tasks.speaker.outcomes import Eer

optuna.logging.set_verbosity(optuna.logging.WARNING)
GROUND = SimpleNamespace(plan=SimpleNamespace(task="genre", headline="accuracy", direction="maximize", seeds=[11, 12]))


def table(right: np.ndarray, first: int = 0) -> pd.DataFrame:
    names = [f"{i}.wav" for i in range(first, first + len(right))]
    return outcomes.shares("accuracy", pd.DataFrame({"recording": names, "group": names}), right)


def choice(ours: np.ndarray, theirs: np.ndarray, number: int = 3, outer: str = "fold1", first: int = 0) -> FoldChoice:
    figures = float(ours.mean()), float(theirs.mean())
    inner = {number: 0.8, 0: 0.7}
    return FoldChoice(outer, number, 0, {"train.lr": 0.1}, inner, figures, table(ours, first), table(theirs, first))


def answers(n: int, wrong: int) -> np.ndarray:
    return (np.arange(n) >= wrong).astype(float)


def test_better_is_said_where_the_interval_says_so():
    found = confirm.verdict(GROUND, [choice(answers(100, 5), answers(100, 30))])
    names = np.array([f"{i}.wav" for i in range(100)])
    order = np.argsort(names)  # as a table of outcomes is sorted
    sides = answers(100, 5)[order], answers(100, 30)[order]
    of = paired.share_difference(*sides, np.ones(100), names[order], 0.025)
    assert found == (
        f"Better than the setting in params.yaml: accuracy 0.950 against 0.700, a gain of +0.250 [{of.low:+.3f}, "
        f"{of.high:+.3f}] on 100 recordings that played no part in the choice."
    )


def test_a_few_recordings_cannot_tell():
    found = confirm.verdict(GROUND, [choice(answers(20, 1), answers(20, 3))])
    assert found.startswith(
        "No better than the setting in params.yaml, as far as these recordings can tell: accuracy 0.950 against 0.850"
    )


def test_a_worse_one_and_todays_own():
    assert confirm.verdict(GROUND, [choice(answers(100, 30), answers(100, 5))]).startswith(
        "Worse than the setting in params.yaml: "
    )
    same = choice(answers(50, 5), answers(50, 5), number=0)
    assert confirm.verdict(GROUND, [same]) == (
        "The setting that was chosen is that in params.yaml: accuracy 0.900 on 50 recordings that played no part in "
        "the choice."
    )


def test_outer_folds_are_pooled():
    some = [choice(answers(50, 5), answers(50, 15)), choice(answers(50, 5), answers(50, 15), outer="fold2", first=50)]
    found = confirm.gain(GROUND, some)
    assert found.difference == pytest.approx(0.2)
    assert found.low > confirm.gain(GROUND, some[:1]).low
    assert " on 100 recordings that played no part in the choice" in confirm.verdict(GROUND, some)


def study(*values: float | None) -> optuna.Study:
    found = optuna.create_study(direction="maximize", study_name="s")
    for i, value in enumerate(values):
        trial = found.ask()
        trial.suggest_float("x", 0, 10) if i not in (2, 4) else trial.suggest_float(
            "x", 5.0, 5.0
        )  # 2 and 4 are the same
        found.tell(trial, value, TrialState.FAIL if value is None else None)
    return found


def test_the_best_few_and_todays_each_setting_once():
    assert [t.number for t in confirm.finalists(study(0.5, 0.9, 0.8, None, 0.8, 0.7), 2)] == [0, 1, 2]
    assert [t.number for t in confirm.finalists(study(0.5, 0.9, 0.8, None, 0.8, 0.7), 9)] == [0, 1, 2, 5]


def test_without_todays_figure_nothing_is_chosen():
    with pytest.raises(EarmarkError, match=r"^The setting in params\.yaml, the first trial of s, has no figure"):
        confirm.finalists(study(None, 0.9), 2)


def test_seeds_of_a_recording_are_one_row_and_of_trials_many(monkeypatch):
    def row(right: float) -> pd.DataFrame:
        return pd.DataFrame({"recording": ["a"], "group": ["g"], "right_accuracy": [right], "of_accuracy": [1.0]})

    sides = {"a": ["x", "x"], "b": ["y", "z"], "same": [1, 0], "score": [0.5, 0.25]}
    pairs = pd.DataFrame(sides | {"speaker_a": ["s", "s"], "speaker_b": ["s", "t"]})
    given = {"1": row(1.0), "2": row(0.0), "3": pairs, "4": pairs}
    monkeypatch.setattr(confirm.jobs, "predictions", lambda job, folder: given[job])
    monkeypatch.setattr(confirm.jobs, "result", lambda job, folder: {"refused": ""})
    found = confirm._outcomes(GROUND, ["1", "2"])
    assert found[["recording", "right", "weight"]].to_numpy().tolist() == [["a", 0.5, 1.0]]
    assert confirm._outcomes(GROUND, ["3", "4"]).a.tolist() == ["x#0", "x#0", "x#1", "x#1"]


def voices(fold: str, shift: float, scale: float) -> pd.DataFrame:
    """Trials of one network over eight speakers, scores of the same ones two deviations higher."""
    rng = np.random.default_rng(len(fold))
    same, first = rng.random(4000) < 0.5, rng.integers(0, 8, 4000)
    second = np.where(same, first, (first + 1) % 8)
    score = shift + scale * (rng.normal(size=4000) + 2 * same)
    speakers = {"speaker_a": [f"{fold}{i}" for i in first], "speaker_b": [f"{fold}{i}" for i in second]}
    names = {"a": [f"{fold}a{i}" for i in range(4000)], "b": [f"{fold}b{i}" for i in range(4000)]}
    return pd.DataFrame(names | {"same": same.astype(int), "score": score} | speakers)


def test_networks_of_several_folds_are_held_to_their_own_thresholds():
    """Scores that lie apart are no errors: the EER of all trials is the mean of the folds'."""
    some = [voices("x", 0.0, 1.0), voices("yy", 5.0, 0.1)]
    means = [Eer(t).value for t in some]
    together = Eer(pd.concat([confirm.at_own_threshold(t) for t in some], ignore_index=True)).value
    assert together == pytest.approx(np.mean(means), abs=5e-4)
    assert Eer(pd.concat(some, ignore_index=True)).value > 0.4
