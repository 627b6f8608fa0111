"""Speakers in the training loop: it learns tones as voices, resumes to the same weights, and grows its margin."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from earmark.errors import EarmarkError
from earmark.features.store import Store
from earmark.tasks.speaker import voices
from earmark.tasks.speaker.batches import SpeakerTask, ValidationTrials
from earmark.tasks.speaker.settings import (
    AamSoftmaxSettings,
    BlstmSettings,
    PairSettings,
    SimilaritySettings,
    SpeakerFeatureSettings,
    SpeakerTrainSettings,
    TdnnSettings,
    VoiceAugmentSettings,
)
from earmark.training import loop
from earmark.training.settings import AdamW, ConstantSchedule

FEATURES = SpeakerFeatureSettings(16000, 512, 160, 16, 20.0, 7600.0, 80.0, 0.0, (), "bands")
MODEL = TdnnSettings(width=0.1, embedding=16)
PAIR = PairSettings("symmetric", "add", "direction", True, 1.0, "sum", 1.0, 1.0, False)
LOSSES = {
    "aam": AamSoftmaxSettings(margin=0.2, margin_epochs=2, scale=20.0),
    "angular": SimilaritySettings(name="angular", scale=20.0),
    "contrastive": SimilaritySettings(name="contrastive", scale=20.0),
    "pairs": PAIR,
}
AUGMENT = VoiceAugmentSettings(0.3, 0.2, (5.0, 20.0), 0.3, 0.3, 6.0, 1, 5, 1, 3)
SETTINGS = SpeakerTrainSettings(
    loss=LOSSES["aam"], speakers=4, segments=2, segments_s=(0.2, 0.4), batches=12, optimizer=AdamW(), lr=0.01,
    weight_decay=0.0, epochs=3, average=0.0, keep="accuracy", patience=0, seed=1, device="cpu", precision="float32",
    schedule=ConstantSchedule(), augment=AUGMENT,
)  # fmt: skip


def speech(speakers: int, runs: int, seed: int) -> voices.Voices:
    """A voice is a frame with two loud bands that come and go."""
    rng = np.random.default_rng(seed)
    frames = []
    for speaker in range(speakers):
        bands = np.random.default_rng(speaker).choice(16, 2, replace=False)
        for _ in range(runs):
            x = -40 + 4 * rng.standard_normal((50, 16))
            x[:, bands] += 30 * (rng.random((50, 1)) > 0.4)
            frames.append(np.minimum(x, 0))
    n = len(frames)
    store = Store(
        np.concatenate(frames).astype(np.float16), np.arange(n) * 50, np.full(n, 50), [str(i) for i in range(n)], {}, ""
    )
    return voices.gather(store, [[i] for i in store.ids], np.repeat(np.arange(speakers), runs), 0.0)


def task(**changes) -> SpeakerTask:
    judged = speech(6, 4, 9)
    a, b = np.triu_indices(24, 1)
    heard = ValidationTrials(judged, a, b, judged.speakers[a] == judged.speakers[b])
    if isinstance(name := changes.get("loss"), str):
        changes |= {"loss": LOSSES[name]}
    settings = replace(SETTINGS, **changes)
    model = BlstmSettings(width=0.1, embedding=16, dropout=0.0) if isinstance(settings.loss, PairSettings) else MODEL
    names = [f"s{i}" for i in range(6)]
    return SpeakerTask(speech(6, 3, 1), heard, FEATURES, model, settings, torch.device("cpu"), names)


@pytest.mark.parametrize("loss", ["aam", "angular", "contrastive"])
def test_voices_are_told_apart_after_some_steps(loss):
    of = task(loss=loss, segments=3, epochs=10)
    before = of.validate(of.model)
    fit = loop.fit(of, of.settings)
    assert before["val/accuracy"] < 0.8
    assert max(row["val/accuracy"] for row in fit.history) > 0.9


def test_the_loss_of_pairs_runs_in_the_loop():
    of = task(loss="pairs", epochs=1, batches=3)
    fit = loop.fit(of, of.settings)
    assert math.isfinite(fit.history[0]["train/loss"])


def test_a_collapse_of_the_loss_of_pairs_is_said():
    of = task(loss=replace(PAIR, positive="clip"))
    assert of.alarm() is None
    loop.fit(of, replace(of.settings, epochs=1, batches=1))
    embeddings, speakers, loss = of.last
    of.last = torch.full_like(embeddings, 0.5), speakers, loss
    assert of.alarm().startswith("The embeddings have collapsed")
    assert of.validate(of.model)["train/dead_share"] == 0
    of.last = torch.full_like(embeddings, 1.5), speakers, loss
    assert of.validate(of.model)["train/dead_share"] == 1


def test_accuracy_is_one_minus_eer_and_loss_one_minus_auc():
    found = task().validate(task().model)
    assert found["val/accuracy"] == 1 - found["val/eer"]
    assert 0 <= found["val/loss"] <= 1


def test_the_margin_grows_and_a_resumed_training_goes_on_with_it(tmp_path):
    whole = task()
    fit = loop.fit(whole, whole.settings)
    assert int(whole.model.batches) == 36
    assert whole.model.head.margin == 0.2  # full after two epochs
    first = task()

    def stop(state, seconds):
        if state.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.fit(first, first.settings, tmp_path / "state.pt", None, stop)
    assert first.model.head.margin == pytest.approx(0.2 * 11 / 24)
    second = task()
    resumed = loop.fit(second, second.settings, tmp_path / "state.pt")
    assert resumed.history == fit.history
    for name, weight in fit.weights.items():
        assert torch.equal(weight, resumed.weights[name]), name


def test_a_loss_that_is_not_finite_names_the_speakers():
    of = task()
    of.segments.values[:] = float("nan")
    with pytest.raises(EarmarkError, match=r"not finite .* batch of s\d"):
        loop.fit(of, of.settings)


def test_sharpness_aware_training_ends_elsewhere_and_comes_back_from_a_checkpoint(tmp_path):
    few = {"batches": 3, "epochs": 2, "keep": "last"}
    plain, sharp = task(**few), task(**few, sam_rho=0.05)
    weights = [loop.fit(of, of.settings).weights for of in (plain, sharp)]
    assert not all(torch.equal(weights[0][name], w) for name, w in weights[1].items())
    loop.fit(task(**few), replace(sharp.settings, epochs=1), tmp_path / "state.pt")
    again = loop.fit(task(**few, sam_rho=0.05), sharp.settings, tmp_path / "state.pt").weights
    assert all(torch.equal(weights[1][name], w) for name, w in again.items())
