"""Equal error rates of cells, against scikit-learn and the module that decides promotions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments.study import table
from earmark.experiments.study.figure import GroupDraws
from earmark.experiments.study.table import CellOutcome
from earmark.tasks.speaker import outcomes
from earmark.tasks.speaker.outcomes import Eer

DRAWS = GroupDraws(EvaluateSettings(bootstrap=8000, seed=1))
SPEAKERS = 12


def trials(noise: float, seed: int = 1, fold: str = "fold1") -> pd.DataFrame:
    """Every pair of three utterances of twelve speakers of a fold; noise: of the scores, 0 for none that is wrong."""
    names = [(f"{fold}s{s}", f"{fold}s{s}u{u}") for s in range(SPEAKERS) for u in range(3)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    same = np.array([a[0] == b[0] for a, b in pairs])
    score = same + noise * np.random.default_rng(seed).standard_normal(len(pairs))
    sides = {"a": [a[1] for a, _ in pairs], "b": [b[1] for _, b in pairs]}
    speakers = {"speaker_a": [a[0] for a, _ in pairs], "speaker_b": [b[0] for _, b in pairs]}
    return pd.DataFrame(sides | {"same": same, "score": score} | speakers | {"fold": fold, "seed": seed})


def cell(levels: dict[str, str], answers: pd.DataFrame) -> CellOutcome:
    return CellOutcome(levels, "group", [], answers, figure=Eer)


def by_scikit_learn(found: pd.DataFrame) -> float:
    false_alarm, hit, _ = roc_curve(found.same, found.score, drop_intermediate=False)
    gap = 1 - hit - false_alarm
    i = int(np.argmax(gap <= 0))
    share = gap[i - 1] / (gap[i - 1] - gap[i])
    return float(false_alarm[i - 1] + share * (false_alarm[i] - false_alarm[i - 1]))


def test_the_figure_is_that_of_all_trials_together():
    answers = pd.concat([trials(0.6), trials(0.3, 2), trials(0.9, 3, "fold2")])
    assert Eer.names(answers) == ["eer"]
    found = Eer.read(answers, "eer")
    assert found.value == pytest.approx(by_scikit_learn(answers))
    low, high = found.interval(DRAWS.settings)
    assert 0 < low < found.value < high < 1
    row = table._judged(cell({}, answers), DRAWS)
    assert [row["eer"], row["low"], row["high"]] == [found.value, low, high]
    by_fold = [by_scikit_learn(rows) for _, rows in answers.groupby("fold")]
    assert row["sd_folds"] == pytest.approx(np.std(by_fold, ddof=1))
    assert (row["folds"], row["seeds"]) == (2, 3)


def test_effects_are_paired_by_trial_as_promotions_are():
    cells = [cell({"loss": name}, trials(noise)) for name, noise in (("a", 0.3), ("b", 0.9))]
    (row,) = table.effects(cells, {"loss": ["a", "b"]}, DRAWS).to_dict("records")
    wanted = outcomes.difference(cells[1].answers, cells[0].answers, 0.025, draws=8000)
    assert (row["figure"], row["pairs"], row["recordings"]) == ("eer", 1, 3 * SPEAKERS)
    assert row["difference"] == pytest.approx(wanted.difference)
    assert [row["low"], row["high"]] == pytest.approx([wanted.low, wanted.high], abs=0.02)  # other draws


def test_a_cell_against_itself_differs_in_nothing():
    cells = [cell({"loss": name}, trials(0.6)) for name in "ab"]
    (row,) = table.effects(cells, {"loss": ["a", "b"]}, DRAWS).to_dict("records")
    assert row["difference"] == 0
    assert row["low"] == pytest.approx(-row["high"])
    assert row["low"] < 0  # for the speaker whom nobody has heard


def test_trials_that_one_cell_lacks_are_left_out():
    whole = trials(0.6)
    ours, theirs = Eer(whole), Eer(whole[whole.a != "fold1s0u0"].reset_index(drop=True))
    for one in ours.common(theirs):
        assert len(one.trials) == len(theirs.trials)
        assert one.value == theirs.value


def test_a_speaker_nobody_heard_is_wrong_at_the_upper_end():
    found = Eer(trials(0.0))
    assert found.value == 0
    shares = DRAWS.of(found.groups)
    assert not found.under(shares, 0).any()
    assert (found.under(shares, 1) > 0).all()


def weighted_eer(found: pd.DataFrame, weights: np.ndarray, extra: tuple[float, float], errs: bool) -> float:
    """By scikit-learn, with an unheard speaker's trials of one speaker and of two at the ends of all scores."""
    far = 1e9
    score = [*found.score, *((-far, far) if errs else (far, -far))]
    same, weight = [*found.same, True, False], [*weights, *extra]
    false_alarm, hit, _ = roc_curve(same, score, sample_weight=weight, drop_intermediate=False)
    gap = 1 - hit - false_alarm
    i = int(np.argmax(gap <= 0))
    part = gap[i - 1] / (gap[i - 1] - gap[i])
    return float(false_alarm[i - 1] + part * (false_alarm[i] - false_alarm[i - 1]))


def test_a_difference_draw_by_draw():
    """The bounds are the quantiles of: one model with the unheard speaker judged rightly, the other wrongly."""
    ours = trials(0.6)
    theirs = trials(0.9, 2)
    draws = 40
    names = sorted(set(ours.speaker_a))
    at = [ours[c].map(names.index).to_numpy() for c in ("speaker_a", "speaker_b")]
    same = ours.same.to_numpy(bool)
    low, high = [], []
    for unheard, *known in np.random.default_rng(outcomes.SEED).standard_exponential((draws, SPEAKERS + 1)):
        each = np.array(known)
        weights = each[at[0]] * np.where(same, 1, each[at[1]])
        extra = unheard * same.sum() / SPEAKERS, unheard * each.sum() * 2 * (~same).sum() / SPEAKERS**2
        low.append(weighted_eer(ours, weights, extra, False) - weighted_eer(theirs, weights, extra, True))
        high.append(weighted_eer(ours, weights, extra, True) - weighted_eer(theirs, weights, extra, False))
    found = outcomes.difference(ours.sample(frac=1, random_state=1), theirs, 0.05, draws)
    assert found.difference == pytest.approx(by_scikit_learn(ours) - by_scikit_learn(theirs))
    assert [found.low, found.high] == pytest.approx([np.quantile(low, 0.05), np.quantile(high, 0.95)])
