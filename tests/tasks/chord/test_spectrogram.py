"""What a frame of the spectrogram is compared with: the recording's maximum, or the one around it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.settings import ChordFeatureSettings

WHOLE = ChordFeatureSettings(8000, 800, 32.7, 6, 1.0, 0.0, 60.0)  # ten frames a second
LOCAL = replace(WHOLE, local_s=0.2)  # two frames either way


def test_the_maximum_around_a_frame_by_hand():
    """Decibels: the maximum of five frames, then the mean of five, of those there are at the ends."""
    db = [0, 0, 0, -40, -40, -40, -40, -40, -40, -20]
    loudest = [0, 0, 0, 0, 0, -40, -40, -20, -20, -20]
    mean = [np.mean(loudest[max(0, i - 2) : i + 3]) for i in range(10)]
    found = spectrogram.levels(torch.tensor([0.5 * 10 ** (d / 20) for d in db]), LOCAL)
    np.testing.assert_allclose(20 * np.log10(found / 0.5), mean, atol=1e-4)


def test_it_falls_no_further_than_the_bound():
    tops = torch.tensor([1.0] * 5 + [1e-5] * 20)
    found = spectrogram.levels(tops, replace(LOCAL, local_db=30.0))
    assert 20 * np.log10(found[-1]) == pytest.approx(-30, abs=1e-4)


def test_without_it_every_frame_is_compared_with_the_recordings_maximum():
    assert spectrogram.levels(torch.tensor([0.2, 0.9, 0.1]), WHOLE).tolist() == pytest.approx([0.9] * 3)


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60), st.floats(0, 1))
def test_no_frame_is_above_what_it_is_compared_with(tops, local_s):
    tops = torch.tensor(tops)
    found = spectrogram.levels(tops, replace(WHOLE, local_s=local_s))
    assert (found >= tops * (1 - 1e-4)).all()
    assert (found <= tops.max() * (1 + 1e-4)).all()


def test_a_quiet_half_is_heard_as_the_loud_one():
    t = np.arange(12 * 8000) / 8000
    sound = (np.sin(2 * np.pi * 220 * t) * np.where(t < 6, 1, 0.01)).astype(np.float32)  # 40 dB
    whole, local = (spectrogram.spectrogram_of_blocks([sound[None]], settings) for settings in (WHOLE, LOCAL))
    loud, quiet = slice(20, 40), slice(80, 100)
    assert np.abs(local[quiet] - local[loud]).max() < 0.02
    assert whole[loud].max() - whole[quiet].max() == pytest.approx(40 / 60, abs=0.01)


def test_deviation_is_of_the_whole_recording():
    with pytest.raises(ValueError, match="must be 0 where normalize is deviation"):
        replace(LOCAL, normalize="deviation")
