"""The speaker task's pipeline as a user runs it: dvc repro on a few made voices, with its tracking store."""

import json

import numpy as np
import pandas as pd
import pytest

from earmark.tasks.speaker import predictions
from earmark.tasks.speaker.trials import scores
from project import commit, make, sha256
from voice_audio import voices

pytestmark = pytest.mark.pipeline
STAGES = ["prepare@speaker", "features-speaker", "train-speaker", "evaluate-speaker", "publish@speaker"]
FIGURES = {"eer", "min_dcf", "auc", "mr_at_k", "mr_at_threshold", "ari", "nmi"}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project whose speaker pipeline has run once; later tests build on the state they find."""
    base = tmp_path_factory.mktemp("speakers")
    audio = voices(base / "audio", 14)
    project = make(base / "project", audio, "speaker")
    project.audio, project.ran = audio, project.repro()
    commit(project, "first repro")
    return project


def table(small) -> pd.DataFrame:
    return pd.read_csv(small.path / "data/speaker/manifest.csv", dtype=str)


def test_first_repro_trains_evaluates_and_registers(small):
    assert small.ran == STAGES
    (run,) = small.runs()
    assert run.info.status == "FINISHED"
    assert small.steps(run.info.run_id, "val/eer") == [1, 2, 3]
    metrics = json.loads((small.path / "reports/speaker/metrics.json").read_text())
    assert set(metrics) >= FIGURES | {f"{name}_ci95" for name in FIGURES} | {"threshold", "baseline_lda_eer"}
    assert run.data.metrics["test/eer"] == metrics["eer"]
    weights = sha256(small.path / "models/speaker/model.safetensors")
    assert run.data.tags["earmark.model_sha256"] == metrics["model_sha256"] == weights
    version = small.client.get_model_version_by_alias("earmark-speaker", "challenger")
    assert (int(version.version), version.run_id) == (1, run.info.run_id)
    files = {f.path for f in small.client.list_artifacts(run.info.run_id)}
    assert {"model.txt", "history.csv", "config.json", "batch.png", "evaluation"} <= files


def test_no_speaker_is_on_two_sides(small):
    assert (table(small).groupby("label")["split"].nunique() == 1).all()
    assert table(small).groupby("split").label.nunique().to_dict() == {"test": 3, "train": 8, "val": 3}


def test_trials_are_the_cosines_of_embeddings_and_give_the_eer(small):
    trials = pd.read_parquet(small.path / "reports/speaker/predictions.parquet")
    metrics = json.loads((small.path / "reports/speaker/metrics.json").read_text())
    assert (trials.group_a != trials.group_b)[trials.same].all()  # sessions are crossed
    assert (trials.speaker_a == trials.speaker_b).equals(trials.same)
    assert metrics["eer"] == pytest.approx(float(scores.eer(scores.curve(trials.score, trials.same))))
    embedder = predictions.Embedder(small.path / "models/speaker")
    for row in trials[::7].itertuples():
        a, b = (embedder(small.audio / name) for name in (row.a, row.b))
        assert row.score == pytest.approx(float(a @ b), abs=2e-3)  # the store is in half precision
    assert metrics["threshold"] == embedder.config.release["threshold"]


def test_report_has_its_pictures_and_players(small):
    plots = {p.name for p in (small.path / "reports/speaker/plots").iterdir()}
    pictures = {"det.png", "distances.png", "dendrogram.png", "map.png", "learning_curves.png"}
    assert pictures | {"eer_by_duration.csv", "eer_by_crop.csv", "clusters.csv"} <= plots
    assert "Different speakers, taken for one" in (small.path / "reports/speaker/listening.html").read_text()


def test_a_second_repro_publishes_alone_and_an_evaluations_change_does_not_train(small):
    assert small.repro() == ["publish@speaker"]
    small.set(**{"evaluate.bootstrap": 120})
    assert small.repro() == ["evaluate-speaker", "publish@speaker"]
    small.set(**{"evaluate.bootstrap": 100})


def test_predict_embeds_with_the_champion(small):
    small.run("earmark", "promote", "speaker")
    names = [str(small.audio / f"s{i:02}_0_0.wav") for i in range(2)]
    done = small.run("earmark", "predict", "speaker", "--embed", "e.parquet", *names)
    assert "earmark-speaker version 1 (champion)" in done.stderr
    found = pd.read_parquet(small.path / "e.parquet")
    assert found.path.tolist() == names
    embedder = predictions.Embedder(small.path / "models/speaker")
    for name, vector in zip(names, found.embedding, strict=True):
        np.testing.assert_allclose(vector, embedder(name), atol=1e-6)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
