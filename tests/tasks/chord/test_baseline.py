"""The chord baseline beside librosa itself, on chords that are known, and its figures by hand."""

import itertools
import warnings

import librosa
import numpy as np
import pytest
import soundfile as sf

from builders import noise, plain_progress, sines
from chord_audio import song as sung
from chord_audio import songs as sung_songs
from chord_songs import segments, song
from earmark import audio
from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.chord import baseline, chroma, features, metrics, scores
from earmark.tasks.chord.baseline import LABELS, SHARPNESS, STAY
from earmark.tasks.chord.notation.lab import LabSegment

RATE = 22050
SETTINGS = EvaluateSettings(200, 1)


def triad(root_hz: float, third: int, seconds: float) -> np.ndarray:
    return sum(sines(root_hz * 2 ** (n / 12), seconds, RATE, 0.2) for n in (0, third, 7))


def test_chroma_equals_librosas(tmp_path):
    x = triad(220.0, 3, 5.0) + noise(5.0, RATE, 0.01)
    sf.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    found = chroma.chroma_of(tmp_path / "a.wav")
    expected = librosa.feature.chroma_cqt(y=x, sr=RATE, hop_length=2048, norm=None, bins_per_octave=36, n_octaves=7)
    assert (found.shape, found.dtype) == ((1 + len(x) // 2048, 12), np.float32)
    np.testing.assert_allclose(found, expected.T, rtol=1e-4, atol=1e-4)
    assert set(np.argsort(found.sum(0))[-3:]) == {9, 0, 4}  # A, C and E


def test_a_detuned_chord_falls_into_the_same_classes(tmp_path):
    sf.write(tmp_path / "a.wav", triad(261.63 * 2 ** (0.4 / 12), 4, 5.0), RATE)
    assert [s.label for s in baseline.decode(chroma.chroma_of(tmp_path / "a.wav"))] == ["C:maj"]


def test_pieces_of_a_long_recording_are_the_whole(tmp_path, monkeypatch):
    x = np.concatenate([triad(220.0, 3, 12.0), triad(196.0, 4, 8.0)])
    sf.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    whole = chroma.chroma_of(tmp_path / "a.wav")
    monkeypatch.setattr(chroma, "PIECE", 100 * 2048)  # 9.3 s
    parts = chroma.chroma_of(tmp_path / "a.wav")
    assert parts.shape == whole.shape
    inside = np.r_[0:88, 112:188, 212 : len(whole)]  # a second from where pieces meet
    np.testing.assert_allclose(parts[inside], whole[inside], rtol=0, atol=0.1)
    assert whole.max() > 10
    exact = x[: 100 * 2048]
    sf.write(tmp_path / "b.wav", exact, RATE, subtype="FLOAT")
    assert len(chroma.chroma_of(tmp_path / "b.wav")) == 101


@pytest.mark.parametrize("n", [1200, 2205, RATE])
@pytest.mark.parametrize("kind", ["silence", "constant", "noise"])
def test_short_silent_and_constant_recordings_have_chords_and_no_warning(tmp_path, n, kind):
    x = {"silence": np.zeros(n), "constant": np.full(n, 0.3), "noise": noise(1.0)[:n]}[kind].astype(np.float32)
    sf.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = chroma.chroma_of(tmp_path / "a.wav")
        heard = baseline.decode(found)
    assert np.isfinite(found).all()
    assert (heard[0].start_s, heard[-1].end_s) == (0.0, pytest.approx((len(found) - 0.5) * chroma.HOP_S))
    if kind == "silence":
        assert [s.label for s in heard] == ["N"]


def test_templates_are_the_triads_in_the_order_of_their_labels():
    found = baseline.templates()
    assert (found.shape, len(LABELS)) == ((24, 12), 25)
    for name, tones in (("C:maj", (0, 4, 7)), ("A:maj", (9, 1, 4)), ("C:min", (0, 3, 7)), ("B:min", (11, 2, 6))):
        np.testing.assert_allclose(found[LABELS.index(name)], np.isin(np.arange(12), tones) / np.sqrt(3))


def test_probabilities_by_hand():
    exact = np.isin(np.arange(12), (0, 4, 7)) * 2.0
    flat = np.ones(12)
    quiet = np.full(12, 1e-3)
    found = baseline.probabilities(np.stack([exact, flat, quiet]))
    shared = [len({0, 4, 7} & set(np.flatnonzero(t))) / 3 for t in baseline.templates()]  # the cosine of two triads
    expected = np.exp(SHARPNESS * np.array([*shared, 0.5]))
    np.testing.assert_allclose(found[0], expected / expected.sum())
    assert LABELS[found[0].argmax()] == "C:maj"
    np.testing.assert_allclose(found[1], 1 / 25)  # no closer to one triad than to another, or to none
    silent = np.exp(SHARPNESS * np.eye(25)[-1])
    np.testing.assert_allclose(found[2], silent / silent.sum())


def test_the_path_is_the_likeliest_of_all():
    rng = np.random.default_rng(3)
    found = rng.random((4, 12)).astype(np.float32) ** 3
    p, best = baseline.probabilities(found), (-np.inf, ())
    for path in itertools.product(range(25), repeat=4):
        changes = sum(a != b for a, b in itertools.pairwise(path))
        score = np.log(p[range(4), path]).sum() + changes * np.log((1 - STAY) / 24) + (3 - changes) * np.log(STAY)
        best = max(best, (score, path))
    heard = baseline.decode(found)
    bounds = (np.arange(4) * chroma.HOP_S).tolist()
    at = [next(s.label for s in heard if s.start_s <= t < s.end_s) for t in bounds]
    assert at == [LABELS[i] for i in best[1]]


def test_a_change_lies_between_the_frames():
    found = np.zeros((60, 12), np.float32)
    found[:30, [0, 4, 7]] = 1
    found[30:, [9, 0, 4]] = 1
    step = chroma.HOP_S
    assert baseline.decode(found) == [
        LabSegment(0.0, pytest.approx(29.5 * step), "C:maj"),
        LabSegment(pytest.approx(29.5 * step), pytest.approx(59.5 * step), "A:min"),
    ]


def test_sung_triads_are_heard(tmp_path):
    truth = sung(tmp_path / "a.wav", "C:maj A:min F:maj G:maj", 2)
    chroma.save(tmp_path, {"a": chroma.chroma_of(tmp_path / "a.wav")})
    (found,) = baseline.songs([scores.ScoredSong("a", truth, [], "a", 2, 2)], tmp_path)
    assert (found.key_truth, found.key_estimate) == (24, 24)
    assert [s.label for s in found.estimate][-4:] == ["D:maj", "B:min", "G:maj", "A:maj"]
    assert scores.evaluate([found], 0)["majmin"] > 0.9


def test_chroma_is_kept_by_name(tmp_path):
    rng = np.random.default_rng(0)
    for lengths in ([3, 1, 2], [4], []):
        found = {f"é{n}.wav": rng.random((n, 12)).astype(np.float32) for n in lengths}
        chroma.save(tmp_path, found)
        again = chroma.load(tmp_path)
        assert list(again) == list(found)
        for name, values in found.items():
            np.testing.assert_array_equal(again[name], values)
            assert again[name].dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == ["chroma.npz"]


def test_chroma_that_is_missing_is_said(tmp_path):
    with pytest.raises(EarmarkError, match=r"There is no .*chroma.npz; run `dvc repro` to extract the features again."):
        baseline.songs([song("C 1", "C 1", "a")], tmp_path)
    chroma.save(tmp_path, {"b": np.ones((3, 12), np.float32)})
    with pytest.raises(EarmarkError, match=r"chroma.npz lacks 'a'; run `dvc repro`"):
        baseline.songs([song("C 1", "C 1", "a")], tmp_path)


def test_figures_stand_beside_the_models_and_keys_are_not_scored():
    model = [song("C 3 | G 1", "C 4", "a", (0, 0)), song("A:min 4", "A:min 4", "b", (21, 0))]
    heard = [segments("C 2 | G 2"), segments("A 4")]
    ours = [scores.ScoredSong(s.name, s.truth, estimate, s.group) for s, estimate in zip(model, heard, strict=True)]
    found = baseline.figures(model, ours, SETTINGS)
    assert found["baseline_majmin"] == pytest.approx(3 / 8)  # 2 s of C, 1 s of G, no minor chord
    assert found["baseline_root"] == pytest.approx(7 / 8)
    assert found["majmin_minus_baseline"] == pytest.approx(7 / 8 - 3 / 8)
    low, high = found["majmin_minus_baseline_ci95"]
    assert low < 0.5 < high
    assert not [name for name in found if "key" in name]
    assert {name.removesuffix("_ci95") for name in found} == {
        "majmin_minus_baseline",
        *(f"baseline_{name}" for name in scores.HEADLINES if not name.startswith("key")),
    }
    whole = metrics.pooled_figures(model, SETTINGS, ours)
    assert set(found) < set(whole)
    assert {"majmin", "baseline_majmin", "majmin_minus_baseline"} < set(whole["ci95_methods"]["gaffke"])
    assert not [name for name in metrics.pooled_figures(model, SETTINGS, None) if "baseline" in name]


def test_where_nothing_is_major_or_minor_there_is_no_difference():
    one = [song("C:sus4 2", "C 2", "a")]
    found = baseline.figures(one, one, SETTINGS)
    assert "baseline_root" in found
    assert not [name for name in found if "majmin" in name]


def test_chroma_is_written_for_test_songs_alone(tmp_path):
    root = sung_songs(tmp_path / "songs")
    table = manifest.read_csv(root / "manifest.csv", ())
    table = table.assign(split=["test", "train", "val", "test", *["train"] * 6], duration_s=6.5)
    for workers in (1, 2):
        features.beside(table, audio.folder(root, "mix"), None, tmp_path, plain_progress, workers)
        found = chroma.load(tmp_path)
        assert list(found) == ["s0.wav", "s3.wav"]
        np.testing.assert_array_equal(found["s3.wav"], chroma.chroma_of(root / "s3.wav"))
