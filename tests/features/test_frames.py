"""Frames of a recording: librosa's numbers, however the samples come in blocks."""

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import features_settings, noise, sines, song_mil_features
from earmark.features import frames as of_frames
from earmark.features import rows
from earmark.features.frames import mirrored_around, recording_frames, samples_frames, sliding, spooled, together
from earmark.features.torchaudio_lite import torchaudio


def frames(x: np.ndarray, s, cuts=()) -> np.ndarray:
    """All frames of the samples x, given in blocks cut at `cuts`."""
    return np.concatenate(list(samples_frames(np.split(x, sorted(cuts)), s)))


def music(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Noise and tones whose level changes."""
    x = noise(seconds, rate, 0.05, seed) + sines(440, seconds, rate, 0.3) + sines(rate / 6, seconds, rate, 0.2)
    return (x * np.linspace(1, 0.05, len(x))).astype(np.float32)


@pytest.fixture(autouse=True, scope="module")
def blocks_as_they_are_cut():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(of_frames, "AT_ONCE", 1)
        yield


@given(sizes=st.lists(st.integers(0, 9), max_size=12), least=st.integers(1, 20))
def test_blocks_together_hold_the_same_samples_and_are_large(sizes, least):
    blocks = np.split(np.arange(sum(sizes), dtype=np.float32), np.cumsum(sizes)[:-1]) if sizes else []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(of_frames, "AT_ONCE", least)
        found = list(together(blocks))
    assert [x for block in found for x in block] == list(range(sum(sizes)))
    assert all(least <= len(block) < least + 9 for block in found[:-1])


def test_song_mil_windows_equal_librosa(tmp_path):
    s = song_mil_features()
    x = music(61.0, s.sample_rate)
    sf.write(tmp_path / "a.wav", x, s.sample_rate, subtype="FLOAT")
    got = np.concatenate(list(recording_frames(tmp_path / "a.wav", s)))
    windows = librosa.util.frame(x[: 60 * s.sample_rate], frame_length=110250, hop_length=55125, axis=0)
    expected = np.stack(
        [librosa.feature.mfcc(y=w, sr=s.sample_rate, n_mfcc=13, n_fft=1024, hop_length=512) for w in windows]
    )
    assert expected.shape == (23, 13, 216)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.reshape(23, 216, 13).transpose(0, 2, 1), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", ["log_mel", "mfcc"])
@pytest.mark.parametrize("top_db", [80.0, 25.0])  # the second floors a good part
def test_whole_recording_equals_librosa(kind, top_db):
    s = features_settings(kind=kind, normalize="none", top_db=top_db)
    x = music(3.3, s.sample_rate)
    mel = librosa.feature.melspectrogram(y=x, sr=s.sample_rate, n_fft=s.n_fft, hop_length=s.hop_length, n_mels=s.n_mels)
    expected = librosa.power_to_db(mel, top_db=s.top_db)
    if kind == "mfcc":
        expected = librosa.feature.mfcc(S=expected, n_mfcc=s.n_mfcc)
    got = frames(x, s)
    assert got.shape == (1 + len(x) // s.hop_length, s.n_bands)
    np.testing.assert_allclose(got.T, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("normalize", ["none", "recording"])
@pytest.mark.parametrize("framing", ["recording", "window"])
def test_floor_is_below_the_loudest(normalize, framing):
    """A passage 60 dB down under a floor of 40 dB is flat; a loud window of its own has no flat one."""
    s = features_settings(normalize=normalize, framing=framing, top_db=40.0, window_hop_s=0.5)
    x = noise(4.0, s.sample_rate)
    x[2 * s.sample_rate :] *= 1e-3
    faint = frames(x, s)[-s.window_frames :]
    floored_by_itself = (normalize, framing) == ("none", "window")
    assert (np.ptp(faint) > 1) == floored_by_itself


@settings(max_examples=25)
@given(
    framing=st.sampled_from(["recording", "window"]),
    normalize=st.sampled_from(["recording", "none"]),
    kind=st.sampled_from(["log_mel", "mfcc"]),
    padding=st.sampled_from(["zeros", "reflect"]),
    cuts=st.lists(st.integers(1, 20000), max_size=12, unique=True),
    n=st.integers(300, 20001),
)
def test_block_edges_leave_no_trace(framing, normalize, kind, padding, cuts, n):
    s = features_settings(framing=framing, normalize=normalize, kind=kind, padding=padding)
    x = music(2.6, s.sample_rate)[:n]
    whole = frames(x, s)
    np.testing.assert_allclose(frames(x, s, cuts), whole, rtol=0, atol=1e-4)
    samples = max(n, s.window_samples)
    if framing == "recording":
        assert len(whole) == 1 + samples // s.hop_length
    else:
        windows = (samples - s.window_samples) // s.window_hop_samples + 1
        assert len(whole) == windows * s.window_frames


def test_more_frames_than_are_handled_at_once(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 2**16)
    s = features_settings(hop_length=64, n_fft=256, n_mels=8, n_mfcc=8, f_min=100.0, normalize="none")
    x = music(40.0, s.sample_rate)
    blocks = list(samples_frames([x], s))
    assert len(blocks) > 1
    mel = librosa.feature.melspectrogram(
        y=x, sr=s.sample_rate, n_fft=256, hop_length=64, n_mels=8, fmin=100.0, fmax=s.f_high
    )
    np.testing.assert_allclose(np.concatenate(blocks).T, librosa.power_to_db(mel), rtol=0, atol=1e-3)


@pytest.mark.parametrize("framing", ["recording", "window"])
def test_normalised_recording(framing):
    s = features_settings(framing=framing)
    x = music(5.0, s.sample_rate)
    got = frames(x, s)
    assert got.mean() == pytest.approx(0, abs=1e-3)
    assert got.std() == pytest.approx(1, abs=1e-3)
    for db in (20, 40):
        np.testing.assert_allclose(frames(x * np.float32(10 ** (-db / 20)), s), got, rtol=0, atol=1e-3)
    assert np.abs(frames(x**2, s) - got).max() > 0.1


def test_level_matters_where_nothing_is_normalised():
    s = features_settings(normalize="none")
    x = noise(2.0, s.sample_rate)
    np.testing.assert_allclose(frames(0.1 * x, s), frames(x, s) - 20, rtol=0, atol=1e-2)


@pytest.mark.parametrize("normalize", ["none", "recording"])
@pytest.mark.parametrize("framing", ["recording", "window"])
def test_zeros_stay_finite(normalize, framing):
    s = features_settings(normalize=normalize, framing=framing)
    x = music(3.0, s.sample_rate)
    x[s.sample_rate : 2 * s.sample_rate] = 0
    got = frames(x, s)
    assert np.isfinite(got).all()
    assert got.std() > 0.5
    silence = frames(np.zeros(s.sample_rate, np.float32), s)
    assert np.isfinite(silence).all()
    assert np.abs(silence).max() <= (100.001 if normalize == "none" else 1)


@pytest.mark.parametrize("framing", ["recording", "window"])
@pytest.mark.parametrize("n", [1, 100, 1500, 3999])
def test_short_recording_is_repeated_to_one_window(framing, n):
    s = features_settings(framing=framing)
    x = music(1.0, s.sample_rate)[:n]
    got = frames(x, s)
    assert len(got) == s.window_frames
    repeated = np.concatenate([x] * (s.window_samples // n + 1))[: s.window_samples]
    np.testing.assert_allclose(got, frames(repeated, s), rtol=0, atol=1e-4)
    np.testing.assert_allclose(got, frames(x, s, [n // 2]), rtol=0, atol=1e-4)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=10),
    size=st.integers(1, 12),
    hop=st.integers(1, 12),
)
def test_sliding_gives_the_windows_of_the_whole(sizes, size, hop):
    hop = min(hop, size)
    x = np.arange(2 * sum(sizes)).reshape(-1, 2)
    blocks = np.split(x, np.cumsum(sizes)[:-1])
    got = []
    for piece in sliding(blocks, size, hop):
        assert (len(piece) - size) % hop == 0
        got += [piece[i : i + size] for i in range(0, len(piece) - size + 1, hop)]
    expected = [] if len(x) < size else list(np.lib.stride_tricks.sliding_window_view(x, size, 0)[::hop].swapaxes(1, 2))
    np.testing.assert_array_equal(np.array(got), np.array(expected))


def test_silent_ends_are_cut_and_the_rest_repeated():
    s = features_settings(trim_db=60.0, n_fft=256, hop_length=256)
    sound = music(1.0, s.sample_rate)
    x = np.concatenate([np.zeros(2560, np.float32), sound, np.zeros(10240, np.float32)])
    kept, whole = frames(x, s), frames(x, features_settings(n_fft=256, hop_length=256))
    assert kept.shape == whole.shape
    # Frame i is centred at sample 256 i with 128 to each side: the sound is heard from frame 10 to 10 + 8000 / 256.
    n = 32
    for i in range(len(kept)):
        np.testing.assert_array_equal(kept[i], kept[i % n])
    alone = frames(x[2560 - 256 : 2560 + 8000 + 256], s)  # its own silent ends are cut too
    np.testing.assert_allclose(kept[:n], alone[:n], atol=1e-5)
    assert kept[:n].mean() == pytest.approx(0, abs=0.05)  # normalised over what is heard
    assert np.ptp(whole[-20:]) == 0  # silence as it was


def test_silence_within_a_recording_stays():
    s = features_settings(trim_db=60.0)
    x = np.concatenate([music(1.0, 8000), np.zeros(8000, np.float32), music(1.0, 8000)])
    np.testing.assert_array_equal(frames(x, s), frames(x, features_settings()))


@pytest.mark.parametrize("cuts", [(), (100,), (3000, 3001)])
def test_short_recordings_are_filled_as_asked(cuts):
    """A quarter of a second into windows of half a second."""
    x = music(0.25, 8000)
    plain = {"normalize": "none", "window_s": 0.5}
    tiled, padded, logs = (frames(x, features_settings(fill=f, **plain), cuts) for f in ("tile", "pad", "pad_log"))
    np.testing.assert_array_equal(tiled, frames(np.tile(x, 2), features_settings(**plain)))
    np.testing.assert_array_equal(padded, frames(np.pad(x, (1000, 1000)), features_settings(**plain)))
    own = frames(x, features_settings(normalize="none", window_s=0.1, window_hop_s=0.1))
    before = (features_settings().window_frames - len(own)) // 2
    assert logs.shape == tiled.shape
    np.testing.assert_array_equal(logs[before : before + len(own)], own)
    assert not logs[:before].any()
    assert not logs[before + len(own) :].any()


@pytest.mark.parametrize("fill", ["tile", "pad", "pad_log"])
def test_long_recordings_are_not_filled(fill):
    x = music(0.7, 8000)
    np.testing.assert_array_equal(frames(x, features_settings(fill=fill)), frames(x, features_settings()))


def test_log_floor_zero_writes_zero_for_the_log_of_nothing():
    raw = {"normalize": "none", "log_floor": "zero"}
    x = np.concatenate([np.zeros(8000, np.float32), 0.01 * music(1.0, 8000)])
    s = features_settings(**raw)
    mel = librosa.feature.melspectrogram(y=x, sr=8000, n_fft=s.n_fft, hop_length=s.hop_length, n_mels=s.n_mels)
    with np.errstate(divide="ignore"):
        log = np.log(mel)
    expected = np.where(np.isneginf(log), 0, log)
    got = frames(x, s).T
    assert np.isneginf(log).any()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-2)
    assert got[:, 0].max() == 0 > got[:, 40:].max()  # silence is the loudest thing in a quiet recording


def test_the_articles_setting_gives_his_frames():
    for seconds, n in ((4.0, 401), (5.0, 501), (10.0, 1001)):
        s = features_settings(sample_rate=44100, hop_length=441, n_fft=1024, n_mels=64, window_s=seconds)
        assert (s.window_frames, s.f_high, s.n_bands) == (n, 22050, 64)


def his_frames(x: np.ndarray, s, mel: str = "htk", norm: str | None = None, padding: str = "reflect") -> np.ndarray:
    """What the article computes, (bands, frames): the logarithm of torchaudio's own transform, 0 for minus infinity."""
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=s.sample_rate, n_fft=s.n_fft, n_mels=s.n_mels, hop_length=s.hop_length, f_min=s.f_min,
        f_max=s.f_high, mel_scale=mel, norm=norm, pad_mode=padding,
    )  # fmt: skip
    log = transform(torch.from_numpy(x)).log().numpy()
    return np.where(np.isneginf(log), 0.0, log)


HIS = {"sample_rate": 44100, "n_fft": 1024, "hop_length": 441, "n_mels": 64, "f_min": 0.0, "f_max": 22050.0}
HIS |= {"log_floor": "zero", "normalize": "none", "fill": "pad_log", "window_s": 4.0, "window_hop_s": 1.0}
TORCHAUDIO = {"mel_scale": "htk", "mel_norm": "none", "padding": "reflect"}


def clip_with_silence(seconds: float, rate: int) -> np.ndarray:
    """Music whose level falls, with exact zeros in its middle and at its end."""
    x = music(seconds, rate)
    x[int(0.4 * len(x)) : int(0.5 * len(x))] = 0
    x[int(0.9 * len(x)) :] = 0
    return x


@pytest.mark.parametrize("cuts", [(), (7,), (300, 511, 512, 90000), tuple(range(4410, 200000, 4410))])
def test_the_articles_frames_are_torchaudios(cuts):
    """The whole of a clip, as the article makes its frames: torchaudio's transform with all its defaults."""
    s = features_settings(**HIS, **TORCHAUDIO)
    x = clip_with_silence(5.0, 44100)
    expected = his_frames(x, s)
    assert expected.shape == (64, 501)
    assert (expected == 0).mean() > 0.15  # minus infinity was there
    np.testing.assert_allclose(frames(x, s, cuts).T, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mel_scale": "slaney"}, {"mel": "slaney"}),
        ({"mel_norm": "slaney"}, {"norm": "slaney"}),
        ({"padding": "zeros"}, {"padding": "constant"}),
    ],
)
def test_each_of_torchaudios_conventions_is_a_setting(change, words):
    """One of them changed changes the frames, to those of torchaudio with that one changed."""
    x = music(1.3, 44100)
    his = features_settings(**HIS | {"window_s": 1.0, "window_hop_s": 1.0}, **TORCHAUDIO | change)
    got = frames(x, his).T
    np.testing.assert_allclose(got, his_frames(x, his, **words), rtol=0, atol=1e-4)
    assert np.abs(got - his_frames(x, his)).max() > 0.1


def test_the_same_frames_by_librosa():
    s = features_settings(**HIS | {"window_s": 1.0, "window_hop_s": 1.0}, **TORCHAUDIO)
    x = music(1.3, 44100)
    mel = librosa.feature.melspectrogram(
        y=x, sr=44100, n_fft=1024, hop_length=441, n_mels=64, fmax=22050, htk=True, norm=None, pad_mode="reflect"
    )
    np.testing.assert_allclose(frames(x, s).T, np.log(mel), rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", ["log_mel", "mfcc"])
def test_windows_framed_by_themselves_are_mirrored_too(kind):
    s = features_settings(framing="window", normalize="none", kind=kind, padding="reflect")
    x = music(0.5, s.sample_rate)
    mel = librosa.feature.melspectrogram(
        y=x, sr=s.sample_rate, n_fft=s.n_fft, hop_length=s.hop_length, n_mels=s.n_mels, pad_mode="reflect"
    )
    expected = librosa.power_to_db(mel)
    expected = librosa.feature.mfcc(S=expected, n_mfcc=s.n_mfcc) if kind == "mfcc" else expected
    np.testing.assert_allclose(frames(x, s).T, expected, rtol=0, atol=1e-3)


@settings(max_examples=40)
@given(n=st.integers(1, 60), margin=st.integers(1, 20), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_mirrored_margins_are_numpys(n, margin, cuts):
    """And torch's, which has none for a signal of `margin` samples or fewer."""
    x = np.arange(n, dtype=np.float32)
    got = np.concatenate(list(mirrored_around(np.split(x, sorted(c for c in cuts if c <= n)), margin)))
    np.testing.assert_array_equal(got, np.pad(x, margin, mode="reflect"))
    if n > margin:
        torchs = torch.nn.functional.pad(torch.from_numpy(x)[None], (margin, margin), mode="reflect")
        np.testing.assert_array_equal(got, torchs[0].numpy())


def test_minus_infinity_stays_where_no_floor_is_asked_for():
    x = clip_with_silence(1.0, 8000)
    raw, zeros = (
        frames(x, features_settings(normalize="none", log_floor=floor, fill="pad_log")) for floor in ("none", "zero")
    )
    assert np.isneginf(raw).any()
    np.testing.assert_array_equal(np.where(np.isfinite(raw), raw, 0), zeros)


@pytest.mark.parametrize("floor", ["zero", "none", "top_db"])
def test_128_bands_at_his_n_fft_have_some_that_say_nothing(floor):
    """Those that no FFT bin falls into: 0 or minus infinity as the floor says, never NaN."""
    s = features_settings(**HIS | {"n_mels": 128, "log_floor": floor}, **TORCHAUDIO, empty_filters="keep")
    bank = librosa.filters.mel(sr=44100, n_fft=1024, n_mels=128, htk=True, norm=None)
    empty = np.flatnonzero(bank.max(1) == 0)
    got = frames(music(4.0, 44100), s)
    assert len(empty) > 0
    assert not np.isnan(got).any()
    silent = got.max(0) == (got.min() if floor == "top_db" else {"zero": 0.0, "none": -np.inf}[floor])
    assert np.flatnonzero(silent & (np.ptp(np.nan_to_num(got), axis=0) == 0)).tolist() == empty.tolist()


def test_level_normalisation_keeps_contrast():
    x = music(1.0, 8000)
    s = features_settings(normalize="level", top_db=60.0)
    mel = librosa.feature.melspectrogram(y=x, sr=8000, n_fft=s.n_fft, hop_length=s.hop_length, n_mels=s.n_mels)
    db = 10 * np.log10(mel)
    db = np.maximum(db, db.max() - 60)
    np.testing.assert_allclose(frames(x, s).T, (db - db.mean()) / 15, rtol=0, atol=1e-4)
    np.testing.assert_allclose(frames(0.01 * x, s), frames(x, s), rtol=0, atol=1e-4)
    assert (s.unit_db, features_settings(normalize="none").unit_db) == (15, 1)


def test_spooled_frames_are_read_as_often_as_wanted_and_with_their_quiet_ends(monkeypatch):
    monkeypatch.setattr(rows, "MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 10 * 24 * 4)
    x = np.concatenate([noise(1.0, 8000, 1e-5), noise(2.0, 8000), noise(0.5, 8000, 1e-5, seed=1)])
    cut, uncut = features_settings(trim_db=40.0), features_settings(trim_db=None)
    with spooled([x], cut) as frames:
        assert frames.trimmed
        assert not frames.untrimmed().trimmed
        for _ in range(2):
            np.testing.assert_array_equal(np.concatenate(list(frames)), every(x, cut))
            np.testing.assert_array_equal(np.concatenate(list(frames.untrimmed())), every(x, uncut))


def every(x: np.ndarray, settings) -> np.ndarray:
    return np.concatenate(list(samples_frames([x], settings)))
