"""dyad_net's data is what its code makes: two sines, three frames, decibels over the minimum, one noise a batch."""

import warnings

import librosa
import numpy as np
import pytest

from earmark.experiments.dyad_net import dyads
from earmark.experiments.dyad_net.dyads import CQTS, PITCHES_HZ, QUARTER_TONES_HZ, UNSEEN_HZ, Dyads, dyad, templates


def his_template(root: float, semitones: float) -> np.ndarray:
    """What the source's calls give, complex numbers and all."""
    t = np.arange(16000 * 1.0)
    wave = 0.5 * np.sin(2 * np.pi * root * t / 16000)
    wave = wave + 0.5 * np.sin(2 * np.pi * root * 2.0 ** (semitones / 12.0) * t / 16000)
    cqt = librosa.cqt(wave, sr=16000, fmin=220, n_bins=36, filter_scale=2)[:, 2:5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cqt = librosa.amplitude_to_db(cqt, ref=np.min)
    return cqt / np.max(cqt)


def his_batches(count: int, seed: int = 1209) -> list[np.ndarray]:
    """The first batches of 128 after NumPy's global generator was seeded, drawn in the source's order."""
    major, minor = ([his_template(root, n) for root in PITCHES_HZ] for n in (4.0, 3.0))
    before = np.random.get_state()
    np.random.seed(seed)
    found = []
    for _ in range(count):
        choice = np.random.choice(12, size=64, replace=True)
        gain = 0.1 * np.random.random_sample(1)
        noise = gain * np.random.uniform(-1.0, 1.0, (36, 3))
        found.append(np.float32([noise + some[i] for some in (major, minor) for i in choice]))
    np.random.set_state(before)
    return found


def test_the_default_inputs_are_his():
    got = templates(PITCHES_HZ)
    assert got.shape == (2, 12, 36, 3)
    assert got.dtype == np.float64
    for quality, semitones in ((0, 4.0), (1, 3.0)):
        for i, root in enumerate(PITCHES_HZ):
            np.testing.assert_allclose(got[quality, i], his_template(root, semitones), rtol=0, atol=1e-9)


def test_default_batches_are_his_to_the_bit_of_float32():
    """Both of his generators draw from one stream: a training batch, then one of validation, then one of training."""
    stream = np.random.RandomState(1209)
    training, validation = (Dyads(PITCHES_HZ, stream) for _ in range(2))
    for generator, expected in zip((training, validation, training), his_batches(3), strict=True):
        x, y = generator.batch()
        np.testing.assert_allclose(x, expected, rtol=0, atol=1e-7)
        assert np.eye(2)[y].tolist() == [[1, 0]] * 64 + [[0, 1]] * 64  # his one-hot labels, major first


def test_whose_cqt_it_is_changes_the_inputs():
    """The floor is what the transform's imprecision leaves: librosa's filters are thinned out."""
    floors = {name: np.median(templates(PITCHES_HZ, name).min((2, 3))) for name in CQTS}
    assert floors["librosa"] == pytest.approx(0.25, abs=0.02)
    assert floors["earmark"] == pytest.approx(0.31, abs=0.02)


def test_our_cqt_is_librosas_with_filters_that_are_not_thinned_out():
    plain = {"sr": 16000, "fmin": 220, "n_bins": 36, "filter_scale": 2}
    for wave in (dyad(440.0, 0), dyad(740.0, 1)):
        expected = dyads.scaled_db(abs(librosa.cqt(wave, sparsity=0, **plain))[:, 2:5])
        notes = expected > 0.7
        assert notes.sum() == 6  # two notes in three frames
        difference = abs(dyads.earmarks(wave) - expected)
        assert difference[notes].max() < 1e-3
        assert difference[expected > 0.5].max() < 0.02


@pytest.mark.parametrize("cqt_of", CQTS)
def test_the_two_notes_are_the_largest_bins(cqt_of):
    found = templates(PITCHES_HZ, cqt_of)
    for quality, semitones in ((0, 4), (1, 3)):
        for i in range(12):
            largest = np.sort(np.argsort(found[quality, i, :, 1])[-2:])
            assert largest.tolist() == [12 + i, 12 + i + semitones]  # semitones above 220 Hz
    assert (found.max((2, 3)) == 1).all()


def test_decibels_by_hand_and_by_librosa():
    # 0, 20, 40 and 100 dB over the minimum of 1e-4; then what lies 80 dB below the largest is cut at 20 dB.
    magnitude = np.array([[1e-4, 1e-3], [1e-2, 10.0]])
    np.testing.assert_allclose(dyads.scaled_db(magnitude), [[0.2, 0.2], [0.4, 1.0]])
    tiny = np.array([[1e-9, 1e-3]])  # the reference is at least 1e-5: 40 dB
    np.testing.assert_allclose(dyads.scaled_db(tiny), [[0.0, 1.0]], atol=1e-12)
    for m in (magnitude, tiny, np.random.default_rng(0).random((5, 4))):
        his = librosa.amplitude_to_db(m, ref=np.min)
        np.testing.assert_allclose(dyads.scaled_db(m), his / his.max(), atol=1e-9)


def test_librosa_takes_the_magnitude_of_complex_numbers_and_the_minimum_of_that():
    values = np.array([3 + 4j, -10 + 0j, 0.5j])  # NumPy's minimum of complex numbers goes by the real part: -10
    with pytest.warns(UserWarning, match="phase information will be discarded"):
        found = librosa.amplitude_to_db(values, ref=np.min)
    np.testing.assert_allclose(found, 20 * np.log10([10, 20, 1]))


def test_a_batch_is_half_major_and_half_minor_of_the_same_roots_with_one_noise():
    data = Dyads(PITCHES_HZ, np.random.RandomState(3))
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
    data = Dyads(PITCHES_HZ, np.random.RandomState(3))
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


def test_librosa_is_imported_when_an_input_is_computed_and_not_before():
    assert not hasattr(dyads, "librosa")
