"""The classical baseline's features: what signals have them is known beforehand, and none is without a number."""

import warnings

import librosa
import numpy as np
import pytest
import soundfile as sf

from builders import noise, sines
from earmark.features.classical import MODULATION_HZ, N_FEATURES, classical_features, of_samples

RATE = 22050
# Where the parts begin: share, cepstra, tones, rhythm, shape, beats of amplitudes and of decibels.
SHARE = 0
CEPSTRA = 1
TONES = 181
RHYTHM = 252
SHAPE = 274
BEATS = 314
BEATS_DB = 426


def test_cepstra_and_tones_equal_librosa_on_the_samples():
    """librosa's own from samples; here all are read off one spectrum."""
    x = noise(3.0) + sines(330, 3.0)
    found, x = of_samples(x), x / np.abs(x).max()
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=x, sr=RATE, n_mels=64), ref=np.max)
    mfcc = librosa.feature.mfcc(S=mel, n_mfcc=20)
    slope = librosa.feature.delta(mfcc, mode="nearest")
    tenths = [np.quantile(mfcc, q, axis=1) for q in (0.1, 0.5, 0.9)]
    expected = np.concatenate([mfcc.mean(1), mfcc.std(1), *tenths, slope.mean(1), slope.std(1)])
    np.testing.assert_allclose(found[CEPSTRA : CEPSTRA + 140], expected, atol=2e-3)
    contrast = librosa.feature.spectral_contrast(y=x, sr=RATE)
    np.testing.assert_allclose(found[TONES : TONES + 7], contrast.mean(1), atol=2e-3)
    chroma = np.sort(librosa.feature.chroma_stft(y=x, sr=RATE, tuning=0.0), axis=0)
    np.testing.assert_allclose(found[TONES + 35 : TONES + 47], chroma.mean(1), atol=2e-3)
    tonnetz = librosa.feature.tonnetz(chroma=librosa.feature.chroma_stft(y=x, sr=RATE, tuning=0.0))
    np.testing.assert_allclose(found[TONES + 59 : TONES + 65], tonnetz.mean(1), atol=2e-3)


def test_shape_equals_librosa():
    x = noise(3.0) * np.linspace(0, 1, 3 * RATE, dtype=np.float32)
    found, x = of_samples(x)[SHAPE:BEATS].reshape(5, 8), x / np.abs(x).max()  # mean, deviation, tenths by measure
    of = librosa.feature
    heard, _ = librosa.effects.trim(x, top_db=60)
    expected = [
        np.log(of.spectral_flatness(y=heard) + 1e-10).mean(),
        *(np.log1p(of.spectral_rolloff(y=heard, sr=RATE, roll_percent=p)).mean() for p in (0.5, 0.85, 0.95)),
        np.log1p(of.spectral_bandwidth(y=heard, sr=RATE)).mean(),
        np.log1p(of.spectral_centroid(y=heard, sr=RATE)).mean(),
        of.zero_crossing_rate(heard).mean(),
    ]
    np.testing.assert_allclose(found[0, :7], expected, rtol=2e-3)


@pytest.mark.parametrize("beat", [1.4, 3.0, 6.0, 10.0])
def test_a_beating_tone_is_found_in_its_octave_of_modulation(beat):
    t = np.arange(6 * RATE) / RATE
    x = sines(1000, 6.0) * (1 + 0.9 * np.sin(2 * np.pi * beat * t)).astype(np.float32)
    band = int(np.searchsorted(librosa.mel_frequencies(64, fmax=RATE / 2), 1000)) // 4
    by_rate = of_samples(x)[BEATS:BEATS_DB].reshape(16, 7)[band]
    assert MODULATION_HZ[by_rate.argmax()] <= beat < MODULATION_HZ[by_rate.argmax() + 1]
    # The power of A sin is A * A / 2; a frame's Hann window of 93 ms takes away from fast beats, as its spectrum says.
    turns = beat * 2048 / RATE
    expected = 0.9**2 / 2 * (np.sinc(turns) / (1 - turns**2)) ** 2
    assert np.exp(by_rate.max()) == pytest.approx(expected, rel=0.15)


def test_clicks_are_counted():
    x = np.zeros(8 * RATE, np.float32)
    x[:: RATE // 2] = 1.0
    rhythm = of_samples(x)[RHYTHM:SHAPE]
    assert rhythm[4] == pytest.approx(2.0, abs=0.3)  # onsets a second
    period = RATE / 512 / 2  # 21.5 frames, within the lags 20 to 27
    assert rhythm[7:].argmax() in (0, 7)
    assert 20 <= period < 28
    assert rhythm[14] > 2 * rhythm[13]


def test_level_does_not_matter_and_quiet_ends_are_cut_and_told():
    x = noise(2.0)
    np.testing.assert_allclose(of_samples(0.01 * x), of_samples(x), atol=1e-3)
    ends = np.zeros(RATE, np.float32)
    inside = of_samples(np.concatenate([ends, x, ends]))
    assert inside[SHARE] == pytest.approx(0.5, abs=0.03)
    assert of_samples(x)[SHARE] == 1.0


@pytest.mark.parametrize("n", [1, 100, 2205, 4097, RATE])
@pytest.mark.parametrize("kind", ["silence", "constant", "noise", "click"])
def test_short_silent_and_constant_signals_have_numbers_and_no_warning(n, kind):
    x = {
        "silence": np.zeros(n, np.float32),
        "constant": np.full(n, 0.3, np.float32),
        "noise": noise(n / RATE),
        "click": np.eye(1, n, dtype=np.float32)[0],
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of_samples(x)
    assert (found.shape, found.dtype) == ((N_FEATURES,), np.float32)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("max_seconds", [None, 2.0])
def test_a_recording_is_read_up_to_the_first_minute(tmp_path, max_seconds):
    x = np.concatenate([sines(440, 60.0, 8000), noise(5.0, 8000)])
    sf.write(tmp_path / "a.wav", x, 8000, subtype="FLOAT")
    found = classical_features(tmp_path / "a.wav", max_seconds)
    heard = librosa.resample(x[: round((max_seconds or 60) * 8000)], orig_sr=8000, target_sr=RATE, res_type="soxr_hq")
    np.testing.assert_allclose(found, of_samples(heard), rtol=1e-3, atol=1e-3)
