"""Log-mel frames of speech against librosa, time first; pauses; the mean of a segment."""

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch

from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.settings import SpeakerFeatureSettings

SETTINGS = SpeakerFeatureSettings(16000, 512, 160, 80, 20.0, 7600.0, 80.0, 30.0, (), "bands")


@pytest.fixture
def recording(tmp_path):
    rng = np.random.default_rng(0)
    seconds = np.arange(24000) / 16000
    sound = 0.3 * np.sin(2 * np.pi * (200 + 800 * seconds) * seconds) + 0.01 * rng.standard_normal(24000)
    sf.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    return tmp_path / "a.wav"


def test_equals_librosa_frame_by_frame(recording):
    sound, _ = sf.read(recording, dtype="float32")
    power = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_fft=512, hop_length=160, n_mels=80, fmin=20, fmax=7600, pad_mode="constant"
    )
    wanted = librosa.power_to_db(power, ref=np.max, amin=1e-30, top_db=80.0)
    found = log_mel.log_mel_of(recording, SETTINGS)
    assert found.shape == (151, 80)  # time first: a reshape in place of the transpose has this shape and fails below
    np.testing.assert_allclose(found, wanted.T, atol=2e-3)


def test_a_faster_voice_is_shorter_and_higher(recording):
    plain, fast = log_mel.log_mel_of(recording, SETTINGS), log_mel.log_mel_of(recording, SETTINGS, 1.25)
    assert len(fast) == 1 + 24000 * 4 // 5 // 160
    # the sweep's tone half way: 1.25 times as high
    middles = librosa.mel_frequencies(82, fmin=20, fmax=7600)[1:-1]
    heard = [middles[x[len(x) // 2].argmax()] for x in (plain, fast)]
    assert heard[1] / heard[0] == pytest.approx(1.25, rel=0.03)


def test_level_does_not_matter(recording, tmp_path):
    sound, _ = sf.read(recording)
    sf.write(tmp_path / "quiet.wav", sound / 1000, 16000, subtype="FLOAT")
    np.testing.assert_allclose(
        log_mel.log_mel_of(tmp_path / "quiet.wav", SETTINGS), log_mel.log_mel_of(recording, SETTINGS), atol=1e-2
    )


def test_pauses_are_no_voice():
    frames = np.full((30, 80), -70.0, np.float32)
    frames[10:20] = -5.0
    kept = log_mel.voiced(frames, 30.0)
    np.testing.assert_array_equal(np.flatnonzero(kept), np.arange(8, 22))  # two frames of smoothing on either side
    assert log_mel.voiced(frames, 0).all()
    assert log_mel.voiced(frames[:2], 30.0).all()  # shorter than the smoothing


def test_a_segment_loses_its_bands_means_and_padding_changes_nothing():
    torch.manual_seed(0)
    x = torch.randn(2, 7, 80) * 10 - 40
    alone = log_mel.normalized(x[1:, :4], "bands")
    torch.testing.assert_close(alone.mean(1), torch.zeros(1, 80), atol=1e-5, rtol=0)
    torch.testing.assert_close(alone, (x[1:, :4] - x[1:, :4].mean(1, keepdim=True)) / 15)
    padded = log_mel.normalized(x, "bands", torch.tensor([7, 4]))
    torch.testing.assert_close(padded[1:, :4], alone)
    assert not padded[1, 4:].any()
    level = log_mel.normalized(x, "level", torch.tensor([7, 4]))
    torch.testing.assert_close(level[1:, :4], (x[1:, :4] - x[1:, :4].mean()) / 15)
    assert not level[1, 4:].any()
    assert torch.equal(log_mel.normalized(x, "both", torch.tensor([7, 4])), torch.cat([level, padded], 2))
