"""What question and answer say, decided where the walk has the steps that it is about."""

import numpy as np
import pandas as pd
import pytest

from earmark.experiments.siamese_blstm import claims, show
from earmark.experiments.siamese_blstm.data import VoiceRecordings

SPEAKERS, SEEDS = 20, (1, 2, 3, 4, 5)


def recordings() -> VoiceRecordings:
    """Test speakers of five utterances each, every pair of which is a trial with the next speaker's or their own."""
    utterances = [f"s{s:02}-{u}" for s in range(SPEAKERS) for u in range(5)]
    table = pd.DataFrame({"utterance": utterances, "label": [u[:3] for u in utterances], "split": "test"})
    rows = [
        (f"s{s:02}-{u}", f"s{(s + other) % SPEAKERS:02}-{v}", int(not other))
        for s in range(SPEAKERS)
        for other in (0, 1)
        for u in range(5)
        for v in range(u)
    ]
    return VoiceRecordings(table, pd.DataFrame(rows, columns=["a", "b", "same"]).assign(split="test"))


FOUND = recordings()


def scores(eer: float, seed: int) -> list[float]:
    """Of trials of which this share is judged wrongly, of both kinds, by every speaker alike; other ones by a seed."""
    same = FOUND.trials.same.to_numpy(bool)
    wrong = (np.arange(len(same)) * 7 + seed) % 10 < round(10 * eer)
    return np.where(same ^ wrong, 1.0, -1.0).tolist()


def line(step: str, eer: float = 0.3, cosine: float = 0.3, **figures) -> list[dict]:
    """The results of a step, all seeds of which come to the same."""
    plain = {"auc_native": 0.5, "mr": 0.5, "ari": 0.02, "mr_untrained": 0.5, "asker_accuracy": 0.4, "alarm": None}
    plain |= {"blind_accuracy": 0.5, "custom_metric": 0.7, "dead_share": 0.9, "negative_in_training": 0.3}
    plain |= {"negative_share": 0.2, "lowest": -1.0, "eer_untrained": 0.3, "step": step, "curves": {}}
    plain |= {"eer_native": eer, "eer_cosine": cosine} | figures
    return [
        plain | {"seed": seed, "scores": {"native": scores(eer, seed), "cosine": scores(cosine, seed)}}
        for seed in SEEDS
    ]


def judged(*lines: list[dict]) -> pd.DataFrame:
    results = [result for one in lines for result in one]
    return claims.claims_table(claims.WalkResults(results, FOUND)).set_index("claim")


def only(found: pd.DataFrame, word: str) -> pd.Series:
    (name,) = (claim for claim in found.index if word in claim)
    return found.loc[name]


def test_medians_are_over_seeds():
    results = line("asked") + line("labels")
    for result, alarm, eer in zip(results, (1, 0, 0, 0, 1), (0.5, 0.44, 0.47, 0.4, 0.6), strict=False):
        result |= {"alarm": "collapsed" if alarm else None, "eer_native": eer}
    rows = pd.DataFrame([show.row(r) for r in results])
    table = show.medians(rows, {"asked": "as asked", "labels": "cured"})
    assert table.why.tolist() == ["as asked", "cured"]
    assert table.eer_native.tolist() == [0.47, 0.3]
    assert table.seeds.tolist() == [5, 5]
    assert table.alarm.tolist() == [pytest.approx(0.4), 0]


def test_a_gain_is_by_seed_and_by_speaker():
    found = only(judged(line("asked", 0.5), line("own_distance", 0.3, mr=0.45)), "its own label alone")
    assert (found.seeds, found.groups, found.verdict) == (len(SEEDS), SPEAKERS, "holds")
    assert found.difference == pytest.approx(-0.2)
    assert found.figures == "EER 0.500 → 0.300, clustering error 0.500 → 0.450"
    assert found.low < -0.2 < found.high < 0
    assert only(judged(line("asked", 0.3), line("own_distance", 0.5)), "its own label alone").verdict == "does not"


def test_a_claim_without_its_steps_is_left_out():
    found = judged(line("asked", 0.5), line("own_distance", 0.4))
    assert not [claim for claim in found.index if "hinge" in claim or "AAM" in claim]
    assert only(found, "as asked does not learn").verdict == "holds"
    assert only(judged(line("asked", 0.1)), "as asked does not learn").verdict == "does not"


def test_the_accuracy_is_judged_where_a_network_learns():
    """soft_hinge does not learn, so that its accuracy, of .5, says nothing; softplus does, and has .2."""
    stuck = line("soft_hinge", 0.4, asker_accuracy=0.5, custom_metric=0.5)
    found = judged(stuck)
    for word in ("compares what cannot be compared", "threshold tuned on validation"):
        one = only(found, word)
        assert (one.figures, one.verdict) == ("no network of pairs has an EER below 0.35", "cannot tell")
    good = line("softplus", 0.2, asker_accuracy=0.237, custom_metric=0.8)
    found = only(judged(good, stuck), "compares what cannot be compared")
    assert (found.verdict, found.figures) == (
        "holds",
        "the highest of the steps that learnt is 0.237 on average; 1 step learnt, softplus best with an EER of 0.200",
    )
    wrong = line("margin", 0.2, asker_accuracy=0.6, custom_metric=0.5)
    found = judged(good, stuck, wrong)
    assert only(found, "compares what cannot be compared").verdict == "does not"
    assert only(found, "threshold tuned on validation").verdict == "does not"


def test_the_worst_step_is_that_of_each_seed():
    """Two networks that learn, each worse for another seed: .3 on average, whose means are .25 and .2."""
    one, other = line("softplus", 0.2, custom_metric=0.8), line("margin", 0.2, custom_metric=0.8)
    for results, accuracies in ((one, (0.3, 0.2)), (other, (0.1, 0.3))):
        for i, result in enumerate(results):
            result["asker_accuracy"] = accuracies[i % 2]
    found = only(judged(one, other), "compares what cannot be compared")
    worst = sum(max(a["asker_accuracy"], b["asker_accuracy"]) for a, b in zip(one, other, strict=True)) / len(one)
    assert worst == pytest.approx(0.3)
    assert found.figures.startswith("the highest of the steps that learnt is 0.300 on average; 2 steps learnt")


def test_aam_is_no_loss_of_pairs():
    """It has none of their figures, and is not asked for them."""
    lonely = line("aam", 0.1)
    for result in lonely:
        for name in ("asker_accuracy", "blind_accuracy", "negative_in_training", "dead_share"):
            del result[name]
    assert judged(lonely).verdict.tolist() == ["cannot tell"] * 3


def test_clusters_are_held_against_what_they_were():
    asked = line("asked", 0.5)
    assert only(judged(asked), "have nothing to do with the speakers").verdict == "holds"
    assert only(judged(line("asked", 0.5, ari=0.3)), "have nothing to do with the speakers").verdict == "does not"
    cured = only(
        judged(asked, line("softplus", 0.2, mr=0.3, mr_untrained=0.44)), "better than with the initial weights"
    )
    assert (cured.verdict, cured.figures) == (
        "holds",
        "the worst change of clustering error is -0.140 on average; 1 step learnt, softplus best with an EER of 0.200",
    )
    same = judged(line("softplus", 0.2, mr=0.44, mr_untrained=0.44))
    assert only(same, "better than with the initial weights").verdict == "does not"


def test_negative_distances_are_counted_in_training():
    """On test speakers none may be negative, and yet the training met some."""
    found = judged(line("labels", 0.5, negative_share=0.0), line("symmetric", 0.2, negative_in_training=0.0))
    assert only(found, "falls below zero").verdict == "holds"
    assert only(found, "falls below zero").figures.startswith("30% of the distances in training, 0% on test")
    assert only(found, "no negative distances").verdict == "holds"
    assert only(found, "both directions learns better").verdict == "holds"
    assert only(judged(line("labels", negative_in_training=0.0)), "falls below zero").verdict == "does not"
