"""The speaker task's evaluation: figures from embeddings, thresholds carried, what stands beside."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors

from builders import tone
from earmark.data import manifest
from earmark.evaluation import paired
from earmark.evaluation.outcomes import TRIALS
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker import metrics, outcomes
from earmark.tasks.speaker.settings import SpeakerDataSettings
from earmark.tasks.speaker.trials import clustering, pairing, scores, trial_set, utterances
from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet

SETTINGS = EvaluateSettings(bootstrap=100, seed=1)


def table(split: str = "test", speakers: int = 6, groups: int = 2, each: int = 2) -> pd.DataFrame:
    """A prepared manifest of one-second recordings."""
    rows = [
        (f"{split}/s{s}/g{g}-{i}.wav", f"{split}-s{s}", f"{split}-s{s}-g{g}", split, 1.0, f"sha{s}{g}{i}")
        for s in range(speakers)
        for g in range(groups)
        for i in range(each)
    ]
    found = pd.DataFrame(rows, columns=["path", "label", "group", "split", "duration_s", "sha256"])
    return found.assign(utterance=found.path)


def trials_of(rows: pd.DataFrame, split: str = "test", most: int = 1000, seed: int = 1, say=pytest.fail) -> TrialSet:
    """A split's trials, drawn."""
    return trial_set.of_split(rows, pairing.of_manifest(rows, None, most, seed, say), split)


def judged(split: str = "test", **shape) -> TrialSet:
    return trials_of(table(split, **shape), split)


def heard(of: TrialSet, noise: float, seed: int = 0, d: int = 8) -> Answers:
    """Embeddings of a system that hears speakers through noise."""
    rng = np.random.default_rng(seed)
    voices = rng.standard_normal((of.speakers.max() + 1, d))
    x = voices[of.speakers] + noise * rng.standard_normal((len(of.speakers), d))
    return Answers(of, (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32))


def test_a_trial_set_is_of_one_split():
    both = pd.concat([table("val", speakers=3), table("test")], ignore_index=True)
    found = trials_of(both, "val")
    assert list(found.utterances.label.unique()) == ["val-s0", "val-s1", "val-s2"]
    assert (found.same.sum(), (~found.same).sum()) == (12, 12)  # 2 x 2 pairs across sessions a speaker
    assert found.utterances.id.to_numpy()[found.at].tolist() == found.pairs[["a", "b"]].to_numpy().tolist()


def test_utterances_are_joined_unless_a_list_names_them():
    data = data_of(utterance_s=2.0)
    rows, trials = pairing.complete(table(), None, data, pytest.fail)
    joined = trial_set.of_split(rows, trials, "test")
    assert (len(joined.utterances), joined.utterances.duration_s.unique().tolist()) == (12, [2.0])
    # In the manifest, too: a joined utterance bears its first recording's name.
    assert rows.utterance[:4].tolist() == ["test/s0/g0-0.wav"] * 2 + ["test/s0/g1-0.wav"] * 2
    assert set(trials.a) | set(trials.b) <= set(rows.utterance)
    given = pd.DataFrame(
        [
            ("test", "test/s0/g0-1.wav", "test/s0/g1-1.wav", 1),
            ("test", "test/s0/g0-1.wav", "test/s1/g0-1.wav", 0),
        ],
        columns=["split", "a", "b", "same"],
    )
    rows, trials = pairing.complete(table(), given, data, pytest.fail)
    assert len(trial_set.of_split(rows, trials, "test").utterances) == 24
    pd.testing.assert_frame_equal(trials, given)


def data_of(**changes) -> SpeakerDataSettings:
    plain = {"source": "folder", "root": "a", "test_fold": None, "val_share": 0.2, "test_share": 0.2, "seed": 1}
    return SpeakerDataSettings(**plain | {"max_quarantined": 0.1, "trials": 1000} | changes)


def test_thresholds_are_chosen_on_validation_and_carried():
    val, test = heard(judged("val"), 0.3), heard(judged(), 0.8)
    chosen = trial_set.thresholds_of(val)
    assert chosen.threshold == scores.eer_threshold(val.curve)
    assert chosen.cluster_threshold == clustering.best_threshold(val.tree, val.trials.utterances.label.to_numpy())
    found = metrics.figures(val, test, {}, SETTINGS)
    assert (found["threshold"], found["cluster_threshold"]) == (chosen.threshold, chosen.cluster_threshold)
    assert chosen.threshold != scores.eer_threshold(test.curve)
    assert found["accuracy"] == np.mean((test.score >= chosen.threshold) == test.trials.same)
    assert found["miss_rate"] == pytest.approx(np.mean(test.score[test.trials.same] < chosen.threshold))
    assert found["false_alarm_rate"] == pytest.approx(np.mean(test.score[~test.trials.same] >= chosen.threshold))
    found_clusters = clustering.cut_at(test.tree, chosen.cluster_threshold)
    assert found["n_clusters"] == len(np.unique(found_clusters))
    for name, clusters in (("mr_at_threshold", found_clusters), ("mr_at_k", clustering.cut_into(test.tree, 6))):
        assert found[name] == pytest.approx(clustering.misclassification_rate(clusters, test.trials.speakers))
    assert {k: found[k] for k in ("ari", "nmi")} == clustering.agreement(found_clusters, test.trials.speakers)


def test_a_model_carries_what_other_thresholds_cost_and_how_much_speech_was_judged():
    val = heard(judged("val"), 0.3)
    n = len(val.embeddings)
    found = trial_set.thresholds_config(val, np.linspace(1.0, 2.0, n))
    chosen = trial_set.thresholds_of(val)
    assert (found["threshold"], found["cluster_threshold"]) == (chosen.threshold, chosen.cluster_threshold)
    assert found["speech_s"] == 1.1  # nine of ten have more
    points = [(p["threshold"], p["false_alarm_rate"], p["miss_rate"]) for p in found["operating_points"]]
    assert points == scores.operating_points(val.curve)
    assert json.loads(json.dumps(found)) == found


def test_every_headline_figure_has_its_interval():
    found = metrics.figures(heard(judged("val"), 0.5), heard(judged(), 0.5), {}, SETTINGS)
    for name in ("eer", "min_dcf", "min_dcf_05", "auc", "mr_at_k", "mr_at_threshold", "ari", "nmi"):
        low, high = found[f"{name}_ci95"]
        assert low <= found[name] + 0.05
        assert found[name] - 0.05 <= high
    low, high = found["eer_ci95"]
    assert low < found["eer"] < high
    assert json.loads(json.dumps(found)) == found
    assert (found["n_recordings"], found["n_utterances"], found["n_speakers"]) == (24, 24, 6)
    assert (found["n_same_trials"], found["n_different_trials"]) == (24, 24)


def test_accuracys_interval_weighs_a_trial_by_its_speakers_and_has_an_unheard_one():
    test = heard(judged(), 0.8)
    accepted = test.score >= 0.4
    draws = metrics.draws_of(test.trials, SETTINGS)
    found = metrics.decisions(accepted, test.trials, draws)
    right, at = accepted == test.trials.same, test.trials.speakers[test.trials.at]
    assert found["accuracy"] == np.mean(right)
    low, high = [], []
    for unheard, *known in draws.shares:
        weights = np.array([known[a] if a == b else known[a] * known[b] for a, b in at])
        # 24 trials of either kind and 6 speakers: 4 of his own, and 24 * 2 / 36 with each of the others
        more = unheard * 4 + unheard * sum(known) * 24 * 2 / 36
        low.append((weights @ right) / (weights.sum() + more))
        high.append((weights @ right + more) / (weights.sum() + more))
    wanted = [np.percentile(low, 2.5), np.percentile(high, 97.5)]
    np.testing.assert_allclose(found["accuracy_ci95"], wanted, atol=1e-12)
    assert wanted[0] < found["accuracy"] < wanted[1]


def test_a_system_that_hears_all():
    found = metrics.figures(heard(judged("val"), 0.0), heard(judged(), 0.0), {}, SETTINGS)
    wanted = {"eer": 0, "min_dcf": 0, "auc": 1, "mr_at_k": 0, "mr_at_threshold": 0, "ari": 1, "nmi": 1, "n_clusters": 6}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    low, high = found["eer_ci95"]  # six speakers say little of the seventh
    assert (low, found["auc_ci95"][1]) == (0, pytest.approx(1))
    assert 0.3 < high < 0.9
    of_ari = {"ari", "nmi"}
    assert set(found["ci95_methods"]["bootstrap"]) == of_ari
    every = {k.removesuffix("_ci95") for k in found if k.endswith("_ci95")}
    assert set(found["ci95_methods"]["gaffke"]) == every - of_ari


def test_differences_are_paired():
    val, test = heard(judged("val"), 0.5), heard(judged(), 0.5)
    worse = heard(val.trials, 1.5), heard(test.trials, 1.5)
    found = metrics.figures(val, test, {"itself": (val, test), "worse": worse}, SETTINGS)
    assert found["itself_eer"] == found["eer"]
    low, high = found["eer_minus_itself_ci95"]
    assert (found["eer_minus_itself"], low) == (0, pytest.approx(-high))  # an unheard speaker may tell them apart
    assert found["eer_minus_worse"] == found["eer"] - found["worse_eer"] < 0
    assert found["worse_threshold"] == scores.eer_threshold(worse[0].curve)
    low, high = found["eer_minus_worse_ci95"]
    assert low < found["eer_minus_worse"] < high


def test_other_trials_have_another_hash():
    def digest(seed: int) -> str:
        of = trials_of(table(), most=10, seed=seed)
        return metrics.figures(heard(judged("val"), 0.5), heard(of, 0.5), {}, SETTINGS)["test_trials_sha256"]

    assert digest(1) == digest(1) != digest(2)


def test_the_hash_is_of_the_test_split_alone():
    both = pd.concat([table("train"), table("test")], ignore_index=True)
    assert metrics.manifest_hash(both) == {"test_manifest_sha256": manifest.digest(table("test"))}


def small() -> Answers:
    """Two speakers, three utterances of 0.5, 1.5 and 5 s each, at chosen angles."""
    rows = table(speakers=2, groups=3, each=1).assign(duration_s=[0.5, 1.5, 5.0] * 2)
    angle = np.radians([0, 50, 20, 90, 65, 110])
    return Answers(
        trials_of(rows),
        np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32),
    )


def test_eer_by_the_shorter_utterance():
    test = small()
    found = metrics.by_duration(test, (0.0, 1.0, 2.0, 10.0))
    shorter = test.trials.utterances.duration_s.to_numpy()[test.trials.at].min(1)
    assert found.from_s.tolist() == [0.0, 1.0, 2.0][: len(found)]
    for row in found.itertuples():
        part = (shorter >= row.from_s) & (shorter < row.to_s)
        same = test.trials.same[part]
        assert (row.same, row.different) == (same.sum(), (~same).sum())
        if row.same and row.different:
            assert row.eer == scores.eer(scores.curve(test.score[part], same))
        else:
            assert np.isnan(row.eer)
    assert found.same.sum() == 6


def test_eer_by_crop():
    test, good = heard(judged(), 1.5), heard(judged(), 0.0)
    asked = []

    def embed(utterances: pd.DataFrame, seconds: float) -> np.ndarray:
        asked.append((list(utterances.id), seconds))
        return (good if seconds > 1 else test).embeddings

    found = metrics.by_crop(test.trials, embed)
    assert asked == [(list(test.trials.utterances.id), s) for s in (1.0, 2.0, 3.0)]
    assert found.to_dict("list") == {"seconds": [1.0, 2.0, 3.0], "eer": [float(scores.eer(test.curve)), 0.0, 0.0]}


def test_predictions_and_clusters():
    test = small()
    found = metrics.predictions(test, 0.9)
    first = found[(found.a == "test/s0/g0-0.wav") & (found.b == "test/s0/g2-0.wav")].iloc[0]
    assert first.score == pytest.approx(np.cos(np.radians(20)), rel=1e-6)
    expected = {"same": True, "accepted": True, "speaker_a": "test-s0", "speaker_b": "test-s0"}
    expected |= {"group_a": "test-s0-g0", "group_b": "test-s0-g2", "duration_s_a": 0.5, "duration_s_b": 5.0}
    assert {name: first[name] for name in expected} == expected
    # At 18 degrees 50 and 65 are one; at K = 2 the tree has 0, 20 against the rest.
    clusters = metrics.clusters(test, 1 - np.cos(np.radians(18)))
    assert clusters.cluster_at_threshold.nunique() == 5
    ones = clusters.groupby("cluster_at_k").id.agg(set)
    assert {"test/s0/g0-0.wav", "test/s0/g2-0.wav"} in ones.tolist()


def test_baselines_are_learnt_on_training_speakers(tmp_path):
    parts = {split: table(split, speakers=3, each=1) for split in ("train", "val", "test")}
    for i, path in enumerate(p for part in parts.values() for p in part.path):
        tone(tmp_path / path, 150.0 + 40 * (i // 2) + i % 2, 0.2, 16000)
    val, test = (trials_of(parts[s], s) for s in ("val", "test"))
    train = utterances.utterances_of(parts["train"])
    found = metrics.baselines(train, val, test, tmp_path)
    assert {name: [a.embeddings.shape for a in pair] for name, pair in found.items()} == {
        "baseline_mfcc": [(6, 76), (6, 76)],
        "baseline_lda": [(6, 2), (6, 2)],
    }
    assert found["baseline_lda"][1].trials is test
    figures = metrics.figures(*found["baseline_lda"], found, SETTINGS)
    assert figures["eer_minus_baseline_lda"] == 0
    assert figures["baseline_mfcc_eer"] == float(scores.eer(found["baseline_mfcc"][1].curve))


def test_what_is_written(tmp_path):
    metrics.write(tmp_path / "out", metrics.predictions(small(), 0.5), {"eer": 0.25})
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == {"eer": 0.25}
    assert len(pd.read_parquet(tmp_path / "out/predictions.parquet")) == 12


def test_baselines_learn_from_the_recordings_of_who_has_one_utterance():
    rows = [("a", "x", "1"), ("b", "x", "1"), ("c", "y", "2"), ("d", "y", "3"), ("e", "z", "4")]
    table = pd.DataFrame(rows, columns=["path", "label", "utterance"]).assign(split="train", group="g", duration_s=1.0)
    found = utterances.to_learn(table)
    assert list(zip(found.label, found.paths, strict=True)) == [
        ("y", ("c",)), ("y", ("d",)), ("x", ("a",)), ("x", ("b",)), ("z", ("e",)),
    ]  # fmt: skip


def test_means_are_of_the_first_sessions_and_the_others():
    of = judged(speakers=2, groups=3, each=1)
    angles = np.radians([0, 60, 90, 180, 180, 270])
    answers = Answers(of, np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32))
    vectors, who = metrics.half_means(answers)
    assert who.tolist() == [0, 0, 1, 1]
    found = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
    assert found == pytest.approx([90, 30, 270, 180], abs=1e-3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)


def test_means_of_one_session_are_of_its_halves_and_one_utterance_is_its_own():
    several = trials_of(table(speakers=2, groups=1, each=4), say=lambda sentence: None)
    answers = heard(several, 0.5)
    vectors, who = metrics.half_means(answers)
    assert who.tolist() == [0, 0, 1, 1]
    first = answers.embeddings[:2].mean(0)
    assert vectors[1] == pytest.approx(first / np.linalg.norm(first))
    alone = TrialSet(several.utterances.iloc[:5].reset_index(drop=True), several.pairs)
    assert metrics.half_means(Answers(alone, answers.embeddings[:5]))[1].tolist() == [0, 0, 1]


def test_a_mean_in_another_speakers_cluster_is_misclassified():
    """Of speakers A and B, A's second session sounds like B: three of four means lie right."""
    of = judged(speakers=2, groups=2, each=1)
    answers = Answers(of, np.array([[1, 0], [0.1, 1], [0, 1], [0, 1]], np.float32))
    draws = metrics.draws_of(of, SETTINGS)
    found = metrics.of_means(answers, draws)
    assert found["mr_of_means"] == 0.25
    low, high = found["mr_of_means_ci95"]  # of two speakers
    assert 0 < low < 0.1
    assert 0.7 < high < 1
    assert metrics.figures(answers, answers, {}, SETTINGS)["mr_of_means"] == 0.25


def test_identification_is_a_share_of_queries_over_speakers():
    test = heard(judged(each=5), 1.2)
    draws = metrics.draws_of(test.trials, SETTINGS)
    found = metrics.identification(test, draws)
    utterances, who = test.trials.utterances, test.trials.speakers
    second = utterances.group.str.endswith("g1").to_numpy()
    nearest = NearestNeighbors(n_neighbors=1, metric="cosine")
    nearest.fit(np.stack([test.embeddings[(who == s) & ~second].mean(0) for s in range(6)]))
    answer = nearest.kneighbors(test.embeddings[second], return_distance=False)[:, 0]
    right = answer == who[second]
    assert 0.3 < right.mean() < 1
    assert found["identification_accuracy"] == right.mean()
    low, high = found["identification_accuracy_ci95"]
    wanted = paired.share_interval(right, np.ones(len(right)), who[second], draws=100, seed=1)
    assert [low, high] == wanted
    assert low < right.mean() < high
    assert metrics.figures(test, test, {}, SETTINGS)["identification_accuracy"] == right.mean()
    assert metrics.without_thresholds(test, SETTINGS)["identification_accuracy"] == right.mean()


def test_outcomes_are_every_trials_score_with_its_speakers():
    test = heard(judged(), 0.5)
    found = outcomes.outcomes_of(test)
    assert tuple(found) == TRIALS
    assert list(found.score) == list(test.score)
    speaker = dict(zip(test.trials.utterances.id, test.trials.utterances.label, strict=True))
    for side in "ab":
        assert list(found[f"speaker_{side}"]) == [speaker[u] for u in found[side]]
    assert ((found.speaker_a == found.speaker_b) == found.same).all()
