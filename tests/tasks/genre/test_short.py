"""Clips shorter than a window: filled in every way of framing, heard alike in training and in an answer."""

import numpy as np
import pandas as pd
import pytest

from builders import (
    augment_settings,
    features_settings,
    model_settings,
    plain_progress,
    tone,
    train_settings,
)
from earmark import audio
from earmark.features import store
from earmark.tasks.genre import dataset, features, metrics, short, train
from earmark.tasks.genre.predictions import Predictor

SECONDS = (0.05, 0.1, 0.7, 1.9)
CASES = [
    {"kind": "log_mel", "fill": "tile", "normalize": "level", "trim_db": 60.0},
    {"kind": "log_mel", "fill": "pad_log", "normalize": "none", "trim_db": None},
    {"kind": "mfcc", "fill": "pad", "normalize": "none", "framing": "window"},
    {"kind": "mfcc", "fill": "tile", "normalize": "recording", "framing": "window"},
]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two classes of four lengths, and their manifest, a recording of each in training."""
    root = tmp_path_factory.mktemp("clips")
    rows = []
    for label, frequency in (("low", 220.0), ("high", 1760.0)):
        for i, seconds in enumerate(SECONDS):
            tone(root / f"{label}/{i}.wav", frequency + i, seconds, 8000)
            rows.append((f"{label}/{i}.wav", label, f"{label}{i}", ("train", "train", "val", "test")[i], seconds))
    return root, pd.DataFrame(rows, columns=["path", "label", "group", "split", "duration_s"]).assign(sample_rate=8000)


@pytest.mark.parametrize("changes", CASES)
@pytest.mark.parametrize("crops", ["windows", "random"])
def test_clips_are_filled_trained_on_and_judged_as_they_are_answered(clips, changes, crops, tmp_path):
    root, table = clips
    settings = features_settings(window_s=2.5, window_hop_s=0.5, dtype="float16", **changes)
    features.run(table, audio.folder(root, "mix"), settings, tmp_path / "f", lambda text: None, plain_progress, 1)
    found = dataset.gather("genre", table, store.load(tmp_path / "f"))
    assert found.windows.segment.tolist() == list(range(len(table)))  # a window each
    assert np.isfinite(found.windows.values.astype(float)).all()
    asked = train_settings(crops=crops, epochs=1, augment=augment_settings(stretch=0.2))
    fitted, _ = train.run(found, model_settings(), asked, tmp_path / "m")
    judged = metrics.predict(found, fitted.model, fitted.data, np.arange(len(table)))
    predictor = Predictor(tmp_path / "m", whole=False)
    for path, seconds, row in zip(table.path, table.duration_s, judged.to_dict("records"), strict=True):
        answer = predictor(root / path, timeline=True)
        said = [row[f"recording_p_{label}"] for label in found.classes]
        np.testing.assert_allclose(answer.probabilities, said, atol=1e-3)
        segments = [(s.start_s, s.end_s) for s in answer.timeline()]
        assert segments == [(0.0, pytest.approx(seconds, abs=1e-3))]


@pytest.mark.parametrize("fill", ["tile", "pad", "pad_log"])
def test_a_notice_says_how_they_are_filled(clips, fill):
    _, table = clips
    (sentence,) = short.notes(table, features_settings(window_s=2.5, fill=fill))
    assert sentence.startswith(
        "tasks.genre.features.window_s is 2.5 s, longer than all 8 recordings (0.05 to 1.90 s): "
    )
    assert f"(features.fill: {fill})" in sentence
    assert sentence.endswith("At 0.4 s half of the recordings would be long enough.")
    (sentence,) = short.notes(table, features_settings(window_s=2.5, window_hop_s=0.5, fill=fill))
    assert sentence.endswith("would be long enough. (window_hop_s, now 0.5 s, must not be longer than that.)")
    assert short.notes(table, features_settings(window_s=0.4, fill=fill)) == []
