"""The speaker task's pipeline as a user runs it: dvc repro on a few made voices, with its tracking store."""

import json

import numpy as np
import pandas as pd
import pytest

from earmark.evaluation.listening import page
from earmark.tasks.speaker import predictions
from earmark.tasks.speaker.trials import scores

pytestmark = [pytest.mark.pipeline, pytest.mark.parametrize("small", ["speaker"], indirect=True)]


def table(small) -> pd.DataFrame:
    return pd.read_csv(small.path / "data/speaker/manifest.csv", dtype=str)


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
    pictures = {"det.png", "distances.png", "dendrogram.png", "map.png", "learning_curves.png", "confusion.png"}
    assert pictures | {"eer_by_duration.csv", "eer_by_crop.csv", "clusters.csv", "confusion.csv"} <= plots
    report = page.read(small.path / "reports/speaker/listening.html")
    assert {row["kind"] for row in report["rows"]} == {"trial", "query"}


def test_predict_embeds_with_the_champion(small):
    names = [str(small.audio / f"s{i:02}_0_0.wav") for i in range(2)]
    done = small.run("earmark", "predict", "speaker", "--embed", "champion.parquet", *names)
    assert "earmark-speaker version 1 (champion)" in done.stdout
    small.run("earmark", "predict", "speaker", "--embed", "e.parquet", "--model", "models/speaker", *names)
    found = pd.read_parquet(small.path / "e.parquet")
    assert found.path.tolist() == names
    embedder = predictions.Embedder(small.path / "models/speaker")
    for name, vector in zip(names, found.embedding, strict=True):
        np.testing.assert_allclose(vector, embedder(name), atol=1e-6)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
