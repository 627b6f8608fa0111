"""Validation and test by one random crop, as sound_cnns has them: what is heard, and what the draws add."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from builders import features_settings, model_settings, train_settings
from earmark.evaluation.settings import EvaluateSettings
from earmark.features import store
from earmark.tasks.genre import dataset, folds, metrics, train
from earmark.tasks.genre.dataset import GenreDataset

SETTINGS = features_settings(window_s=0.5, window_hop_s=0.25)
SIZE, STRIDE = SETTINGS.window_frames, SETTINGS.window_stride
SPLITS = ("train", "train", "train", "val", "val", "test", "test", "test")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> GenreDataset:
    """Two classes of eight recordings of different lengths; of which class a moment sounds changes within them."""
    path = tmp_path_factory.mktemp("store") / "s"
    writer = store.Writer(path, SETTINGS.n_bands, "float32", SETTINGS.plain())
    rng, rows = np.random.default_rng(0), []
    for i in range(16):
        frames = rng.standard_normal((SIZE + 12 * (i % 8), SETTINGS.n_bands))
        at = np.arange(len(frames)) * (i % 8 > 0)
        frames[:, ::2] += 3 * np.sin(at[:, None] / 8 + i % 2 * np.pi / 2 + np.pi / 4)
        writer.append(f"{i}.wav", [frames.astype(np.float32)])
        rows.append((f"{i}.wav", "ab"[i % 2], str(i), SPLITS[i // 2], "fold1"))
    writer.close()
    table = pd.DataFrame(rows, columns=["path", "label", "group", "split", "fold"]).assign(sha256="")
    return dataset.gather("genre", table, store.load(path))


def fitted(sounds: GenreDataset, **changes):
    asked = train_settings(crops="random", epochs=3, batch_size=3, keep="last", **changes)
    return train.run(sounds, model_settings(), asked, None)


class EvenBands(nn.Module):
    """(N, 1, bands, frames) -> (N, 8): the mean of every other band, eight times."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0, ::2].mean((1, 2))[:, None].expand(-1, 8)


def test_a_crop_is_what_lies_at_its_start(sounds):
    task, _ = fitted(sounds)
    rows = sounds.rows("test")
    torch.manual_seed(3)
    by_crop, by_song, first = task.data.judge_crops(task.model, rows)
    room = np.array([len(store_frames(sounds, r)) - SIZE for r in rows])
    assert (first.numpy() <= room).all()
    assert (first > 0).any()
    x = torch.stack(
        [torch.from_numpy(store_frames(sounds, r)[a : a + SIZE].T.copy()) for r, a in zip(rows, first, strict=True)]
    )
    with torch.no_grad():
        expected, _ = task.model.eval()(x[:, None], torch.arange(len(rows)), len(rows))
    torch.testing.assert_close(by_crop, expected)
    torch.testing.assert_close(by_song, by_crop)


def store_frames(sounds: GenreDataset, row: int) -> np.ndarray:
    w = sounds.windows
    return np.asarray(w.values[w.offsets[row] : w.offsets[row] + w.lengths[row]])


def test_every_start_is_drawn_alike(sounds):
    task, _ = fitted(sounds)
    task.model.body = EvenBands()
    row = sounds.rows("test")[:1]
    room = len(store_frames(sounds, row[0])) - SIZE
    torch.manual_seed(0)
    drawn = [int(task.data.judge_crops(task.model, row)[2]) for _ in range(40 * (room + 1))]
    counts = np.bincount(drawn, minlength=room + 1)
    assert len(counts) == room + 1
    assert (np.abs(counts - 40) < 28).all()  # 4.5 deviations


def test_validation_hears_what_it_is_told_to(sounds):
    """Of the same network, which only the judging tells apart."""
    found = {}
    for on in ("windows", "crop"):
        task, _ = fitted(sounds, judged_on=on)
        task.model.load_state_dict(fitted(sounds)[0].model.state_dict())
        torch.manual_seed(5)
        found[on] = [task.validate(task.model)["val/loss"] for _ in range(3)]
    assert len(set(found["windows"])) == 1
    assert len({*found["crop"], *found["windows"]}) == 4  # each draw is another one
    task, _ = fitted(sounds, judged_on="crop")
    torch.manual_seed(5)
    figures = task.validate(task.model)
    torch.manual_seed(5)
    by_crop, _, _ = task.data.judge_crops(task.model, task.val)
    labels = torch.from_numpy(sounds.windows.labels[task.val])
    assert figures["val/loss"] == pytest.approx(float(-by_crop[torch.arange(4), labels].mean()))
    assert figures["val/accuracy"] == pytest.approx(float((by_crop.argmax(1) == labels).double().mean()))


def test_predictions_are_of_the_first_draw_and_the_others_are_told_of(sounds):
    task, _ = fitted(sounds, judged_on="crop")
    task.model.body = EvenBands()
    rows = sounds.rows("test")
    state = torch.get_rng_state()
    said, drawn = metrics.answers(sounds, task.model, task.data, rows, "crop", seed=7)
    assert torch.equal(torch.get_rng_state(), state)  # nothing else is drawn otherwise for it
    torch.manual_seed(7)
    by_hand = [task.data.judge_crops(task.model, rows) for _ in range(metrics.DRAWN)]
    labels = sounds.windows.labels[rows]
    assert drawn.tolist() == [(p.argmax(1).numpy() == labels).tolist() for _, p, _ in by_hand]
    assert len(drawn) == metrics.DRAWN == 20
    assert len(set(drawn.mean(1))) > 2
    assert said.recording.tolist() == sounds.table.path[rows].tolist()
    assert said.window.tolist() == [0] * len(rows)
    np.testing.assert_allclose(said.start_s, by_hand[0][2].numpy() * 256 / 8000)
    np.testing.assert_allclose(said[["recording_p_a", "recording_p_b"]], by_hand[0][1].exp())
    windows, nothing = metrics.answers(sounds, task.model, task.data, rows, "windows", seed=7)
    pd.testing.assert_frame_equal(windows, metrics.predict(sounds, task.model, task.data, rows))
    assert (nothing.shape, metrics.of_draws(nothing)) == ((0, len(rows)), {})
    assert len(windows) > len(said)


def test_figures_of_draws_by_hand():
    found = metrics.of_draws(np.array([[1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]], bool))
    assert found == {
        "crops_mean": 0.5,
        "crops_low": 0.25,
        "crops_high": 0.75,
        "crops_sd": pytest.approx(np.sqrt(1 / 24)),
    }


def test_evaluation_and_studies_tell_of_the_draws(sounds, tmp_path):
    for name, width in (("statistics", 60), ("classical", 538)):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).standard_normal((16, width)))
    for on in ("windows", "crop"):
        asked = train_settings(crops="random", epochs=1, batch_size=3, keep="last", judged_on=on)
        result, answers = folds.train_and_judge(sounds, tmp_path, model_settings(), asked)
        task, _ = train.run(sounds, model_settings(), asked, None)
        _, found = metrics.run(sounds, task.model, task.data, {}, EvaluateSettings(100, 1), on)
        cropped = on == "crop"
        assert ("crops_sd" in found) == ("crop_accuracies" in result) == cropped
        assert ("right_crops_accuracy" in answers) == cropped
        assert (found["n_windows"] == len(sounds.rows("test"))) == cropped
        if cropped:
            assert result["accuracy"] == result["crop_accuracies"][0] == pytest.approx(answers.right_accuracy.mean())
            assert (len(result["crop_accuracies"]), result["n_test"]) == (20, 6)
            assert found["crops_low"] <= found["accuracy"] <= found["crops_high"]
            assert folds.train_and_test(sounds, "fold1", tmp_path, asking(asked)).predictions.window.tolist() == [0] * 6


def test_a_study_has_each_recordings_share_of_right_draws(sounds, tmp_path, monkeypatch):
    right = np.arange(20)[:, None] < [0, 5, 10, 15, 20, 1]
    judge = metrics.answers
    monkeypatch.setattr(metrics, "answers", lambda *asked: (judge(*asked)[0], right))
    asked = train_settings(crops="random", epochs=1, batch_size=3, keep="last", judged_on="crop")
    result, answers = folds.train_and_judge(sounds, tmp_path, model_settings(), asked)
    assert answers.right_crops_accuracy.tolist() == [0, 0.25, 0.5, 0.75, 1, 0.05]
    assert answers.of_crops_accuracy.tolist() == [1] * 6
    assert result["crop_accuracies"][:2] == [pytest.approx(5 / 6), pytest.approx(4 / 6)]


def asking(asked):
    """What a cross-validation reads of a task's settings."""
    return type("Settings", (), {"model": model_settings(), "train": asked, "evaluate": EvaluateSettings(100, 1)})


def test_windows_that_are_trained_on_are_judged_too():
    with pytest.raises(ValueError, match="judged_on must be windows where crops is windows"):
        train_settings(judged_on="crop")
