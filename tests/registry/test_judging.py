"""A registered version judged on recordings of the working tree."""

import hashlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from builders import data_settings, plain_progress, small_folder
from bundles import config, weights
from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.registry import judging, tracking, versions
from earmark.tasks.genre.predictions import Predictor
from earmark.training import model_files
from stores import NAME, TASK, run


@pytest.fixture
def rows(project: Path) -> pd.DataFrame:
    """Six recordings as a prepared manifest has them; one of a label that the model never learnt."""
    small_folder(project / "audio")
    paths = [f"{label}/{i}.wav" for label in ("high", "low", "noise") for i in (0, 3)]
    table = pd.DataFrame({"path": paths, "label": ["high", "high", "low", "low", "noise", "hiss"], "split": "test"})
    shas = [hashlib.sha256((project / "audio" / path).read_bytes()).hexdigest() for path in paths]
    facts = {"duration_s": 1.5, "sample_rate": 8000, "channels": 1, "peak": 0.5}
    return table.assign(group=[f"g{i}" for i in range(6)], sha256=shas, **facts)


@pytest.fixture
def number(rows) -> str:
    """A version of a network of random weights, whose files lie with a run."""
    tracker = tracking.connect("genre")
    client, run_id = tracker.client, run(tracker)
    tensors = weights(config())
    model_files.write(Path("model"), config(), tensors, [{"epoch": 1, "val/loss": 0.5}], "")
    client.log_text(run_id, "flavors: {}\n", "model/MLmodel")
    client.log_artifacts(run_id, "model", "model/artifacts/genre")
    client.create_registered_model(NAME)
    place = client.get_run(run_id).info.artifact_uri
    return str(client.create_model_version(NAME, f"{place}/model", run_id).version)


def judged(rows, number: str, **changes) -> tuple[dict, list[str]]:
    """Its figures, and what is said; outcomes are of the same answers."""
    said, version = [], tracking.present().get_model_version(NAME, number)
    settings = SimpleNamespace(data=data_settings(root="audio", **changes), evaluate=EvaluateSettings(100, 1))
    found, kept = judging.judge_version(TASK, version, rows, settings, said.append, plain_progress)
    assert kept.right.mean() == found["accuracy"]
    assert list(kept.recording) == list(rows.path)
    assert list(kept.part) == list(rows.label)
    return found, said


def test_figures_are_those_of_the_models_answers_and_unknown_labels_wrong(rows, number):
    found, said = judged(rows, number)
    answers = [Predictor(Path("model"), whole=False)(Path("audio") / path) for path in rows.path]
    right = np.array([a.label == label for a, label in zip(answers, rows.label, strict=True)])
    assert not right[5]
    assert 0 < right.sum() < 5
    assert found["accuracy"] == right.mean()
    confidence = [a.probabilities.max() for a in answers]
    assert found["n_recordings"] == 6
    assert found["n_windows"] == sum(len(a.starts_s) for a in answers)
    assert found["model_sha256"] == model_files.weights_sha256(Path("model"))
    assert abs(np.mean(confidence) - right.mean()) <= found["ece"] + 1e-6
    assert not [name for name in found if "baseline" in name]
    assert said == ["Version 1 does not know 'hiss': 1 of the 6 recordings count as wrong answers."]
    assert not list(Path(".earmark").glob("judged-*"))


def test_audio_that_is_gone_or_another(rows, number):
    Path("audio/low/0.wav").unlink()
    with pytest.raises(EarmarkError) as error:
        judged(rows, number)
    assert str(error.value) == "audio/low/0.wav is missing; put it back, or run `dvc repro publish@genre`"
    Path("audio/low/0.wav").write_bytes(b"RIFF")
    with pytest.raises(EarmarkError) as error:
        judged(rows, number)
    assert str(error.value) == (
        "audio/low/0.wav has changed since data/genre was prepared; run `dvc repro publish@genre`"
    )


def test_the_channel_that_is_read_is_checked_as_a_file(rows, number):
    assert judged(rows, number, channels=1)[0]["n_recordings"] == 6


def test_weights_that_do_not_fit(rows, number, project):
    wider = replace(config(), model=replace(config().model, hidden=16))
    place = versions.download(f"models:/{NAME}/{number}")
    model_files.write(place, wider, {"x": torch.zeros(1)}, [{"epoch": 1}], "")
    with pytest.raises(EarmarkError, match="its weights do not fit the network that this earmark builds"):
        judged(rows, number)


def test_settings_that_this_earmark_does_not_know(rows, number):
    place = versions.download(f"models:/{NAME}/{number}") / "config.json"
    place.write_text(place.read_text().replace('"n_mels"', '"n_bands"'))
    with pytest.raises(EarmarkError, match="has settings that this earmark does not know"):
        judged(rows, number)


def test_other_code_of_features_is_said(rows, number):
    client = tracking.present()
    client.set_model_version_tag(NAME, number, versions.FEATURES_CODE, versions.features_code(TASK))
    assert len(judged(rows, number)[1]) == 1
    client.set_model_version_tag(NAME, number, versions.FEATURES_CODE, "0" * 64)
    assert judged(rows, number)[1][0] == (
        "The code that computes features has changed since version 1 was published: the version is tested "
        "with today's code, which `earmark predict` uses, too."
    )
