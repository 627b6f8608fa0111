"""What sound_cnns failed by: exact zeros in clips, and what writing 0 for log(0) does to a quiet clip."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch

from builders import augment_settings, features_settings, model_settings, tone, train_settings
from bundles import small_model
from earmark import config
from earmark.audio import AudioError
from earmark.errors import EarmarkError
from earmark.features import store
from earmark.features.frames import samples_frames
from earmark.tasks.genre import dataset, train
from earmark.tasks.genre.predictions import Predictor
from project import REPOSITORY

RATE = 8000
CLASSES = 3
CLIPS = 12
OURS = features_settings(dtype="float16", window_s=1.0, window_hop_s=0.5)
HIS = features_settings(dtype="float32", window_s=1.0, window_hop_s=0.5, normalize="none", log_floor="zero")


def clip(label: int, seed: int) -> np.ndarray:
    """A second of noise in one of three bands at a level of its own, then half a second of exact zeros."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(RATE))
    frequency = np.fft.rfftfreq(RATE, 1 / RATE)
    low = (300, 1000, 2200)[label]
    spectrum[(frequency < low) | (frequency > 1.6 * low)] *= 0.05
    sound = np.fft.irfft(spectrum) * rng.uniform(0.05, 0.15)
    return np.concatenate([sound, np.zeros(RATE // 2)]).astype(np.float32)


def clips(path, settings, level_db: float, seed: int) -> dataset.GenreDataset:
    """A store of three classes at a level, half of it training and half test."""
    writer = store.Writer(path, settings.n_bands, settings.dtype, settings.plain())
    rows = []
    for i in range(CLASSES * CLIPS):
        x = clip(i % CLASSES, 1000 * seed + i) * 10 ** (level_db / 20)
        writer.append(f"{i}.wav", samples_frames([x.astype(np.float32)], settings))
        split = "train" if i < CLASSES * CLIPS // 2 else "test"
        rows.append({"path": f"{i}.wav", "label": "abc"[i % CLASSES], "group": str(i), "split": split})
    writer.close()
    return dataset.gather("genre", pd.DataFrame(rows), store.load(path))


def accuracies(tmp_path, settings, name: str) -> dict[int, float]:
    """Accuracy on test clips at 0, -20 and -40 dB of a network trained at 0 dB."""
    rule = train_settings(
        epochs=40, keep="last", lr=0.01, crops="random", batch_size=6, augment=augment_settings(stretch=0.1)
    )
    network = model_settings(name=name, width=0.25, channels=8, hidden=16)
    at = {level: clips(tmp_path / str(level), settings, level, 1) for level in (0, -20, -40)}
    task, fit = train.run(at[0], network, rule, None)
    assert all(np.isfinite(row["train/loss"]) for row in fit.history)
    found = {}
    for level, data in at.items():
        rows = data.rows("test")
        _, answer = type(task.data)(data.windows).predict(task.model, rows)
        found[level] = float((answer.argmax(1).numpy() == data.windows.labels[rows]).mean())
    return found


def test_clips_with_exact_zeros_train_and_level_does_not_matter(tmp_path):
    torch.manual_seed(0)
    assert accuracies(tmp_path, OURS, "cnn") == {0: 1.0, -20: 1.0, -40: 1.0}


def test_zero_for_the_log_of_nothing_fails_on_quiet_clips(tmp_path):
    his = accuracies(tmp_path, HIS, "cnn")
    assert his[0] == pytest.approx(1.0, abs=0.06)
    assert his[-20] < 0.8
    assert his[-40] < 0.5


RAW = features_settings(**HIS.plain() | {"log_floor": "none"})


def trained(tmp_path, settings, filtered: str) -> torch.Tensor:
    """All weights of Net, narrow, after two epochs on clips with exact zeros."""
    rule = train_settings(epochs=2, keep="last", crops="random", batch_size=6, judged_on="crop")
    network = model_settings(name="net", width=0.125, filter=filtered)
    task, _ = train.run(clips(tmp_path / filtered, settings, 0, 1), network, rule, tmp_path / f"model-{filtered}")
    return torch.cat([p.flatten() for p in task.model.parameters()])


def test_a_filter_in_forward_is_the_same_as_zeros_before(tmp_path):
    """To the bit: what the article says helped little and what it says helped compute the same."""
    forward, before = trained(tmp_path, RAW, "forward"), trained(tmp_path, HIS, "none")
    assert torch.isfinite(forward).all()
    assert torch.equal(forward, before)


def test_a_filter_in_the_test_alone_leaves_minus_infinity_to_the_training(tmp_path):
    """Where the article's code has it; the first step would make every weight NaN."""
    with pytest.raises(EarmarkError, match=r"The loss is not finite \(nan\) in epoch 1"):
        trained(tmp_path, RAW, "test")


def test_a_model_with_a_filter_answers_as_it_was_judged(tmp_path):
    trained(tmp_path, RAW, "forward")
    sf.write(tmp_path / "a.wav", clip(1, 5), RATE, subtype="FLOAT")
    answer = Predictor(tmp_path / "model-forward")(tmp_path / "a.wav")
    assert np.isfinite(answer.window_probabilities).all()
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            ["features.log_floor=none"],
            "features.log_floor 'none' leaves minus infinity in the features, which only net, resnetish and vggish",
        ),
        (["features.log_floor=none", "model.name=net"], "with model.filter forward or test"),
        (["train.judged_on=crop", "features.framing=window", "features.trim_db=null"], "for features.framing window"),
        (["model.filter=forward"], "filter is a key for name net or resnetish18"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(said, sentence):
    raw = [*(f"tasks.genre.{one}" for one in said), "tasks.genre.features.normalize=none"]
    with pytest.raises(EarmarkError) as caught:
        config.load_task(REPOSITORY / "params.yaml", "genre", [*raw, "tasks.genre.features.trim_db=null"])
    assert sentence in str(caught.value)


def test_a_model_of_one_rate_alone_refuses_others(tmp_path):
    folder = small_model(tmp_path / "m", other_rates="refuse")
    tone(tmp_path / "a.wav", seconds=1, rate=8000)
    tone(tmp_path / "b.wav", seconds=1, rate=22050)
    assert Predictor(folder)(tmp_path / "a.wav").label
    with pytest.raises(AudioError, match="its sample rate is 22050 Hz, but the model takes 8000 Hz alone; convert it"):
        Predictor(folder)(tmp_path / "b.wav")
    Predictor(small_model(tmp_path / "n"))(tmp_path / "b.wav")


def test_raw_logs_of_zeros_are_minus_infinity_without_any_floor():
    """What the article met first: its features hold -inf, and one step makes every weight NaN."""
    from earmark.features.spectral import MelPower

    power = MelPower(OURS)(torch.from_numpy(clip(0, 0)))
    assert power.log().isneginf().any()
    assert all(np.isfinite(b).all() for s in (OURS, HIS) for b in samples_frames([clip(0, 0)], s))
