"""How windows become a recording's answer: where each way is used, and what refuses it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
import yaml

from builders import features_settings, model_settings, noise, train_settings
from earmark import config
from earmark.errors import EarmarkError
from earmark.evaluation.metrics import majority_vote
from earmark.features import store
from earmark.tasks import overrides
from earmark.tasks.genre import dataset, folds, metrics, train
from earmark.tasks.genre.dataset import GenreDataset
from earmark.tasks.genre.predictions import Predictor
from project import REPOSITORY

SETTINGS = features_settings(window_s=0.5, window_hop_s=0.25)
SIZE, STRIDE = SETTINGS.window_frames, SETTINGS.window_stride
SPLITS = ("train", "train", "train", "val", "test", "test", "test", "test")
VOTED = ("mean_prob", "mean_logit", "majority_vote")


@pytest.fixture(scope="module")
def songs(tmp_path_factory) -> GenreDataset:
    """Three classes of eight recordings of five windows; most windows of a recording sound of no class."""
    path = tmp_path_factory.mktemp("store") / "s"
    writer = store.Writer(path, SETTINGS.n_bands, "float32", SETTINGS.plain())
    rng, rows = np.random.default_rng(0), []
    for i in range(24):
        frames = rng.standard_normal((SIZE + 4 * STRIDE, SETTINGS.n_bands))
        frames[: 2 * STRIDE, i % 3 :: 3] += 1
        writer.append(f"{i}.wav", [frames.astype(np.float32)])
        rows.append((f"{i}.wav", "abc"[i % 3], str(i), SPLITS[i // 3], "fold1"))
    writer.close()
    table = pd.DataFrame(rows, columns=["path", "label", "group", "split", "fold"]).assign(sha256="")
    return dataset.gather("genre", table, store.load(path))


def asked_for(loss: str):
    return train_settings(loss, epochs=6, lr=0.02, batch_size=3 if loss == "song" else 15, keep="last")


def fitted(songs: GenreDataset, pooling: str, loss: str, out: Path | None = None):
    return train.run(songs, model_settings(pooling=pooling), asked_for(loss), out)[0]


def weights(task) -> torch.Tensor:
    return torch.cat([value.flatten().double() for name, value in task.model.named_parameters() if "att" not in name])


def settings(**changes):
    raw = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    overrides.put_all(raw, {f"tasks.genre.{key}": value for key, value in changes.items()})
    return config.parse_task(raw, "genre")


@pytest.mark.parametrize(
    ("loss", "pooling", "sentence"),
    [
        ("song", "majority_vote", "'majority_vote' has no gradient, which the song loss needs; set train.loss.name to"),
        ("frame", "attention", "'attention' is trained only by the song loss; set train.loss.name to song"),
    ],
)
def test_what_a_loss_cannot_train_is_refused(loss, pooling, sentence):
    with pytest.raises(EarmarkError, match=f"model.pooling {sentence}"):
        settings(**{"model.pooling": pooling, "train.loss.name": loss, "train.crops": "windows"})


@pytest.mark.parametrize("pooling", VOTED)
def test_the_frame_loss_goes_with_every_other_aggregation(pooling):
    assert settings(**{"model.pooling": pooling}).model.pooling == pooling


def test_one_frame_trained_network_is_read_in_three_ways(songs):
    """The weights are the same; of the recordings something else is said, and of the windows not."""
    of = {pooling: fitted(songs, pooling, "frame") for pooling in VOTED}
    said = {p: metrics.predict(songs, t.model, t.data, songs.rows("test")) for p, t in of.items()}
    first = said["mean_prob"]
    for pooling in VOTED[1:]:
        assert torch.equal(weights(of[pooling]), weights(of["mean_prob"]))
        np.testing.assert_array_equal(said[pooling].probability, first.probability)
        assert np.abs(said[pooling].recording_probability - first.recording_probability).max() > 0.01
    p = first[["p_a", "p_b", "p_c"]].to_numpy()
    voted = majority_vote(p, np.repeat(np.arange(12), 5), 12)
    assert said["majority_vote"].recording_predicted[::5].tolist() == [songs.classes[i] for i in voted]


def test_the_song_loss_trains_another_network_with_each(songs):
    of = [weights(fitted(songs, p, "song")) for p in ("mean_prob", "mean_logit", "attention")]
    of.append(weights(fitted(songs, "mean_prob", "frame")))
    for i, one in enumerate(of):
        for other in of[:i]:
            assert (one - other).abs().max() > 1e-4


def test_attention_is_trained_and_heard(songs):
    """Its weights move from where they start, and windows do not count alike."""
    task = fitted(songs, "attention", "song")
    before = train.task_of(songs, model_settings(pooling="attention"), task.settings).model
    assert (task.model.attention.score.weight - before.attention.score.weight).abs().max() > 1e-4
    rows = songs.rows("test")[:1]
    with torch.no_grad():
        x = task.data.gather(torch.from_numpy(songs.windows.of(rows)))
        _, by_song = task.model.eval()(x, torch.zeros(5, dtype=torch.int64), 1)
        h = task.model.body(x)
    assert (by_song[0] - task.model.head(h.mean(0)).log_softmax(0)).abs().max() > 1e-4


def test_a_study_counts_the_aggregations_answers(songs):
    rows = songs.rows("test")
    for pooling in VOTED:
        _, answers = folds.train_and_judge(songs, Path(), model_settings(pooling=pooling), asked_for("frame"))
        task = fitted(songs, pooling, "frame")
        _, by_song = task.data.predict(task.model, rows)
        assert answers.predicted.tolist() == [songs.classes[i] for i in by_song.argmax(1)]
        np.testing.assert_allclose(answers[["p_a", "p_b", "p_c"]], by_song.exp(), rtol=1e-6)


def test_a_model_folder_answers_as_its_settings_say(songs, tmp_path):
    """predict and registered models read the folder's config.json, and need nothing else."""
    fitted(songs, "mean_prob", "frame", tmp_path)
    audio, rate = tmp_path / "a.wav", SETTINGS.sample_rate
    sf.write(audio, noise(2.0, rate) * np.linspace(0.01, 1, 2 * rate), rate)
    known = json.loads((tmp_path / "config.json").read_text())
    assert known["model"]["pooling"] == "mean_prob"
    answers = {}
    for pooling in VOTED:
        known["model"]["pooling"] = pooling
        (tmp_path / "config.json").write_text(json.dumps(known))
        answers[pooling] = Predictor(tmp_path)(audio)
    by_window = answers["mean_prob"].window_probabilities
    np.testing.assert_allclose(answers["mean_prob"].probabilities, by_window.mean(0), rtol=1e-5)
    mean = np.exp(np.log(by_window).mean(0))
    np.testing.assert_allclose(answers["mean_logit"].probabilities, mean / mean.sum(), rtol=1e-4)
    votes = np.bincount(by_window.argmax(1), minlength=3) / len(by_window)
    np.testing.assert_allclose(answers["majority_vote"].probabilities, votes, atol=0.01)
