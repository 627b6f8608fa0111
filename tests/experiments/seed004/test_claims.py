"""What question and answer say, judged where the walk has the steps that it is about."""

import pandas as pd
import pytest

from earmark.experiments.seed004 import claims, show


def line(step: str, seed: int = 1, **figures) -> dict:
    """A row of seeds.csv."""
    plain = {"eer_native": 0.3, "eer_cosine": 0.3, "eer_untrained": 0.3, "auc_native": 0.5, "mr": 0.5, "ari": 0.02}
    plain |= {"mr_untrained": 0.5, "asker_accuracy": 0.4, "blind_accuracy": 0.5, "custom_metric": 0.7}
    plain |= {"dead_share": 0.9, "negative_in_training": 0.3, "negative_share": 0.2, "lowest": -1.0}
    return {"step": step, "seed": seed, "alarm": 0, "said": None} | plain | figures


def judged(*rows: dict) -> pd.DataFrame:
    return claims.judged(show.medians(pd.DataFrame(rows), {})).set_index("claim")


def only(found: pd.DataFrame, word: str) -> pd.Series:
    (name,) = (claim for claim in found.index if word in claim)
    return found.loc[name]


def test_medians_are_over_seeds():
    rows = [line("asked", seed, alarm=a, eer_native=e) for seed, a, e in ((1, 1, 0.5), (2, 0, 0.44), (3, 0, 0.47))]
    table = show.medians(pd.DataFrame([*rows, line("labels")]), {"asked": "as asked", "labels": "cured"})
    assert table.why.tolist() == ["as asked", "cured"]
    assert table.eer_native.tolist() == [0.47, 0.3]
    assert table.seeds.tolist() == [3, 1]
    assert table.alarm.tolist() == [pytest.approx(1 / 3), 0]


def test_a_claim_without_its_steps_is_left_out():
    found = judged(line("asked", eer_native=0.47), line("own_distance", eer_native=0.4, mr=0.45))
    assert not [claim for claim in found.index if "hinge" in claim or "AAM" in claim]
    assert only(found, "blind").holds == "yes"
    own = only(found, "their own labels")
    assert (own.holds, own.figures) == ("yes", "EER 0.470 -> 0.400, clustering error 0.500 -> 0.450")


def test_the_accuracy_is_judged_where_a_network_learns():
    """soft_hinge does not learn, so that its accuracy, of .5, says nothing; softplus does, and has .2."""
    stuck = line("soft_hinge", eer_native=0.38, asker_accuracy=0.5, custom_metric=0.55)
    found = judged(stuck)
    for word in ("compares what cannot be compared", "threshold tuned on validation"):
        assert tuple(only(found, word)) == ("no network of pairs has an EER below 0.35", "undecided")
    good = line("softplus", eer_native=0.19, asker_accuracy=0.237, custom_metric=0.8)
    verdict = only(judged(good, stuck), "compares what cannot be compared")
    assert (verdict.holds, verdict.figures) == ("yes", "softplus 0.237 at an EER of 0.190")
    wrong = line("margin", eer_native=0.2, asker_accuracy=0.6, custom_metric=0.5)
    found = judged(good, stuck, wrong)
    assert only(found, "compares what cannot be compared").holds == "no"
    assert only(found, "threshold tuned on validation").holds == "no"


def test_a_softmax_is_no_network_of_pairs():
    aam = line("aam", eer_native=0.1, asker_accuracy=None)
    assert only(judged(aam), "compares what cannot be compared").holds == "undecided"
    lonely = pd.DataFrame([aam]).drop(columns=["asker_accuracy"])
    assert claims.learnt(show.medians(lonely, {})) == []


def test_the_askers_own_symptom():
    """His clusters, and whether those of a network that learns are better than before its training."""
    asked = line("asked", eer_native=0.5, ari=0.3, mr=0.42, mr_untrained=0.44)
    symptom = only(judged(asked), "have nothing to do with the speakers")
    assert (symptom.holds, symptom.figures) == ("no", "ARI 0.300; clustering error 0.420, 0.440 before training")
    assert only(judged(asked | {"ari": 0.05}), "have nothing to do with the speakers").holds == "yes"
    learnt = line("softplus", eer_native=0.2, mr=0.3, mr_untrained=0.44)
    cured = only(judged(asked, learnt), "better than by the weights as drawn")
    assert (cured.holds, cured.figures) == ("yes", "softplus clustering error 0.300, 0.440 before")
    assert only(judged(learnt | {"mr": 0.44}), "better than by the weights as drawn").holds == "no"


def test_negative_distances_are_counted_in_training():
    """On test speakers none may be negative, and yet the training met some."""
    found = judged(line("labels", negative_share=0.0), line("symmetric", negative_in_training=0.0, eer_native=0.2))
    assert only(found, "falls below zero").holds == "yes"
    assert only(found, "falls below zero").figures.startswith("30% of the distances in training, 0% on test")
    assert only(found, "sum of both directions").holds == "yes"
    quiet = judged(line("labels", negative_in_training=0.0))
    assert only(quiet, "falls below zero").holds == "no"
