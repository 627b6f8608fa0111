"""Log-mel and MFCC equal librosa's; a filterbank with empty filters is refused."""

import subprocess
import sys
import warnings

import librosa
import numpy as np
import pytest
import torch

from builders import features_settings, noise, sines
from earmark.errors import EarmarkError
from earmark.features.spectral import Dct, LogMel, MelPower, Mfcc, bands_above, empty_filters

SETTINGS = [
    features_settings(),
    features_settings(sample_rate=22050, n_fft=1024, hop_length=512, n_mels=128),
    features_settings(sample_rate=16000, n_fft=400, hop_length=160, n_mels=40, n_mfcc=20),
    features_settings(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=64, f_min=50.0, f_max=8000.0, top_db=40.0),
]
IDS = ["8k", "song_mil", "16k", "band"]


def signal(rate: int) -> np.ndarray:
    """A second and a bit: noise, two tones, and a faint passage that the floor cuts."""
    x = noise(1.23, rate, 0.05) + sines(440, 1.23, rate, 0.3) + sines(rate / 5, 1.23, rate, 0.2)
    x[len(x) // 2 :] *= 1e-4
    return x


def librosa_db(x: np.ndarray, s) -> np.ndarray:
    mel = librosa.feature.melspectrogram(
        y=x,
        sr=s.sample_rate,
        n_fft=s.n_fft,
        hop_length=s.hop_length,
        n_mels=s.n_mels,
        fmin=s.f_min,
        fmax=s.f_high,
    )
    return librosa.power_to_db(mel, top_db=s.top_db)


@pytest.mark.parametrize("s", SETTINGS, ids=IDS)
def test_log_mel_equals_librosa(s):
    x = signal(s.sample_rate)
    expected = librosa_db(x, s)
    got = LogMel(s)(torch.from_numpy(x)).numpy()
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-3)
    assert got.min() == pytest.approx(got.max() - s.top_db, abs=1e-3)  # the faint half reached the floor


@pytest.mark.parametrize("s", SETTINGS, ids=IDS)
def test_mfcc_equals_librosa(s):
    x = signal(s.sample_rate)
    expected = librosa.feature.mfcc(S=librosa_db(x, s), n_mfcc=s.n_mfcc, norm="ortho")
    got = Mfcc(s)(torch.from_numpy(x)).numpy()
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-3)


def test_mfcc_equals_librosa_end_to_end():
    s = features_settings(sample_rate=22050, n_fft=1024, hop_length=512, n_mels=128)
    x = signal(22050)
    expected = librosa.feature.mfcc(y=x, sr=22050, n_mfcc=13, n_fft=1024, hop_length=512)
    np.testing.assert_allclose(Mfcc(s)(torch.from_numpy(x)).numpy(), expected, rtol=0, atol=1e-3)


def test_examples_of_a_batch_are_floored_each_by_itself():
    s = features_settings()
    x = torch.from_numpy(np.stack([signal(8000), 1e-3 * signal(8000)]))
    together = LogMel(s)(x)
    for i in range(2):
        torch.testing.assert_close(together[i], LogMel(s)(x[i]))
    assert together[0].min() > together[1].min() + 20


def test_dct_is_orthonormal():
    basis = Dct(24, 24).basis
    torch.testing.assert_close(basis.T @ basis, torch.eye(24), atol=1e-5, rtol=0)


def test_empty_filters_are_refused_with_the_mend():
    with pytest.raises(EarmarkError) as error:
        MelPower(features_settings(sample_rate=22050, n_fft=512, n_mels=256))
    assert "of 256 mel filters are empty at n_fft 512" in str(error.value)
    assert "set features.n_fft to 1024 or lower n_mels" in str(error.value)


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels"),
    [(22050, 512, 256), (22050, 512, 128), (16000, 400, 80), (8000, 512, 24), (44100, 1024, 128)],
)
def test_empty_filters_are_librosas(rate, n_fft, n_mels):
    s = features_settings(sample_rate=rate, n_fft=n_fft, n_mels=n_mels, n_mfcc=13)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's, of the very filters that are counted
        bank = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels)
    assert empty_filters(s) == np.flatnonzero(bank.max(1) == 0).tolist()


@pytest.mark.parametrize("mel_scale", ["slaney", "htk"])
def test_empty_filters_are_kept_where_asked_without_torchaudios_warning(mel_scale):
    s = features_settings(sample_rate=22050, n_fft=512, n_mels=256, mel_scale=mel_scale, empty_filters="keep")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        power = MelPower(s)(torch.from_numpy(signal(22050)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bank = librosa.filters.mel(sr=22050, n_fft=512, n_mels=256, htk=mel_scale == "htk")
    expected = np.flatnonzero(bank.max(1) == 0).tolist()
    assert empty_filters(s) == expected != []
    assert torch.nonzero(power.amax(1) == 0).flatten().tolist() == expected


@pytest.mark.parametrize("frequency", [4000.0, 5512.5, 8000.0, 11025.0])
def test_bands_above(frequency):
    s = features_settings(sample_rate=22050, n_fft=1024, n_mels=64)
    bank = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=64)
    heard = bank[:, librosa.fft_frequencies(sr=22050, n_fft=1024) <= frequency]
    got = bands_above(s, frequency)
    assert got == np.flatnonzero(heard.max(1) == 0).tolist()
    assert bool(got) == (frequency < 11025)


def test_transforms_work_where_the_compiled_library_does_not_load():
    script = """
import torch
def refuse(path):
    raise OSError(path)
torch.ops.load_library = refuse
from earmark.features.torchaudio_lite import torchaudio
print(tuple(torchaudio.transforms.MelSpectrogram(n_fft=512, n_mels=20)(torch.zeros(1, 2000)).shape))
print(tuple(torchaudio.transforms.TimeMasking(5)(torch.ones(1, 20, 11)).shape))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["(1, 20, 8)", "(1, 20, 11)"], done.stderr[-500:]
