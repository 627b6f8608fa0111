"""The training loop: seeded, resumable to the same weights, honest about non-finite losses, bare of other imports."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from builders import augment_settings, model_settings, schedule_settings, train_settings
from earmark.errors import EarmarkError
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.windows import Windows
from earmark.training import loop

N_FRAMES, N_BANDS = 16, 24


def sounds(n_recordings: int = 12, seed: int = 0) -> Windows:
    """Recordings of 2 to 5 windows, classes told apart by which third of the bands is loud."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_recordings) % 3
    counts = rng.integers(2, 6, n_recordings)
    segment = np.repeat(np.arange(n_recordings), counts)
    values = rng.standard_normal((len(segment) * N_FRAMES, N_BANDS)).astype(np.float32)
    loud = np.repeat(labels[segment], N_FRAMES)
    for c in range(3):
        values[loud == c, c * 8 : (c + 1) * 8] += 2
    starts = np.arange(len(segment)) * N_FRAMES
    places = N_FRAMES * (np.cumsum(counts) - counts), N_FRAMES * counts
    return Windows(values, starts, segment, *places, labels, [f"r{i}" for i in range(n_recordings)], N_FRAMES)


def task(windows: Windows | None = None, model: dict | None = None, **changes) -> GenreTask:
    windows = windows or sounds()
    n = len(windows.ids)
    parts = np.arange(0, n - 3), np.arange(n - 3, n)
    settings = train_settings(**changes)
    return GenreTask(windows, *parts, 3, model_settings(**model or {}), settings, torch.device("cpu"))


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("loss", ["frame", "song"])
def test_learns_what_can_be_learnt(loss):
    settings = train_settings(loss=loss, epochs=12, lr=0.01, batch_size=4)
    fit = loop.fit(task(model={"channels": 8, "hidden": 16, "dropout": 0.0}, loss=loss, batch_size=4), settings)
    assert fit.history[-1]["train/loss"] < 0.5 * fit.history[0]["train/loss"]
    assert max(row["val/accuracy"] for row in fit.history) == 1.0
    assert [row["epoch"] for row in fit.history] == list(range(1, 13))


def test_kept_weights_are_those_of_the_lowest_validation_loss():
    settings = train_settings(epochs=6, lr=0.05)
    seen = []
    model = task(epochs=6, lr=0.05)

    def keep(fit, _seconds):
        seen.append({k: v.clone() for k, v in model.model.state_dict().items()})

    fit = loop.fit(model, settings, on_epoch=keep)
    losses = [row["val/loss"] for row in fit.history]
    assert fit.best_epoch == 1 + int(np.argmin(losses))
    assert same(fit.weights, seen[fit.best_epoch - 1])


def test_patience_stops_early():
    settings = train_settings(epochs=50, lr=0.05, patience=2)
    fit = loop.fit(task(), settings)
    assert fit.epoch == fit.best_epoch + 2 < 50


CHANGES = {
    "sgd": {"optimizer": "sgd", "momentum": 0.9},
    "rmsprop": {"optimizer": "rmsprop"},
    "adam": {"optimizer": "adam", "schedule": schedule_settings(name="onecycle")},
    "averaged": {"optimizer": "adamw", "average": 0.9, "schedule": schedule_settings(name="cosine")},
    "sam": {"sam_rho": 0.1, "crops": "random", "augment": augment_settings(mel_roll=2)},
    "plateau": {"lr": 0.05, "schedule": schedule_settings(name="plateau", patience=0)},
    "augmented": {"crops": "random", "augment": augment_settings(mel_roll=2, stretch=0.2, equalizer_db=3.0)},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("stop", [1, 3])
def test_resumed_training_ends_in_the_same_weights(tmp_path, changes, stop):
    settings = train_settings(epochs=5, **changes)

    def task():
        return globals()["task"](**changes)

    whole = loop.fit(task(), settings)

    class StopError(Exception):
        pass

    def interrupt(fit, _seconds):
        if fit.epoch == stop:
            raise StopError

    checkpoint = tmp_path / "state.pt"
    with pytest.raises(StopError):
        loop.fit(task(), settings, checkpoint, on_epoch=interrupt)
    started = []
    resumed = loop.fit(task(), settings, checkpoint, on_start=lambda fit: started.append(fit.epoch))
    assert started == [stop]
    assert resumed.history == whole.history
    assert same(resumed.weights, whole.weights)


def test_half_written_checkpoint_is_never_read(tmp_path):
    settings = train_settings(epochs=2)
    checkpoint = tmp_path / "state.pt"
    loop.fit(task(), settings, checkpoint)
    checkpoint.rename(checkpoint.with_suffix(".partial"))
    started = []
    loop.fit(task(), settings, checkpoint, on_start=lambda fit: started.append(fit.epoch))
    assert started == [0]


def test_checkpoint_holds_no_pickled_objects(tmp_path):
    checkpoint = tmp_path / "state.pt"
    loop.fit(task(), train_settings(epochs=1), checkpoint)
    assert set(torch.load(checkpoint, weights_only=True)) == {"fit", "model", "optimizer", "schedule"}


def test_seed_decides_everything():
    one, again = (loop.fit(task(), train_settings()) for _ in range(2))
    other = loop.fit(task(seed=2), train_settings(seed=2))
    assert same(one.weights, again.weights)
    assert not same(one.weights, other.weights)


def test_non_finite_loss_stops_and_names_the_recordings():
    windows = sounds()
    windows.values[windows.starts[windows.segment == 4][0]] = np.nan
    with pytest.raises(EarmarkError, match=r"not finite \(nan\) in epoch 1, in the batch of .*\br4\b"):
        loop.fit(task(windows, loss="song", batch_size=2), train_settings(loss="song", batch_size=2))


@pytest.mark.parametrize("loss", ["frame", "song"])
def test_every_training_window_is_drawn_once_an_epoch(loss):
    t = task(loss=loss, batch_size=4)
    torch.manual_seed(0)
    drawn = torch.cat(list(t.batches()))
    x, _, songs, segment = t.examples(drawn)
    windows = t.data.windows.of(np.arange(9))
    assert (len(x), songs.tolist()) == (len(windows), list(range(9)))
    torch.testing.assert_close(segment.sort().values, torch.from_numpy(t.data.windows.segment[windows]))
    assert sorted(drawn.tolist()) == (windows.tolist() if loss == "frame" else list(range(9)))


def random_task(**changes) -> GenreTask:
    return task(**{"crops": "random", "batch_size": 4} | changes)


def test_random_crops_are_one_a_recording_from_anywhere_in_it():
    t = random_task(batch_size=9)
    torch.manual_seed(0)
    seen = {r: set() for r in range(9)}
    for _ in range(120):
        (batch,) = t.batches()
        x, targets, songs, segment = t.examples(batch)
        assert sorted(songs.tolist()) == list(range(9))
        assert segment.tolist() == list(range(9))
        assert torch.equal(targets.argmax(1), t.labels[songs])
        for crop, r in zip(x, songs.tolist(), strict=True):
            whole = t.data.values[t.data.offsets[r] : t.data.offsets[r] + t.data.lengths[r]].T
            starts = [i for i in range(whole.shape[1] - 15) if torch.equal(whole[:, i : i + 16], crop[0])]
            assert len(starts) == 1
            seen[r] |= set(starts)
    for r, starts in seen.items():
        assert starts <= set(range(int(t.data.lengths[r]) - 15))
        assert len(starts) > 0.8 * (t.data.lengths[r] - 15)


def test_random_crops_learn_too():
    settings = train_settings(crops="random", epochs=40, lr=0.01, batch_size=4)
    plain = task(model={"channels": 8, "hidden": 16, "dropout": 0.0}, crops="random", batch_size=4)
    fit = loop.fit(plain, settings)
    assert max(row["val/accuracy"] for row in fit.history) == 1.0


def test_steps_are_the_batches_of_an_epoch():
    for batch_size in range(2, 12):
        for crops in ("windows", "random"):
            t = task(batch_size=batch_size, crops=crops)
            assert t.steps() == len(list(t.batches()))


def test_without_validation_the_last_weights_are_kept():
    windows, last = sounds(), {}
    settings = train_settings(keep="last", epochs=3)
    t = GenreTask(windows, np.arange(12), np.arange(0), 3, model_settings(), settings, torch.device("cpu"))
    fit = loop.fit(t, settings, on_epoch=lambda *_: last.update(t.model.state_dict()))
    assert fit.best_epoch == 3
    assert set(fit.history[0]) == {"epoch", "train/lr", "train/loss"}
    assert same(fit.weights, last)


def test_highest_validation_accuracy_is_kept_where_asked():
    settings = train_settings(keep="accuracy", epochs=6, lr=0.05)
    fit = loop.fit(task(keep="accuracy", lr=0.05), settings)
    accuracies = [row["val/accuracy"] for row in fit.history]
    assert fit.best_epoch == 1 + int(np.argmax(accuracies))


# The decay after that many steps, where the setting allows .9: .5, .9 and .99 to the 18th, then the setting.
@pytest.mark.parametrize(
    ("done", "decay"), [(1, 3.814697265625e-06), (9, 0.150094635296999), (99, 0.834513761450087), (199, 0.9)]
)
def test_decay_of_the_average_warms_up(done, decay):
    model = torch.nn.BatchNorm1d(1)
    average = loop.moving_average(model, 0.9)
    average.n_averaged.fill_(done)
    with torch.no_grad():
        average.module.weight.fill_(1.0)
        model.weight.fill_(0.0)
        model.running_mean.fill_(5.0)
        model.num_batches_tracked.fill_(7)
    average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(decay, rel=1e-5, abs=1e-12)
    assert (average.module.running_mean.item(), average.module.num_batches_tracked.item()) == (5.0, 7)


def test_average_of_the_weights_is_judged_and_kept(monkeypatch):
    steps, step = [], loop.Trained.step

    def noting(self, *args):
        step(self, *args)
        steps.append({k: v.detach().clone() for k, v in self.model.state_dict().items()})

    monkeypatch.setattr(loop.Trained, "step", noting)
    fit = loop.fit(task(batch_size=2), train_settings(batch_size=2, average=0.4, epochs=2, keep="last"))
    expected = steps[0]["head.weight"]
    for n, weights in enumerate(steps[1:], start=2):
        decay = min(0.4, ((n - 1) / n) ** 18)
        expected = decay * expected + (1 - decay) * weights["head.weight"]
    torch.testing.assert_close(fit.weights["head.weight"], expected)
    assert not torch.equal(fit.weights["head.weight"], steps[-1]["head.weight"])
    buffers = [name for name, _ in task().model.named_buffers()]
    assert buffers
    assert all(torch.equal(fit.weights[name], steps[-1][name]) for name in buffers)


def constant_decay(model: torch.nn.Module, decay: float) -> AveragedModel:
    """An average that does not warm up."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


@pytest.mark.parametrize(("seed", "epochs"), [(3, 4), (4, 4), (3, 5)])  # losses near 0, far from any border
def test_average_of_a_short_training_is_as_good_as_the_plain_weights(monkeypatch, seed, epochs):
    def last(average: float) -> loop.Row:
        same = {"lr": 0.01, "batch_size": 4, "seed": seed}
        wide = task(model={"channels": 8, "hidden": 16, "dropout": 0.0}, **same)
        return loop.fit(wide, train_settings(epochs=epochs, average=average, keep="last", **same)).history[-1]

    plain, averaged = last(0.0), last(0.99)
    assert averaged["val/accuracy"] == plain["val/accuracy"] == 1.0
    assert averaged["val/loss"] == pytest.approx(plain["val/loss"], abs=0.03)
    assert averaged["train/loss"] == plain["train/loss"]
    monkeypatch.setattr(loop, "moving_average", constant_decay)
    cold = last(0.99)
    assert cold["val/accuracy"] < 0.7
    assert cold["val/loss"] > 1.0  # log(3) of who knows nothing


def test_checkpoint_of_an_average_that_did_not_warm_up_is_read(tmp_path, monkeypatch):
    settings, checkpoint = train_settings(average=0.9, epochs=3, keep="last"), tmp_path / "state.pt"
    with monkeypatch.context() as former:
        former.setattr(loop, "moving_average", constant_decay)
        before = loop.fit(task(), replace(settings, epochs=2), checkpoint)
    fit = loop.fit(task(), settings, checkpoint)
    assert fit.history[:2] == before.history
    assert fit.epoch == 3
    assert not same(fit.weights, before.weights)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_of_products(precision):
    t = task(precision=precision)
    with loop.autocast(torch.device("cpu"), precision):
        h = t.model.body(t.data.gather(torch.arange(4)))
    assert h.dtype == (torch.bfloat16 if precision == "bfloat16" else torch.float32)
    loss, _ = t.loss(torch.arange(8))
    assert loss.dtype == torch.float32


def test_learning_rate_of_every_epoch_is_noted():
    step = schedule_settings(name="step", step_epochs=1, gamma=0.5)
    fit = loop.fit(task(lr=0.01), train_settings(lr=0.01, epochs=3, schedule=step))
    assert [row["train/lr"] for row in fit.history] == [0.01, 0.005, 0.0025]


def test_no_batch_of_one_window():
    t = task(batch_size=2)
    n = len(t.units)
    t.settings = replace(t.settings, batch_size=n - 1)
    assert [len(b) for b in t.batches()] == [n]
    assert t.steps() == 1


def test_validation_figures_equal_a_loop():
    t = task(loss="song")
    t.model.eval()
    right, losses = [], []
    for r in t.val:
        x = t.data.gather(torch.from_numpy(t.data.windows.of(np.array([r]))))
        _, by_song = t.model(x, torch.zeros(len(x), dtype=torch.int64), 1)
        label = t.data.windows.labels[r]
        right.append(by_song.argmax().item() == label)
        losses.append(-by_song[0, label].item())
    found = t.validate(t.model)
    assert found["val/accuracy"] == np.mean(right)
    assert found["val/loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_unknown_device_is_one_sentence():
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device, so asking for one is no mistake")
    with pytest.raises(EarmarkError, match="no CUDA device"):
        loop.pick_device("cuda")
    assert loop.pick_device("auto").type == "cpu"


def test_core_needs_torch_torchaudio_and_numpy_only():
    script = """
import sys
allowed = {"torch", "torchaudio", "numpy", "earmark"}
class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pandas", "mlflow", "dvc", "sklearn", "soundfile", "soxr", "librosa", "pydantic",
                                  "yaml", "safetensors", "matplotlib", "rich", "typer", "scipy", "filelock"}:
            raise ImportError(name)
sys.meta_path.insert(0, Bare())
import earmark.training.loop, earmark.tasks.genre.batches, earmark.features.store, earmark.tasks.genre.windows
import earmark.features.spectral, earmark.nn.describe, earmark.tasks.chord.batches, earmark.tasks.speaker.batches
print("bare")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "bare", done.stderr[-500:]


def test_windows_followed_in_validation_are_spread_over_the_recording():
    t = task()
    counts = t.data.counts(np.arange(12))
    assert t.data.spread(np.arange(12), 1000).tolist() == list(range(counts.sum()))
    some = t.data.spread(np.array([3, 7]), 3).tolist()
    expected = []
    for r in (3, 7):
        first, n = t.data.bounds[r], counts[r]
        expected += sorted({first, first + round((n - 1) / 2), first + n - 1})
    assert some == expected


def test_a_small_network_is_trained_by_one_thread():
    settings, seen = train_settings(epochs=1), []
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        loop.fit(task(), settings, on_epoch=lambda *_: seen.append(torch.get_num_threads()))
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)
