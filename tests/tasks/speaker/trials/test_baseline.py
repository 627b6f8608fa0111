"""MFCC statistics and LDA: as librosa and scikit-learn compute them, and as measured on real speakers."""

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import noise, sines
from earmark.tasks.speaker.trials import baseline, pairing, scores
from project import REPOSITORY

ARABIC = REPOSITORY.parent / "shared/data/spk_arabic30"


def babble(seconds: float) -> np.ndarray:
    """Noise whose colour changes, (n,) at 16 kHz."""
    x = noise(seconds, 16000, 0.3) * (1 + np.sin(np.arange(round(seconds * 16000)) / 3000))
    return (np.convolve(x, [1, 0.7, 0.3], "same") + sines(300, seconds, 16000, 0.1)).astype(np.float32)


def test_statistics_are_librosas():
    x = babble(1.3)
    mfcc = librosa.feature.mfcc(y=x, sr=16000, n_mfcc=20, n_fft=512, hop_length=160, n_mels=40)[1:]
    values = np.concatenate([mfcc, librosa.feature.delta(mfcc, width=9)])
    found = baseline.statistics(x)
    assert found.shape == (76,)
    np.testing.assert_allclose(found, np.concatenate([values.mean(1), values.std(1)]), atol=1e-3)


def test_deltas_are_librosas():
    values = np.random.default_rng(0).standard_normal((3, 20))
    np.testing.assert_allclose(baseline.deltas(values), librosa.feature.delta(values, width=9), atol=1e-12)


def test_deltas_of_a_sound_shorter_than_their_width():
    found = baseline.deltas(np.array([[0.0, 1.0, 2.0]]))
    # sum of i * x[t + i] over i = -4..4, over 60; beyond the edges 0 and 2
    np.testing.assert_allclose(found, [[19 / 60, 20 / 60, 19 / 60]])
    assert np.isfinite(baseline.statistics(babble(0.05))).all()


def test_an_utterance_is_its_recordings_one_after_the_other(tmp_path):
    for name, rate, level in (("a", 16000, 0.25), ("b", 16000, 0.5), ("c", 8000, 0.0)):
        sf.write(tmp_path / f"{name}.wav", np.full(rate, level), rate)
    found = baseline.samples([tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "c.wav"])
    assert (found.dtype, len(found)) == (np.float32, 48000)
    np.testing.assert_allclose(found[[0, 15999, 16000, 31999, 40000]], [0.25, 0.25, 0.5, 0.5, 0])
    cropped = baseline.samples([tmp_path / "a.wav", tmp_path / "b.wav"], 1.5)
    np.testing.assert_array_equal(cropped, found[:24000])


def test_statistics_are_standardised_on_the_training_set():
    train = np.array([[0.0, 10], [2, 30], [4, 50]])
    embed = baseline.Statistics(train)
    found = embed(np.array([[4.0, 30], [4, 50], [2, 30]]))
    np.testing.assert_allclose(found, [[1, 0], [0.5**0.5, 0.5**0.5], [0, 0]], atol=1e-6)  # the mean has no direction
    assert found.dtype == np.float32


def speakers(n: int, each: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Statistics (n * each, d): speakers differ in the first half of d, channels, much more, in the second."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), each)
    voice, channel = rng.standard_normal((n, d // 2)), 5 * rng.standard_normal((n * each, d // 2))
    return np.concatenate([voice[who] + 0.2 * rng.standard_normal((n * each, d // 2)), channel], 1), who


def eer(embeddings: np.ndarray, who: np.ndarray) -> float:
    i, j = np.triu_indices(len(who), 1)
    return float(scores.eer(scores.curve((embeddings[i] * embeddings[j]).sum(1), who[i] == who[j])))


def test_lda_hears_speakers_and_not_channels():
    train, new = speakers(40, 5, 16), speakers(20, 5, 16, seed=1)
    lda = baseline.Lda(*train)
    found = lda(new[0])
    assert found.shape == (100, 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert eer(found, new[1]) < 0.1
    assert eer(baseline.Statistics(train[0])(new[0]), new[1]) > 0.15


@pytest.mark.parametrize(("n", "d", "components"), [(5, 10, 4), (30, 10, 10), (80, 76, 60)])
def test_lda_has_no_more_components_than_it_can(n, d, components):
    assert baseline.Lda(*speakers(n, 2, d))(speakers(3, 1, d)[0]).shape == (3, components)


def test_a_training_speaker_of_one_utterance_is_no_warning(recwarn):
    x, who = speakers(10, 2, 8)
    baseline.Lda(x[1:], who[1:])
    assert not list(recwarn)


@pytest.mark.skipif(not ARABIC.is_dir(), reason="spk_arabic30 is not in ../shared/data/spk_arabic30")
def test_statistics_of_real_speakers_are_about_as_good_as_they_were():
    utterances = pd.read_csv(ARABIC / "utterances.csv", dtype=str).rename(columns={"utterance": "id"})
    test = utterances[utterances["split"] == "test"].reset_index(drop=True)
    found = np.stack([baseline.statistics(baseline.samples([ARABIC / p for p in r.split(";")])) for r in test.paths])
    given = pd.read_csv(ARABIC / "trials.csv", dtype=str)
    listed = given[given["split"] == "test"].assign(same=lambda rows: rows.same == "1")
    score = pairing.score(baseline.Statistics(found)(found), pairing.places(test, listed))
    assert float(scores.eer(scores.curve(score, listed.same.to_numpy()))) == pytest.approx(0.17, abs=0.03)
