"""Speakers in folds: nobody on two sides, figures over all folds by hand and by scikit-learn, what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from builders import data_settings, plain_progress
from earmark import config
from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments import crossval
from earmark.tasks import catalog
from earmark.tasks.speaker import metrics, train
from earmark.tasks.speaker.settings import SpeakerDataSettings
from earmark.tasks.speaker.trials import clustering, pairing, pooled, scores, trial_set
from earmark.tasks.speaker.trials.pooled import FoldAnswers
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds
from earmark.training import key
from project import write_params
from voice_audio import voices

SETTINGS = EvaluateSettings(bootstrap=100, seed=1)


def answers(fold: str, degrees: list[int], d: int = 2) -> Answers:
    """Two speakers with a recording in two sessions each, in these directions; further dimensions are empty."""
    rows = [(f"{fold}/{s}{g}.wav", f"{fold}-{s}", f"{fold}-{s}{g}", "test", 1.0) for s in "ab" for g in "xy"]
    table = pd.DataFrame(rows, columns=["path", "label", "group", "split", "duration_s"])
    angle = np.radians(degrees)
    heard = np.stack([np.cos(angle), np.sin(angle), *[0 * angle] * (d - 2)], axis=1).astype(np.float32)
    table = table.assign(utterance=table.path)
    trials = pairing.of_manifest(table, None, 1000, 1, pytest.fail)
    return Answers(trial_set.of_split(table, trials, "test"), heard)


# In the first fold scores lie high: same .98 and .98, different above .8; in the second low: same .77 and .87.
HIGH, LOW = [0, 10, 30, 40], [0, 40, 150, 180]
CHOSEN = Thresholds(0.97, 0.02), Thresholds(0.5, 0.25)


def parts(d: int = 2) -> list[FoldAnswers]:
    return [FoldAnswers(answers("one", HIGH, d), CHOSEN[0]), FoldAnswers(answers("two", LOW), CHOSEN[1])]


def test_trials_of_all_folds_are_scored_within_them():
    both = pooled.together([part.test for part in parts(d=5)])
    assert both.embeddings.shape == (8, 5)
    np.testing.assert_allclose(both.score, np.concatenate([part.test.score for part in parts()]), atol=1e-7)
    table = both.trials.pairs
    assert (table.a.str[:3] == table.b.str[:3]).all()
    assert both.trials.speakers.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_one_threshold_for_all_folds_and_decisions_at_each_its_own():
    found = pooled.figures(parts(), {}, SETTINGS)
    both = pooled.together([part.test for part in parts()])
    # Each fold's speakers are told apart wholly, but no one threshold does it in both.
    assert (found["eer_mean"], found["eer_mean_ci95"]) == (0, [0, 0])
    assert found["eer"] == float(scores.eer(both.curve)) > 0.2
    assert found["auc"] == pytest.approx(roc_auc_score(both.trials.same, both.score))
    assert (found["accuracy"], found["miss_rate"], found["false_alarm_rate"]) == (1, 0, 0)
    assert found["thresholds"] == [0.97, 0.5]
    assert (found["n_speakers"], found["n_utterances"], found["n_same_trials"]) == (4, 8, 4)
    assert (found["mr_at_k"], found["mr_at_threshold"], found["ari"], found["n_clusters"]) == (0, 0, 1, 4)


def test_clusters_are_each_folds_and_agreement_is_their_mean():
    # Up to a distance of .0001 nothing is joined in the first fold: four clusters of two speakers.
    some = [FoldAnswers(answers("one", HIGH), Thresholds(0.97, 0.0001)), parts()[1]]
    found = pooled.figures(some, {}, SETTINGS)
    assert found["n_clusters"] == 6
    assert found["mr_at_threshold"] == pytest.approx(2 / 8)  # a cluster too many is nobody's, twice
    who, alone = [0, 0, 1, 1], [0, 1, 2, 3]
    assert found["ari"] == pytest.approx((adjusted_rand_score(who, alone) + 1) / 2)
    assert found["nmi"] == pytest.approx((normalized_mutual_info_score(who, alone) + 1) / 2)
    assert pooled.apart([np.array([0, 1, 1]), np.array([1, 0]), np.array([0])]).tolist() == [0, 1, 1, 3, 2, 4]


def test_baselines_stand_beside_on_the_same_resamples():
    worse = [FoldAnswers(answers("one", [0, 180, 90, 270]), CHOSEN[0]), FoldAnswers(answers("two", LOW), CHOSEN[1])]
    found = pooled.figures(parts(), {"itself": parts(), "worse": worse}, SETTINGS)
    low, high = found["eer_minus_itself_ci95"]
    assert (found["eer_minus_itself"], low) == (0, pytest.approx(-high))
    assert found["eer_minus_worse"] == 0.25 - 0.5
    assert found["worse_accuracy"] < found["accuracy"]
    assert found["worse_eer_mean"] == pytest.approx(float(scores.eer(worse[0].test.curve)) / 2)
    low, high = found["worse_eer_mean_ci95"]
    assert 0 <= low < found["worse_eer_mean"] < high <= 1
    alone = metrics.figures(parts()[1].test, parts()[1].test, {}, SETTINGS)
    single = pooled.figures(
        [FoldAnswers(parts()[1].test, Thresholds(alone["threshold"], alone["cluster_threshold"]))], {}, SETTINGS
    )
    assert single["eer_mean"] == alone["eer"]
    both = (single.keys() & alone.keys()) - {"ci95_methods"}
    assert {k: single[k] for k in both} == {k: alone[k] for k in both}
    assert single["ci95_methods"]["bootstrap"] == ["eer_mean", "ari", "nmi"]


def test_a_folds_eer_counts_where_its_speakers_were_drawn():
    some = [parts()[0], FoldAnswers(answers("two", [0, 180, 90, 270]), CHOSEN[1])]
    both = pooled.together([part.test for part in some]).trials
    own = [float(scores.eer(part.test.curve)) for part in some]
    assert own == [0, 1]
    drawn = pooled._mean_eer(some, both, np.array([[2, 2, 0, 0], [0, 0, 2, 2], [1, 1, 1, 1], [2, 0, 0, 2]]))
    np.testing.assert_array_equal(drawn, [0, 1, 0.5, np.nan])


@pytest.fixture
def place(workplace) -> Path:
    """A project on nine voices."""
    voices(workplace / "audio", 9)
    small = {"data.root": "audio", "data.val_share": 0.34, "train.epochs": 1, "train.speakers": 3, "train.batches": 4}
    write_params(workplace, "speaker", **small)
    return workplace


def test_everybody_is_judged_once_by_a_model_that_never_heard_them(place, earmark, monkeypatch):
    trained = []
    run = train.run
    monkeypatch.setattr(train, "run", lambda found, *a: trained.append(found) or run(found, *a))
    code, out, err = earmark("crossval", "speaker", "--k", "3")
    assert code == 0, err
    assert "fold1: EER " in out
    assert "MFCC + LDA" in out
    for table in (found.table for found in trained):
        assert (table.groupby("label")["split"].nunique() == 1).all()
        assert table.groupby("split").label.nunique().to_dict() == {"test": 3, "train": 4, "val": 2}
    tested = [f.table.label[f.table["split"] == "test"].unique() for f in trained]
    assert sorted(np.concatenate(tested)) == [f"s{i:02}" for i in range(9)]
    for one in trained:  # a fold's trials lie within its splits
        split_of = one.table.set_index("utterance")["split"]
        assert (one.trials.a.map(split_of) == one.trials["split"]).all()
        assert (one.trials.b.map(split_of) == one.trials["split"]).all()
        assert set(one.trials["split"]) == {"val", "test"}
    folder = place / "crossval/speaker"
    found = json.loads((folder / "metrics.json").read_text())
    assert (found["n_speakers"], found["n_recordings"], found["folds"]) == (9, 36, ["fold1", "fold2", "fold3"])
    assert found["recipe"] == key.recipe(config.load("params.yaml").tasks["speaker"])
    trials = pd.read_parquet(folder / "predictions.parquet")
    assert (trials.groupby("speaker_a").fold.nunique() == 1).all()
    assert found["auc"] == pytest.approx(roc_auc_score(trials.same, trials.score))
    assert found["accuracy"] == (trials.same == trials.accepted).mean()
    assert found["eer_minus_baseline_lda"] == pytest.approx(found["eer"] - found["baseline_lda_eer"])
    clusters = pd.read_csv(folder / "clusters.csv")
    wrong = [
        (~clustering.in_own_cluster(rows.cluster_at_k.to_numpy(), rows.label.to_numpy())).sum()
        for _, rows in clusters.groupby("fold")
    ]
    assert found["mr_at_k"] == pytest.approx(sum(wrong) / 36)
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("speaker").experiment_id
    (parent,) = client.search_runs([experiment], "tags.`earmark.kind` = 'crossval'")
    assert parent.data.metrics["test/eer"] == found["eer"]
    asked = pd.read_csv(folder / "confusion.csv")
    assert asked.n.sum() == 18  # nobody is enrolled with all four recordings
    fold_of = trials.groupby("speaker_a").fold.first()
    assert (fold_of[asked.speaker].to_numpy() == fold_of[asked.taken_for].to_numpy()).all()
    files = {"metrics.json", "predictions.parquet", "det.png", "clusters.csv", "confusion.png", "confusion.csv"}
    assert {f.path for f in client.list_artifacts(parent.info.run_id)} == files
    runs = client.search_runs([experiment], "tags.`earmark.kind` = 'fold'")
    assert {r.data.tags["earmark.fold"] for r in runs} == {"fold1", "fold2", "fold3"}


def recordings(place: Path, say, **changes) -> tuple[pd.DataFrame, Path]:
    data = data_settings(root=str(place / "audio"), val_share=changes.pop("val_share", 0.34))
    asked = SpeakerDataSettings(**vars(data) | changes)
    return crossval.recordings(catalog.task("speaker"), asked, 5, say, plain_progress)


def refused(place: Path, **changes) -> str:
    said: list[str] = []
    with pytest.raises(EarmarkError) as e:
        recordings(place, said.append, **changes)
    assert [sentence for sentence in said if "not listed in manifest.csv (" not in sentence] == []
    return str(e.value)


def manifest(place: Path, fold_of) -> None:
    """The audio's manifest with a fold for every row."""
    path = place / "audio/manifest.csv"
    table = pd.read_csv(path, dtype=str)
    table.assign(split=[fold_of(row) for row in table.itertuples()]).to_csv(path, index=False)


def test_folds_in_which_nobody_can_be_told_apart_are_refused_before_any_training(place):
    assert re.fullmatch(  # nine speakers in five folds
        r"The fold 'fold5' has only one speaker \('s0\d'\), but telling speakers apart takes two: lower --k, or add "
        r"recordings of others\.",
        refused(place),
    )
    manifest(place, lambda row: "xyz"[int(row.label[1:]) % 3])
    assert refused(place, val_share=0.0) == (
        "A cross-validation of speakers chooses its thresholds on validation speakers; set data.val_share above 0."
    )
    manifest(place, lambda row: "xy"[int(row.group[-1])])
    assert "Speaker 's00' (and 8 more) is in the splits test and train" in refused(place)
    path = place / "audio/manifest.csv"
    table = pd.read_csv(path, dtype=str).drop_duplicates("label")
    table.assign(split=["x"] * 5 + ["y"] * 4).to_csv(path, index=False)
    assert refused(place) == (
        "No speaker of the fold 'x' has two utterances, so no speaker can be recognised again: lower --k, or "
        "give some of them more recordings."
    )


def test_utterances_joined_until_nobody_has_two_are_refused_before_any_training(place):
    path = place / "audio/manifest.csv"
    table = pd.read_csv(path, dtype=str)
    table.assign(group=table.label, split=[f"f{int(name[1:]) % 3}" for name in table.label]).to_csv(path, index=False)
    assert refused(place, utterance_s=4.0) == (
        "No speaker of val has two utterances, so there are no same-speaker trials; give some speaker more recordings, "
        "or lower tasks.speaker.data.utterance_s, which joins them."
    )
    said = []
    recordings(place, said.append, utterance_s=2.0)
    assert len(said) == 1  # one session, whatever the folds


def test_official_folds_and_what_is_said_of_them(place):
    manifest(place, lambda row: "xyz"[int(row.label[1:]) % 3])
    (place / "audio/trials.csv").write_text("a,b,same\ns00_0_0.wav,s00_1_0.wav,1\n")
    said = []
    table, root = recordings(place, said.append)
    assert table.groupby("fold").label.unique().map(sorted).to_dict() == {
        "x": ["s00", "s03", "s06"],
        "y": ["s01", "s04", "s07"],
        "z": ["s02", "s05", "s08"],
    }
    assert root == place / "audio"
    assert said == ["trials.csv is not used: its trials lie in several folds, so each fold draws its own."]
