"""Detuning heard from a spectrogram, and mended by a shift of bins."""

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import noise, sines
from bundles import CHORD_FEATURES
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.decoding import tuning
from earmark.tasks.chord.networks.build import network_input

RATE = CHORD_FEATURES.sample_rate


def stored(tmp_path, sound: np.ndarray) -> torch.Tensor:
    sf.write(tmp_path / "a.wav", sound, RATE)
    return torch.from_numpy(spectrogram.spectrogram_of(tmp_path / "a.wav", CHORD_FEATURES))


def heard(tmp_path, cents: float):
    high = 2 ** (cents / 1200)
    return stored(tmp_path, sum(sines(f * high, 3.0, RATE, 0.2) for f in (220.0, 277.18, 329.63, 440.0)))


def peaks(places: list[float], height: float = 0.9, frames: int = 1) -> np.ndarray:
    """Frames of 252 bins, with Gaussians of magnitude, parabolas in decibels, at places in semitones above bin 0."""
    bins = np.arange(252)
    bumps = [height - 0.02 * (bins - tuning.BINS * place) ** 2 for place in places]
    return np.repeat(np.maximum(0, np.max(bumps, 0))[None].astype(np.float32), frames, 0)


@pytest.mark.parametrize("cents", [-49, -47, -38, -30, -17, -16, -10, 0, 12, 16, 17, 25, 38, 47, 49])
def test_cents_of_a_chord(tmp_path, cents):
    spectrum = network_input(heard(tmp_path, cents), 1)[0].numpy()
    assert tuning.cents(spectrum) == pytest.approx(cents, abs=0.8)
    if abs(abs(cents) - tuning.LEAST_CENTS) > 0.8:
        assert tuning.shift(spectrum) == np.sign(cents) * (abs(cents) > tuning.LEAST_CENTS)


@pytest.mark.parametrize("cents", [-50, -42, -16.7, 0, 3.3, 16.6, 21, 49])
def test_the_tops_of_peaks_lie_between_the_bins(cents):
    """Exactly, but for what the CQT itself adds."""
    found = tuning.cents(peaks([20 + cents / 100, 31 + cents / 100, 43 + cents / 100]))
    assert found == pytest.approx(cents + tuning.LEAN_CENTS, abs=1e-4)


def test_peaks_weigh_by_their_height():
    """By hand: at right angles, 0 and 25 cents, the tangent is the quotient of the heights."""
    spectrum = np.concatenate([peaks([20], 0.9), peaks([30.25], 0.6)])
    expected = 100 * np.arctan2(0.6 - 0.02 * 0.25**2, 0.9) / (2 * np.pi) + tuning.LEAN_CENTS
    assert tuning.cents(spectrum) == pytest.approx(expected, abs=1e-4)


def test_peaks_that_are_low_or_outside_the_four_octaves_say_nothing():
    outside = [p + 0.3 for p in (5, 11, 60, 70, 83)]
    assert tuning.cents(peaks(outside, frames=2)) == 0
    assert tuning.cents(peaks([20.3], height=0.49)) == 0
    assert tuning.cents(peaks([*outside, 20.2], frames=2)) == pytest.approx(20 + tuning.LEAN_CENTS, abs=1e-4)


@pytest.mark.parametrize(("sharp", "shift"), [(70, 1), (30, -1)])
def test_the_whole_recording_decides_between_sharp_and_flat(sharp, shift):
    """Of 100 frames some are 45 cents sharp, the others 47 flat, which is 53 sharp: together 47 or 51 cents."""
    frames = np.concatenate([peaks([20.45, 32.45], frames=sharp), peaks([21.53, 40.53], frames=100 - sharp)])
    found = tuning.cents(frames)
    assert (np.sign(found), abs(found) > 47) == (shift, True)
    assert tuning.shift(frames) == shift
    assert [tuning.shift(frames[i : i + 1]) for i in (0, 99)] == [1, -1]


def test_a_shift_is_to_the_nearest_bin_from_the_least_cents_on():
    for cents in (tuning.LEAST_CENTS - 0.1, tuning.LEAST_CENTS + 0.1):
        for sign in (-1, 1):
            places = [p + (sign * cents - tuning.LEAN_CENTS) / 100 for p in (20, 33)]
            assert tuning.shift(peaks(places)) == sign * (cents > tuning.LEAST_CENTS)


def test_a_shift_reads_the_bins_where_the_notes_are(tmp_path):
    sharp, straight = heard(tmp_path, 100 / 3), heard(tmp_path, 0)
    moved, plain = network_input(sharp, 1, higher=1), network_input(straight, 1)
    assert moved.shape == plain.shape
    inside = slice(5, -5)
    assert (moved - plain)[:, inside].abs().mean() < 0.02 < (network_input(sharp, 1) - plain)[:, inside].abs().mean()


def test_noise_drums_and_silence_are_not_out_of_tune(tmp_path):
    beat = np.exp(-np.arange(RATE // 2) / 400)
    for sound in (noise(8, RATE), np.tile(beat, 16) * noise(8, RATE)):
        spectrum = network_input(stored(tmp_path, sound.astype(np.float32)), 1)[0].numpy()
        assert (spectrum > tuning.PEAK).mean() > 0.1
        assert (tuning.cents(spectrum), tuning.shift(spectrum)) == (0, 0)
    assert (tuning.cents(np.zeros((20, 252), np.float32)), tuning.cents(iter([]))) == (0, 0)


def test_a_spectrum_in_blocks_is_as_much_out_of_tune_as_the_whole():
    spectrum = np.random.default_rng(0).random((50, 252)).astype(np.float32)
    spectrum[:, 1::3] *= 1.5
    whole = tuning.cents(spectrum)
    assert abs(whole) > 5
    assert tuning.cents(iter([spectrum[:20], spectrum[20:]])) == pytest.approx(whole, abs=1e-9)
