"""The feature store and the stage that fills it."""

import hashlib

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import data_settings, features_settings, noise, plain_progress, prepared, sines, tone
from earmark.errors import EarmarkError
from earmark.features import store
from earmark.features.classical import classical_features
from earmark.features.frames import recording_frames
from earmark.features.statistics import mfcc_statistics
from earmark.tasks.genre import features

LENGTHS = {"a": [3], "b": [2, 4, 1], "c": [1]}


def write(path, dtype: str = "float32", n_bands: int = 5, lengths=LENGTHS, settings=None, change: float = 0.0):
    """A store of random blocks; returns the values written, as given."""
    rng = np.random.default_rng(0)
    writer = store.Writer(path, n_bands, dtype, settings or {"kind": "x"})
    values = []
    for id_, sizes in lengths.items():
        blocks = [rng.standard_normal((n, n_bands)).astype(np.float32) for n in sizes]
        blocks[0][0, 0] += change
        writer.append(id_, iter(blocks))
        values += blocks
    writer.close()
    return np.concatenate(values)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("n_bands", [1, 5])
def test_round_trip(tmp_path, dtype, n_bands):
    values = write(tmp_path, dtype, n_bands).astype(dtype)
    got = store.load(tmp_path)
    assert got.values.dtype == dtype
    np.testing.assert_array_equal(got.values, values)
    np.testing.assert_array_equal(np.load(tmp_path / "values.npy", allow_pickle=False), values)
    assert got.ids == ["a", "b", "c"]
    assert got.offsets.tolist() == [0, 3, 10]
    assert got.lengths.tolist() == [3, 7, 1]
    assert got.settings == {"kind": "x"}
    np.testing.assert_array_equal(got.frames("b"), values[3:10])
    np.testing.assert_array_equal(got.frames("c"), values[10:])
    with pytest.raises(KeyError):
        got.frames("d")


def test_values_of_a_store_are_not_written_through(tmp_path):
    write(tmp_path)
    before = hashlib.sha256((tmp_path / "values.npy").read_bytes()).hexdigest()
    store.load(tmp_path).values[:] = 0
    assert hashlib.sha256((tmp_path / "values.npy").read_bytes()).hexdigest() == before


def test_nothing_is_readable_before_close(tmp_path):
    with pytest.raises(EarmarkError, match="no feature store"):
        store.load(tmp_path)
    write(tmp_path)
    writer = store.Writer(tmp_path, 5, "float32", {})
    writer.append("a", [np.zeros((3, 5), np.float32)])
    with pytest.raises(EarmarkError, match="run `dvc repro`"):
        store.load(tmp_path)
    writer.close()
    assert store.load(tmp_path).ids == ["a"]


def test_sha256_is_of_everything(tmp_path):
    def sha256(**changes) -> str:
        write(tmp_path, **changes)
        return store.load(tmp_path).sha256

    base = sha256()
    assert sha256() == base
    others = {
        "value": sha256(change=0.5),
        "ids": sha256(lengths={"b": [3], "a": [2, 4, 1], "c": [1]}),
        "lengths": sha256(lengths={"a": [3, 2], "b": [4, 1], "c": [1]}),
        "settings": sha256(settings={"kind": "y"}),
        "dtype": sha256(dtype="float16"),
    }
    assert base not in others.values()
    assert len(set(others.values())) == len(others)
    assert sha256(lengths={"a": [3], "b": [2, 4, 1], "c": [1]}) == base  # blocks' sizes are not content


@pytest.fixture
def table(folder) -> pd.DataFrame:
    """The folder's first recordings, in an order that is not the files'."""
    whole, _ = prepared("genre", data_settings(), folder, print)
    return whole.iloc[[7, 2, 13]].reset_index(drop=True)


def run(table, folder, out, workers=1, **changes) -> tuple[store.Store, np.ndarray, list[str]]:
    warnings: list[str] = []
    settings = features_settings(**changes)
    features.run(table, folder, settings, out, warnings.append, plain_progress, workers)
    return store.load(out), np.load(out / "statistics.npy"), warnings


def test_extract_keeps_the_manifests_order(table, folder, tmp_path):
    got, statistics, warnings = run(table, folder, tmp_path / "out")
    assert got.ids == list(table.path)
    assert warnings == []
    assert got.settings == features_settings().plain()
    assert statistics.shape == (3, 60)
    for i, path in enumerate(table.path):
        expected = np.concatenate(list(recording_frames(folder / path, features_settings())))
        np.testing.assert_allclose(got.frames(path), expected, atol=1e-6)
        np.testing.assert_allclose(statistics[i], mfcc_statistics(folder / path, 60.0))


def test_extract_by_any_number_of_workers_is_the_same(table, folder, tmp_path):
    one, statistics, _ = run(table, folder, tmp_path / "one", workers=1, dtype="float16")
    two, statistics_2, _ = run(table, folder, tmp_path / "two", workers=2, dtype="float16")
    assert two.sha256 == one.sha256
    np.testing.assert_array_equal(two.values, one.values)
    np.testing.assert_array_equal(statistics, statistics_2)


def test_what_the_classical_baseline_reads_lies_beside_in_the_manifests_order(table, folder, tmp_path):
    settings = features_settings(max_seconds=1.0)
    for workers in (1, 2):
        features.beside(table, folder, settings, tmp_path, plain_progress, workers)
        assert [path.name for path in tmp_path.glob("*.npy")] == ["classical.npy"]
        expected = [classical_features(folder / path, 1.0) for path in table.path]
        np.testing.assert_array_equal(np.load(tmp_path / "classical.npy"), expected)


def test_windows_longer_than_the_recordings_are_filled_and_that_is_said(table, folder, tmp_path):
    got, _, warnings = run(table, folder, tmp_path / "store", window_s=2.0, fill="pad")
    assert list(got.lengths) == [features_settings(window_s=2.0).window_frames] * 3
    assert warnings == [
        "tasks.genre.features.window_s is 2 s, longer than all 3 recordings (1.50 to 1.50 s): each is padded "
        "to that length with silence on both sides (features.fill: pad). At 1.5 s half of the recordings would be "
        "long enough."
    ]
    mostly_longer = table.assign(duration_s=[3.0, 3.0, *table.duration_s[2:]])
    assert run(mostly_longer, folder, tmp_path / "store", window_s=2.0)[2] == []


def test_warning_of_resampled_recordings():
    table = pd.DataFrame({"sample_rate": [22050, 8000, 8000, 44100]})
    warnings: list[str] = []
    settings = features_settings(sample_rate=22050, n_fft=1024, n_mels=64)
    features.warn_of_resampling(table, settings, warnings.append)
    up, down = sorted(warnings, key=lambda text: "44100" in text)
    bank = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=64)
    first = np.flatnonzero(bank[:, librosa.fft_frequencies(sr=22050, n_fft=1024) <= 4000].max(1) == 0)[0]
    assert up.startswith(f"2 recordings resampled from 8000 to 22050 Hz; their mel bands {first} to 63")
    assert "set features.f_max to 4000" in up
    assert down == "1 recording resampled from 44100 to 22050 Hz."
    warnings.clear()
    features.warn_of_resampling(
        table, features_settings(sample_rate=22050, n_fft=1024, n_mels=64, f_max=4000.0), warnings.append
    )
    assert not any("mel bands" in text for text in warnings)


def test_bands_that_hold_nothing_are_said_once_by_number(table, folder, tmp_path):
    asked = {"n_fft": 256, "n_mels": 120, "mel_scale": "htk", "f_min": 0.0}
    with pytest.raises(EarmarkError, match="mel filters are empty at n_fft 256"):
        run(table, folder, tmp_path / "refused", **asked)
    got, _, said = run(table, folder, tmp_path / "kept", **asked, empty_filters="keep")
    with pytest.warns(UserWarning, match="Empty filters"):
        bank = librosa.filters.mel(sr=8000, n_fft=256, n_mels=120, htk=True)
    empty = np.flatnonzero(bank.max(1) == 0).tolist()
    assert said == [
        f"{len(empty)} of 120 mel filters are so narrow that no FFT bin falls into them at n_fft 256: there is nothing "
        f"in bands {', '.join(map(str, empty))} (features.empty_filters: keep)."
    ]
    assert np.isfinite(got.values).all()
    assert (got.values[:, empty] == got.values[:, empty[:1]]).all()


def test_other_rates_are_refused_where_asked():
    table = pd.DataFrame({"path": ["a.wav", "b.wav", "c.wav"], "sample_rate": [22050, 8000, 44100]})
    asked = {"sample_rate": 22050, "n_fft": 1024, "n_mels": 64}
    text = (
        "2 of 3 recordings have a sample rate other than features.sample_rate (22050 Hz); the first is b.wav (8000 "
        "Hz): convert them, or set features.other_rates to resample."
    )
    with pytest.raises(EarmarkError) as caught:
        features.warn_of_resampling(table, features_settings(**asked, other_rates="refuse"), pytest.fail)
    assert str(caught.value) == text
    features.warn_of_resampling(table[:1], features_settings(**asked, other_rates="refuse"), pytest.fail)


@pytest.mark.parametrize("rate", [22050, 16000])
def test_statistics_equal_librosa(tmp_path, rate):
    x = noise(7.0, rate, 0.03) + sines(330, 7.0, rate, 0.2) * np.linspace(0, 1, 7 * rate, dtype=np.float32)
    sf.write(tmp_path / "a.wav", x, rate, subtype="FLOAT")
    for max_seconds in (None, 5.0):
        heard = x if max_seconds is None else x[: round(max_seconds * rate)]
        y = librosa.resample(heard, orig_sr=rate, target_sr=22050, res_type="soxr_hq") if rate != 22050 else heard
        mfcc = librosa.feature.mfcc(y=y, sr=22050, n_mfcc=20, n_fft=2048, hop_length=512, n_mels=128)
        expected = np.concatenate([mfcc.mean(1), mfcc.std(1), np.diff(mfcc, axis=1).std(1)])
        got = mfcc_statistics(tmp_path / "a.wav", max_seconds)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-2)


def test_statistics_of_bytes_and_of_a_short_sound(tmp_path):
    tone(tmp_path / "a.wav", seconds=0.01)
    got = mfcc_statistics((tmp_path / "a.wav").read_bytes(), 60.0)
    assert got.shape == (60,)
    assert np.isfinite(got).all()
