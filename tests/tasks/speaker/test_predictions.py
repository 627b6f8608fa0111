"""What an embedder hears: how much speech a recording holds."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import noise
from bundles import small_speaker_bundle
from earmark.features import rows
from earmark.tasks.speaker import log_mel, predictions
from earmark.tasks.speaker.predictions import Embedder


@pytest.fixture(scope="module")
def embedder(tmp_path_factory) -> Embedder:
    return Embedder(small_speaker_bundle(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("speech_s", [0.2, 0.5, 1.5])
def test_pauses_are_no_speech(tmp_path, embedder, speech_s):
    """Noise in the midst of 2 s that are 60 dB quieter; a frame of 32 ms hears its edges."""
    sound = noise(2.0, 16000, 0.0001)
    first = round((1 - speech_s / 2) * 16000)
    sound[first : first + round(speech_s * 16000)] += noise(speech_s, 16000, 0.1, seed=1)
    sf.write(tmp_path / "a.wav", sound, 16000)
    heard = embedder.heard(tmp_path / "a.wav")
    assert heard.speech_s == pytest.approx(speech_s, abs=0.08)
    np.testing.assert_array_equal(heard.embedding, embedder(tmp_path / "a.wav"))
    assert float(heard.embedding @ heard.embedding) == pytest.approx(1.0, rel=1e-5)


def test_speech_of_stored_utterances_is_that_of_their_recordings(tmp_path, embedder):
    frames = {}
    for name, seconds in (("a.wav", 0.5), ("b.wav", 1.0)):
        sf.write(tmp_path / name, noise(seconds, 16000), 16000)
        frames[name] = log_mel.log_mel_of(tmp_path / name, embedder.features)
    table = pd.DataFrame({"paths": [("a.wav",), ("a.wav", "b.wav")]})

    class Stored:
        def frames(self, path: str) -> np.ndarray:
            return frames[path]

    found = predictions.stored_speech(embedder.features, table, Stored())
    np.testing.assert_allclose(found, [0.51, 0.51 + 1.01], atol=0.011)


def test_a_recording_on_disk_is_heard_as_one_in_memory(tmp_path, monkeypatch, embedder):
    """Longer than what the tower hears at once, with a pause where it must not be cut."""
    sound = np.concatenate([noise(13, 16000), noise(3, 16000, 1e-4), noise(11, 16000, seed=1)])
    sf.write(tmp_path / "a.wav", sound, 16000)
    frames = log_mel.log_mel_of(tmp_path / "a.wav", embedder.features)
    monkeypatch.setattr(rows, "MEMORY", 1000)
    monkeypatch.setattr(rows, "BLOCK", 70 * 16 * 4)
    heard = embedder.heard(tmp_path / "a.wav")
    np.testing.assert_allclose(heard.embedding, embedder.of_frames(frames), rtol=0, atol=1e-6)
    assert heard.speech_s == predictions.speech_s(embedder.features, [frames])
    assert 24 < heard.speech_s < 24.2
