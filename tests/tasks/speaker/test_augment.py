"""What a voice goes through, one thing at a time, by hand-worked levels."""

from dataclasses import replace

import pytest
import torch

from earmark.tasks.speaker import augment
from earmark.tasks.speaker.settings import VoiceAugmentSettings

NOTHING = VoiceAugmentSettings(0, 0, (10.0, 10.0), 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def x():
    torch.manual_seed(3)
    return -60 * torch.rand(6, 50, 40)


def heard(x, settings, others=None):
    others = torch.zeros(len(x), 3, *x.shape[1:]) if others is None else others
    return augment.augment(x, others, settings, 0.01, 200.0)


def test_nothing_changes_nothing(x):
    torch.testing.assert_close(heard(x, NOTHING), x, atol=1e-3, rtol=0)


def test_noise_has_the_level_that_was_drawn(x):
    power = augment.to_power(x)
    added = augment.to_power(heard(x, replace(NOTHING, noise=1.0))) - power
    ratio = 10 * torch.log10(power.mean((1, 2)) / added.mean((1, 2)))
    torch.testing.assert_close(ratio, torch.full((6,), 10.0), atol=0.01, rtol=0)


def test_babble_is_all_other_voices_together(x):
    others = torch.full((6, 3, 50, 40), -20.0)
    others[:, 1:] = -30.0
    power = augment.to_power(x)
    added = augment.to_power(heard(x, replace(NOTHING, babble=1.0), others)) - power
    torch.testing.assert_close(added, added.mean((1, 2), keepdim=True).expand_as(added), rtol=1e-3, atol=1e-6)
    ratio = power.mean((1, 2)) / added.mean((1, 2))
    torch.testing.assert_close(ratio, torch.full((6,), 10.0), rtol=1e-3, atol=0)


def test_a_room_smears_forwards_and_decays_evenly():
    x = torch.full((4, 60, 3), -200.0)
    x[:, 20] = 0.0
    y = heard(x, replace(NOTHING, room=1.0))
    torch.testing.assert_close(y[:, 20], torch.zeros(4, 3), atol=1e-3, rtol=0)
    assert (y[:, :20] < -60).all()
    slopes = y[:, 22:33] - y[:, 21:32]  # further on single precision is at its end
    torch.testing.assert_close(slopes, slopes[:, :1, :1].expand_as(slopes), atol=1e-2, rtol=0)
    rt60 = -0.6 / slopes[:, 0, 0]
    assert ((rt60 > 0.149) & (rt60 < 1.21)).all()
    assert rt60.std() > 0.01


def test_a_band_limit_leaves_at_least_half_and_attenuates_the_rest(x):
    y = heard(x, replace(NOTHING, band=1.0))
    lost = (x - y).round()
    kept = (lost == 0).all(1)
    assert (kept.sum(1) >= 20).all()
    assert kept.sum() < 240
    torch.testing.assert_close(lost.amax((1, 2))[kept.sum(1) < 40], torch.full(((kept.sum(1) < 40).sum(),), 40.0))


def test_a_slope_over_the_bands_goes_from_end_to_end(x):
    y = heard(x, replace(NOTHING, gain_db=12.0)) - x
    torch.testing.assert_close(y.mean(2), torch.zeros(6, 50), atol=1e-2, rtol=0)
    steps = y[:, 0].diff(dim=1)
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), atol=1e-3, rtol=0)
    assert (y.abs() <= 6.001).all()
    assert y[:, 0, 0].std() > 1


def test_the_floor_follows_the_loudest_band(x):
    y = augment.augment(x, torch.zeros(6, 3, 50, 40), NOTHING, 0.01, 30.0)
    torch.testing.assert_close(y.amin((1, 2)), x.amax((1, 2)) - 30, atol=1e-3, rtol=0)


def test_masks_hide_whole_frames_and_bands():
    y = augment.masked(torch.ones(200, 60, 40), replace(NOTHING, time_masks=1, time_mask=10, band_masks=1, band_mask=8))
    frames, bands = (y == 0).all(2).sum(1), (y == 0).all(1).sum(1)
    assert 0 < frames.max() <= 11
    assert 0 < bands.max() <= 9
    whole = (y == 0).sum((1, 2))
    torch.testing.assert_close(whole, frames * 40 + bands * 60 - frames * bands)
