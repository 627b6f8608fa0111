"""Detuning heard from a spectrogram, and mended by a shift of bins."""

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import sines
from bundles import CHORD_FEATURES
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.decoding import tuning
from earmark.tasks.chord.networks.build import seen


def heard(tmp_path, cents: float):
    rate = CHORD_FEATURES.sample_rate
    high = 2 ** (cents / 1200)
    sound = sum(sines(f * high, 3.0, rate, 0.2) for f in (220.0, 277.18, 329.63, 440.0))
    sf.write(tmp_path / "a.wav", sound, rate)
    return torch.from_numpy(spectrogram.of(tmp_path / "a.wav", CHORD_FEATURES))


@pytest.mark.parametrize("cents", [-38, -30, -10, 0, 12, 30, 38])
def test_cents_of_a_chord(tmp_path, cents):
    found = tuning.cents(seen(heard(tmp_path, cents), 1)[0].numpy())
    assert found == pytest.approx(cents, abs=14)  # a steady tone is heard to the nearest bin, 33 cents
    assert tuning.shift(seen(heard(tmp_path, cents), 1)[0].numpy()) == np.sign(cents) * (abs(cents) >= 30)


def test_a_shift_reads_the_bins_where_the_notes_are(tmp_path):
    sharp, straight = heard(tmp_path, 100 / 3), heard(tmp_path, 0)
    moved, plain = seen(sharp, 1, higher=1), seen(straight, 1)
    assert moved.shape == plain.shape
    inside = slice(5, -5)
    assert (moved - plain)[:, inside].abs().mean() < 0.02 < (seen(sharp, 1) - plain)[:, inside].abs().mean()


def test_noise_and_silence_are_not_out_of_tune():
    rng = np.random.default_rng(0)
    assert tuning.shift(np.zeros((20, 252), np.float32)) == 0
    assert abs(tuning.cents(rng.random((400, 252)).astype(np.float32))) < 1


def test_a_spectrum_in_blocks_is_as_much_out_of_tune_as_the_whole():
    spectrum = np.random.default_rng(0).random((50, 36)).astype(np.float32)
    spectrum[:, 1::3] *= 1.5
    whole = tuning.cents(spectrum)
    assert abs(whole) > 5
    assert tuning.cents(iter([spectrum[:20], spectrum[20:]])) == pytest.approx(whole, abs=1e-9)
