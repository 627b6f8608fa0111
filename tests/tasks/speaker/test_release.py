"""A speaker model of the pipeline as a bundle: figures and thresholds of the very file, and what is refused."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load

from earmark.tasks import model_folder
from earmark.tasks.speaker.predictions import Embedder
from earmark.tasks.speaker.trials import lists, scores
from earmark.training import model_files
from project import write_params
from voice_audio import voices

RELEASE = ("release", "speaker", "--about", "buzzing voices", "--data", "Generated, CC0", "--out", "bundle")


@pytest.fixture
def place(workplace, earmark) -> Path:
    """A project whose speaker model is trained on fourteen voices."""
    voices(workplace / "audio", 14)
    write_params(workplace, "speaker", **{"data.root": "audio", "train.epochs": 1})
    for stage in ("prepare", "features", "train"):
        code, _, err = earmark(stage, "speaker")
        assert code == 0, err
    return workplace


def cosines(embedder: Embedder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Of a split's trials as prepared: scores by the audio itself, and which are of one speaker."""
    trials = lists.load(Path("data/speaker/trials.csv"))
    own = trials[trials["split"] == split]
    heard = {name: embedder(Path("audio") / name) for name in {*own.a, *own.b}}
    return np.array([heard[a] @ heard[b] for a, b in zip(own.a, own.b, strict=True)]), own.same.to_numpy(bool)


def test_a_speaker_model_is_released_with_figures_of_the_very_file(place, earmark):
    code, out, err = earmark(*RELEASE)
    assert code == 0, err
    assert "earmark: Releasing models/speaker." in err
    assert out.startswith("Wrote bundle: ")
    data = (place / "bundle/model.safetensors").read_bytes()
    assert {v.dtype for v in load(data).values() if v.is_floating_point()} == {torch.float16}
    bundled = model_folder.read_config(place / "bundle")
    facts, figures = bundled.release, bundled.release["figures"]["audio"]
    assert (facts["n_recordings"], facts["n_speakers"], bundled.labels) == (32, 8, [])
    embedder = Embedder(place / "bundle")
    learnt = model_files.read_learnt(place / "bundle")
    assert ([split for _, split in learnt].count("train"), {split for _, split in learnt}) == (32, {"train", "val"})
    score, same = cosines(embedder, "test")
    assert (figures["n_speakers"], figures["n_same_trials"]) == (3, same.sum())
    assert figures["eer"] == pytest.approx(float(scores.eer(scores.curve(score, same))), abs=1e-2)
    assert figures["auc"] == pytest.approx(float(scores.auc(scores.curve(score, same))), abs=1e-2)
    # The threshold lies where both errors of the validation speakers are equal, for these weights.
    score, same = cosines(embedder, "val")
    miss, false_alarm = np.mean(score[same] < facts["threshold"]), np.mean(score[~same] >= facts["threshold"])
    assert abs(miss - false_alarm) <= 1 / same.sum() + 1e-9
    for point in facts["operating_points"]:
        assert point["miss_rate"] == pytest.approx(np.mean(score[same] < point["threshold"] - 1e-6), abs=0.1)
    assert facts["speech_s"] == model_folder.read_config(place / "models/speaker").release["speech_s"] > 0
    text = (place / "bundle/CARD.md").read_text()
    low, high = figures["eer_ci95"]
    for statement in (
        "# buzzing voices\n",
        "Generated, CC0: 32 recordings of 8 speakers were trained on.",
        "audio: 3 speakers, 12 utterances, ",
        f"| eer | {figures['eer']:.3f} [{low:.3f}, {high:.3f}] | {figures['baseline_lda_eer']:.3f} [",
        f"from a cosine of {facts['threshold']:.3f} on",
        hashlib.sha256(data).hexdigest(),
        "earmark release speaker --about 'buzzing voices' --data 'Generated, CC0' --out bundle",
    ):
        assert statement in text
    whole = text + (place / "bundle/config.json").read_text()
    assert str(place) not in whole
    assert '"s00"' not in whole  # nobody is named


def test_what_cannot_be_released(place, earmark):
    code, _, err = earmark(*RELEASE, "-S", "train.epochs=2")
    assert (code, err) == (
        1,
        [
            (
                "earmark: A release of a speaker model trains nothing and measures the model itself; leave "
                "--figures and -S out."
            )
        ],
    )
    path = place / "data/speaker/manifest.csv"
    before = path.read_text()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    swapped = table["split"].replace({"test": "train", "train": "test"})
    table.assign(split=swapped).to_csv(path, index=False)
    code, _, err = earmark(*RELEASE)
    assert code == 1
    assert err[-1] == (
        "earmark: The model was trained on other recordings, or another split, than data/speaker and features/speaker "
        "hold; run `dvc repro` and `earmark promote speaker`, so that it was trained on none of its test "
        "speakers."
    )
    path.write_text(before)
    (place / "models/speaker/config.json").unlink()
    code, _, err = earmark(*RELEASE)
    assert (code, err[-1]) == (1, "earmark: There is no trained model in models/speaker; run `dvc repro` first.")
    assert not (place / "bundle").exists()


def test_a_model_that_met_no_validation_speakers_is_not_released(workplace, earmark):
    voices(workplace / "audio", 6)
    changes = {"data.root": "audio", "train.epochs": 1, "data.val_share": 0.0, "train.keep": "last"}
    write_params(workplace, "speaker", **changes | {"data.test_share": 0.4, "train.speakers": 3})
    for stage in ("prepare", "features", "train"):
        code, _, err = earmark(stage, "speaker")
        assert code == 0, err
    code, _, err = earmark(*RELEASE)
    assert (code, err[-1]) == (
        1,
        "earmark: A released speaker model carries thresholds, which are chosen on validation speakers, and there are "
        "none: set data.val_share above 0 and train again.",
    )
    assert not (workplace / "bundle").exists()
