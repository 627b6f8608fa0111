"""Seed 001's data is what its code makes: two sines, three frames, decibels over the minimum, one noise a batch."""

import builtins

import librosa
import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.experiments.seed001 import dyads
from earmark.experiments.seed001.dyads import PITCHES_HZ, QUARTER_TONES_HZ, UNSEEN_HZ, Dyads, dyad, scaled_db, templates


def his_template(root: float, semitones: float) -> np.ndarray:
    """The source's lines, with librosa."""
    t = np.arange(16000 * 1.0)
    wave = 0.5 * np.sin(2 * np.pi * root * t / 16000)
    wave = wave + 0.5 * np.sin(2 * np.pi * root * 2.0 ** (semitones / 12.0) * t / 16000)
    cqt = librosa.cqt(wave, sr=16000, fmin=220, n_bins=36, filter_scale=2)[:, 2:5]
    cqt = librosa.amplitude_to_db(abs(cqt), ref=np.min)
    return cqt / np.max(cqt)


def test_templates_by_librosa_are_his():
    got = templates(PITCHES_HZ, "librosa")
    assert got.shape == (2, 12, 36, 3)
    for quality, semitones in ((0, 4.0), (1, 3.0)):
        for i in (0, 7):
            np.testing.assert_allclose(got[quality, i], his_template(PITCHES_HZ[i], semitones), rtol=0, atol=2e-6)


def test_our_cqt_is_librosas_with_filters_that_are_not_thinned_out():
    wave = np.stack([dyad(440.0, 0), dyad(740.0, 1)])[None]
    plain = {"sr": 16000, "fmin": 220, "n_bins": 36, "filter_scale": 2}
    got, expected = dyads.earmarks(wave), abs(librosa.cqt(wave, sparsity=0, **plain))
    assert np.linalg.norm(got - expected) < 0.01 * np.linalg.norm(expected)


def test_the_two_notes_are_the_largest_bins():
    found = templates(PITCHES_HZ)
    for quality, semitones in ((0, 4), (1, 3)):
        for i in range(12):
            largest = np.sort(np.argsort(found[quality, i, :, 1])[-2:])
            assert largest.tolist() == [12 + i, 12 + i + semitones]  # semitones above 220 Hz
    assert (found.max((2, 3)) == 1).all()
    assert found.dtype == np.float32


def test_decibels_by_hand_and_by_librosa():
    # 0, 20, 40 and 100 dB over the minimum of 1e-4; then what lies 80 dB below the largest is cut at 20 dB.
    magnitude = np.array([[1e-4, 1e-3], [1e-2, 10.0]])
    np.testing.assert_allclose(scaled_db(magnitude), [[0.2, 0.2], [0.4, 1.0]])
    tiny = np.array([[1e-9, 1e-3]])  # the reference is at least 1e-5: 40 dB
    np.testing.assert_allclose(scaled_db(tiny), [[0.0, 1.0]], atol=1e-12)
    for m in (magnitude, tiny, np.random.default_rng(0).random((5, 4))):
        his = librosa.amplitude_to_db(m, ref=np.min)
        np.testing.assert_allclose(scaled_db(m), his / his.max(), atol=1e-9)


def test_a_batch_is_half_major_and_half_minor_of_the_same_roots_with_one_noise():
    data = Dyads(PITCHES_HZ, np.random.default_rng(3))
    x, y = data.batch(128)
    assert x.shape == (128, 36, 3)
    assert x.dtype == np.float32
    assert y.tolist() == [0] * 64 + [1] * 64
    clean = data.templates.reshape(24, -1)
    residues = x.reshape(128, 1, -1) - clean  # an example less each template
    (first,) = np.flatnonzero(abs(residues[0]).max(1) <= 0.1)  # only its own leaves no more than noise
    noise = residues[0, first]
    chosen = abs(residues - noise).max(2).argmin(1)
    assert abs(residues[np.arange(128), chosen] - noise).max() < 1e-6
    assert (chosen[64:] == chosen[:64] + 12).all()
    assert len(set(chosen[:64])) > 8


def test_the_gain_of_the_noise_is_drawn_anew_for_every_batch():
    data = Dyads(PITCHES_HZ, np.random.default_rng(3))
    data.templates = np.zeros_like(data.templates)
    peaks = np.array([abs(data.batch(2)[0]).max() for _ in range(200)])
    assert peaks.max() <= 0.1
    assert (peaks > 0.09).mean() == pytest.approx(0.1, abs=0.06)
    assert (peaks < 0.05).mean() == pytest.approx(0.5, abs=0.1)
    assert data.batch(2)[0].min() < 0


def test_unseen_roots_are_none_of_his_and_stay_inside_the_bins():
    nearest = [min(abs(12 * np.log2(u / p)) for p in PITCHES_HZ) for u in UNSEEN_HZ]
    assert min(nearest) > 0.9  # semitones
    assert len(UNSEEN_HZ) == 20
    assert max(UNSEEN_HZ) * 2 ** (4 / 12) < 220 * 2 ** (35.5 / 12)
    quarter = [min(abs(12 * np.log2(u / p)) for p in PITCHES_HZ) for u in QUARTER_TONES_HZ]
    assert min(quarter) == pytest.approx(0.5, abs=0.01)


def test_without_librosa_the_sentence_names_the_remedy(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **more):
        if name == "librosa":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EarmarkError, match="install it or use earmark"):
        dyads.librosas(np.zeros(16000))
