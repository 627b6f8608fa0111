"""Answers for people: the timeline by hand, whole files in bounded memory, which model answers, bad files."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import noise, sines, tone
from bundles import LABELS, small_bundle, small_chord_bundle, small_model
from earmark.audio import AudioError
from earmark.errors import EarmarkError
from earmark.registry import resolve
from earmark.release import bundle
from earmark.tasks import catalog, model_folder
from earmark.tasks.genre import commands, predictions
from earmark.tasks.genre.predictions import Answer, GenreSegment, Predictor
from earmark.training import model_files


def answer(windows, window_s: float, stride_s: float, duration_s: float) -> Answer:
    windows = np.array(windows, float)
    starts = np.arange(len(windows)) * stride_s
    return Answer(["a", "b"], windows.mean(0), windows, starts, window_s, stride_s, duration_s)


def test_steps_are_means_over_the_windows_that_cover_them():
    p = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_allclose(predictions.by_step(p, 2.0), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(predictions.by_step(p, 1.0), p)
    # three strides to a window: 1, 2, 3, 2, 1 windows cover the steps
    np.testing.assert_allclose(predictions.by_step(p, 3.0)[:, 0], [1, 0.75, 0.5, 0.25, 0])
    # one window of four strides, and a window a little shorter than two strides, as rounding to frames makes it
    np.testing.assert_allclose(predictions.by_step(p[:1], 4.0), [[1, 0]] * 4)
    assert len(predictions.by_step(p, 1.95)) == 4


def test_timeline_merges_equal_answers_and_covers_the_recording():
    # windows of 2 s every second; steps: (1, 0), (.9, .1), (.4, .6), (0, 1)
    got = answer([[1, 0], [0.8, 0.2], [0, 1]], 2.0, 1.0, 4.25).timeline()
    assert [(s.start_s, s.end_s, s.label) for s in got] == [(0, 2, "a"), (2, 4.25, "b")]
    assert [s.probability for s in got] == pytest.approx([0.95, 0.8])


def test_timeline_overlap_outvotes_a_single_odd_window():
    # the odd second window alone says b; averaged with its neighbours no step does
    got = answer([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]], 2.0, 1.0, 4.0).timeline()
    assert [(s.start_s, s.end_s, s.label) for s in got] == [(0, 4, "a")]
    assert got[0].probability == pytest.approx((0.9 + 0.65 + 0.65 + 0.9) / 4)


def test_timeline_of_a_recording_shorter_than_its_window():
    assert answer([[0.3, 0.7]], 2.0, 1.0, 0.4).timeline() == [GenreSegment(0.0, 0.4, "b", 0.7)]


def test_plain_names_the_runner_up():
    plain = Answer(["a", "b", "c"], np.array([0.2, 0.7, 0.1]), np.ones((1, 3)), np.zeros(1), 1, 1, 1).plain()
    assert plain == {
        "label": "b",
        "probability": 0.7,
        "runner_up": "a",
        "probabilities": {"a": 0.2, "b": 0.7, "c": 0.1},
    }


def test_whole_file_is_read_beyond_max_seconds(tmp_path):
    folder = small_model(tmp_path / "model", max_seconds=2.0)
    path = tone(tmp_path / "long.wav", seconds=10, rate=8000)
    stride = 8 * 256 / 8000
    whole, first = Predictor(folder)(path), Predictor(folder, whole=False)(path)
    # 10 s are 313 frames (62.5 frames for 2 s: 63); windows of 16 frames every 8
    assert (len(whole.starts_s), len(first.starts_s)) == ((313 - 16) // 8 + 1, (63 - 16) // 8 + 1)
    assert (whole.duration_s, first.duration_s) == (10.0, 2.0)
    assert whole.starts_s[-1] == pytest.approx(37 * stride)
    assert whole.timeline()[-1].end_s == 10.0


def test_batches_of_windows_change_nothing(tmp_path, monkeypatch):
    predictor = Predictor(small_model(tmp_path / "model"))
    path = tmp_path / "mix.wav"
    sf.write(path, np.concatenate([sines(300, 6, 8000), noise(6, 8000)]), 8000)
    one = predictor(path)
    monkeypatch.setattr(predictions, "WINDOWS_AT_ONCE", 3)
    three = predictor(path)
    np.testing.assert_allclose(one.window_probabilities, three.window_probabilities, atol=1e-6)
    assert np.ptp(one.window_probabilities[:, 0]) > 0.01


def test_timeline_keeps_the_recordings_own_seconds(tmp_path):
    """Quiet ends are cut before the windows; the timeline has them, the recording's answer has not."""
    predictor = Predictor(small_model(tmp_path / "model", trim_db=40.0))
    uncut = Predictor(small_model(tmp_path / "uncut", trim_db=None))
    path = tmp_path / "late.wav"
    late = np.concatenate([noise(4, 8000, level=1e-5), noise(4, 8000), sines(300, 4, 8000)])
    sf.write(path, late, 8000, subtype="FLOAT")
    placed, cut = predictor(path, timeline=True), predictor(path)
    np.testing.assert_array_equal(placed.probabilities, cut.probabilities)
    np.testing.assert_array_equal(placed.window_probabilities, uncut(path).window_probabilities)
    assert np.abs(cut.window_probabilities - placed.window_probabilities).max() > 0.01


def test_silence_says_nothing(tmp_path):
    sf.write(tmp_path / "zeros.wav", np.zeros(8000), 8000)
    with pytest.raises(AudioError, match="digital silence"):
        Predictor(small_model(tmp_path / "model"))(tmp_path / "zeros.wav")


MEMORY = """
import resource, sys
from pathlib import Path
import torch
from earmark.tasks.genre.predictions import Predictor
torch.set_num_threads(1)
predictor, peaks, windows = Predictor(Path(sys.argv[1])), [], []
for path in sys.argv[2:]:
    windows.append(len(predictor(path).starts_s))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*peaks, *windows)
"""


def test_long_file_takes_no_more_memory_than_a_short_one(tmp_path):
    folder = small_model(tmp_path / "model")
    rng = np.random.default_rng(0)
    for name, minutes in (("short.wav", 2), ("long.wav", 20)):
        with sf.SoundFile(tmp_path / name, "w", 8000, 1) as file:
            for _ in range(minutes):
                file.write(0.1 * rng.standard_normal(60 * 8000))
    command = [sys.executable, "-c", MEMORY, folder, tmp_path / "short.wav", tmp_path / "long.wav"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long, n_short, n_long = map(int, done.stdout.split())
    # the samples alone would take 38 MB, the windows of the whole file 14 MB
    assert long - short < 12_000  # KiB
    assert n_short == (120 * 8000 // 256 + 1 - 16) // 8 + 1
    assert n_long == (1200 * 8000 // 256 + 1 - 16) // 8 + 1


def test_memory_of_a_long_file_at_full_rate(tmp_path):
    """At 44.1 kHz the heap does not grow either: what is kept of each block must not scatter over it."""
    settings = {"sample_rate": 44100, "n_fft": 1024, "hop_length": 441, "n_mels": 64, "trim_db": 60.0}
    folder = small_model(tmp_path / "model", **settings)
    minute = noise(60, 44100)
    for name, minutes in (("short.wav", 3), ("long.wav", 15)):
        with sf.SoundFile(tmp_path / name, "w", 44100, 1) as file:
            for _ in range(minutes):
                file.write(minute)
    command = [sys.executable, "-c", MEMORY, folder, tmp_path / "short.wav", tmp_path / "long.wav"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    short, long, *_ = map(int, done.stdout.split())
    assert long - short < 12_000  # KiB


@pytest.fixture
def nowhere(workplace):
    """A folder outside every project, without a tracking store, and a released bundle."""
    small_bundle(workplace / "bundles")
    return workplace


def test_bundle_answers_and_says_what_it_knows(nowhere, earmark):
    tone(nowhere / "a.wav", rate=8000)
    code, out, err = earmark("predict", "genre", "a.wav", "--json")
    (got,) = json.loads(out)
    assert code == 0
    assert list(got) == ["path", "label", "probability", "runner_up", "probabilities", "error", "model"]
    assert got["path"] == "a.wav"
    assert sum(got["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert got["model"] == {
        "name": "earmark's released genre bundle",
        "source": "bundle",
        "version": None,
        "sha256": model_files.weights_sha256(nowhere / "bundles/genre"),
    }
    assert (got["error"], err) == (None, [])
    _, out, err = earmark("predict", "genre", "a.wav")
    assert out.splitlines()[:2] == [
        "Answering with earmark's released genre bundle, which knows tones, three classes; after `earmark promote "
        "genre` your own model answers.",
        "It tells 3 classes apart: high, low, noise.",
    ]
    assert err == []


def test_bundle_needs_neither_project_nor_mlflow(nowhere):
    tone(nowhere / "a.wav", rate=8000)
    program = (
        "import sys; from pathlib import Path; from earmark.release import bundle; from earmark.cli import app\n"
        "bundle.ROOT = Path('bundles')\n"
        "sys.argv = ['earmark', 'predict', 'genre', 'a.wav']\n"
        "try: app.main()\nexcept SystemExit as e: assert not e.code, e.code\n"
        "print('mlflow' in sys.modules)"
    )
    before = sorted(p.name for p in nowhere.iterdir())
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=nowhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"
    assert sorted(p.name for p in nowhere.iterdir()) == before


def test_table_shows_runner_up_and_its_probability(nowhere, earmark, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    tone(nowhere / "a[b].wav", rate=8000)
    _, out, _ = earmark("predict", "genre", "a[b].wav")
    plain = Predictor(nowhere / "bundles/genre")("a[b].wav").plain()
    row = next(line for line in out.splitlines() if "a[b].wav" in line)
    cells = re.split("  +", row)
    second = plain["runner_up"]
    expected = [plain["label"], f"{plain['probability']:.3f}", f"{second} ({plain['probabilities'][second]:.3f})"]
    assert cells == ["a[b].wav", *expected]


def test_bad_files_do_not_lose_the_others_answers(nowhere, earmark):
    for name in ("a.wav", "z.wav"):
        tone(nowhere / name, rate=8000)
    (nowhere / "broken.wav").write_text("no audio")
    (nowhere / "folder").mkdir()
    files = ["a.wav", "broken.wav", "gone.wav", "folder", "z.wav"]
    code, out, err = earmark("predict", "genre", *files, "--json")
    assert code == 1
    found = json.loads(out)
    assert [a["path"] for a in found] == files
    assert [a["label"] is not None for a in found] == [True, False, False, False, True]
    assert {f"earmark: {a['error']}" for a in found if a["error"]} == set(err)
    assert (found[1]["probability"], found[1]["model"]) == (None, found[0]["model"])
    assert len(err) == 3
    gone, folder, broken = err
    assert gone == "earmark: There is no file or folder gone.wav."
    assert folder == "earmark: There is no recording in the folder folder; name another folder, or files."
    assert broken.startswith("earmark: broken.wav cannot be used: it cannot be decoded as audio (")


def test_timeline_in_json_and_table_and_offered_for_long_files(nowhere, earmark, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    tone(nowhere / "long.wav", rate=8000, seconds=61)
    _, out, _ = earmark("predict", "genre", "long.wav", "--json", "--timeline")
    timeline = json.loads(out)[0]["timeline"]
    assert set(timeline[0]) == {"start_s", "end_s", "label", "probability"}
    assert (timeline[0]["start_s"], timeline[-1]["end_s"]) == (0, 61)
    assert all(a["end_s"] == b["start_s"] and a["label"] != b["label"] for a, b in itertools.pairwise(timeline))
    _, out, err = earmark("predict", "genre", "long.wav")
    assert "mean probability" not in out
    assert err[-1] == "earmark: long.wav lasts 1:01.0; --timeline says what is heard when."
    _, out, err = earmark("predict", "genre", "long.wav", "--timeline")
    assert "mean probability" in out
    assert "1:01.0" in out
    assert err == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3 * 3600 + 62, "3:01:02.0")]
)
def test_clock(seconds, text):
    assert commands.clock(seconds) == text


def test_named_model_comes_first_and_mistakes_are_sentences(nowhere):
    other = small_model(nowhere / "other", seed=1)
    assert resolve.model(catalog.task("genre"), str(other)).folder == other
    with pytest.raises(EarmarkError, match=r"There is no model folder othr; name one, or a URI"):
        resolve.model(catalog.task("genre"), "othr")
    with pytest.raises(EarmarkError, match="There is no trained model in bundles"):
        resolve.model(catalog.task("genre"), "bundles")
    with pytest.raises(EarmarkError, match="There is no tracking store here to load models:/earmark-genre/1 from"):
        resolve.model(catalog.task("genre"), "models:/earmark-genre/1")
    assert not list(Path().glob("ml*"))


def test_no_model_at_all(nowhere, monkeypatch):
    monkeypatch.setattr(bundle, "ROOT", nowhere / "none")
    with pytest.raises(EarmarkError, match="no champion and no released bundle; run `earmark promote genre`"):
        resolve.model(catalog.task("genre"))


def test_model_of_another_task_is_refused(nowhere):
    small_chord_bundle(nowhere / "bundles/chord")
    with pytest.raises(EarmarkError, match="is a model of the task 'chord', not of 'genre'"):
        resolve.model(catalog.task("genre"), str(nowhere / "bundles/chord"))


def test_champion_comes_before_the_bundle_once_there_is_one(nowhere, monkeypatch):
    (nowhere / "params.yaml").write_text("")
    import mlflow

    from earmark.registry import tracking, versions

    tracker = tracking.connect("genre")
    mlflow.set_experiment("another")
    folder = small_model(nowhere / "model", seed=2)
    run_id = tracker.create("run", {}, {})
    settings = model_folder.read_config(folder)
    version = versions.register(tracker.client, catalog.task("genre"), run_id, folder, settings, {})
    assert tracker.client.get_logged_model(versions.logged_model(version)).experiment_id == tracker.experiment_id
    assert "bundle" in resolve.model(catalog.task("genre")).name
    tracker.client.set_registered_model_alias("earmark-genre", "champion", version.version)
    chosen = resolve.model(catalog.task("genre"))
    assert chosen.name == "earmark-genre version 1 (champion)"
    assert chosen.sentence == f"Answering with {chosen.name}; `earmark promote genre` changes the champion."
    assert model_files.weights_sha256(chosen.folder) == model_files.weights_sha256(folder)
    code = {p.name for p in (chosen.folder.parents[1] / "code/earmark").iterdir()}
    assert {"registry", "tasks"} <= code
    assert not code & {"bundles", "__pycache__"}
    with pytest.raises(EarmarkError, match="There is no model models:/earmark-genre/7 to fetch"):
        resolve.model(catalog.task("genre"), "models:/earmark-genre/7")
    # outside the project the store is asked where it is named
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{nowhere / 'mlflow.db'}")
    (nowhere / "params.yaml").unlink()
    assert resolve.model(catalog.task("genre")).name == "earmark-genre version 1 (champion)"


def test_half_precision_weights_answer_as_the_full_ones(tmp_path):
    full = Predictor(small_model(tmp_path / "model", seed=3))
    half = Predictor(small_bundle(tmp_path, seed=3))
    path = tone(tmp_path / "a.wav", rate=8000)
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}
    difference = np.abs(full(path).probabilities - half(path).probabilities).max()
    assert 0 < difference < 5e-3
    assert full.config.labels == LABELS
