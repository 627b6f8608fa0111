"""Random crops and their changes, against loops and hand numbers."""

import numpy as np
import pytest
import torch

from builders import augment_settings
from earmark.tasks.genre import augment

CPU = torch.device("cpu")


def crops(n: int = 6, bands: int = 12, frames: int = 20) -> torch.Tensor:
    return torch.randn(n, 1, bands, frames, generator=torch.Generator().manual_seed(0))


def test_every_start_is_drawn_and_no_other():
    torch.manual_seed(0)
    rows = augment.crop_rows(torch.full((4000,), 10), 4, stretch=0.0)
    starts, counts = rows[:, 0].unique(return_counts=True)
    assert starts.tolist() == [0, 1, 2, 3, 4, 5, 6]  # the last one, 10 - 4, too
    assert counts.min() > 4000 / 7 * 0.8
    assert torch.equal(rows - rows[:, :1], torch.arange(4.0).expand(4000, 4))


def test_a_recording_of_one_window_has_one_crop():
    assert augment.crop_rows(torch.tensor([4, 4]), 4, 0.0).tolist() == [[0, 1, 2, 3]] * 2


def test_stretched_crops_stay_inside_and_reach_both_speeds():
    torch.manual_seed(0)
    lengths = torch.randint(20, 60, (3000,))
    rows = augment.crop_rows(lengths, 20, stretch=0.25)
    step = rows.diff(dim=1)
    assert (rows >= 0).all()
    assert (rows <= (lengths - 1)[:, None]).all()
    torch.testing.assert_close(step, step[:, :1].expand_as(step), rtol=0, atol=1e-4)
    assert 0.8 - 1e-4 <= step.min() < 0.81
    assert 1.24 < step.max() <= 1.25 + 1e-4
    assert step[lengths == 20].max() <= 1 + 1e-4  # no room to read faster


def test_between_frames_interpolates_within_a_recording():
    values = torch.tensor([[0.0, 100], [1, 101], [2, 102], [50, 150], [60, 160]], dtype=torch.float16)
    got = augment.between_frames(values, torch.tensor([0, 3]), torch.tensor([[0.0, 0.5, 2.0], [0.25, 0.5, 1.0]]))
    assert got.shape == (2, 1, 2, 3)
    assert got[:, 0, 0].tolist() == [[0.0, 0.5, 2.0], [52.5, 55.0, 60.0]]
    assert got[:, 0, 1].tolist() == [[100.0, 100.5, 102.0], [152.5, 155.0, 160.0]]
    assert got.dtype == torch.float32


@pytest.mark.parametrize(("change", "axis", "amount"), [(augment.roll_bands, 2, 3), (augment.shift_time, 3, 0.1)])
def test_rolls_move_each_crop_by_its_own_amount(change, axis, amount):
    torch.manual_seed(1)
    x = crops(200)
    got, most = change(x, amount), 3 if axis == 2 else 2
    seen = set()
    for before, after in zip(x, got, strict=True):
        fits = [k for k in range(-most, most + 1) if torch.equal(after, moved(before, k, axis - 1, axis == 2))]
        assert len(fits) == 1
        seen.add(fits[0])
    assert seen == set(range(-most, most + 1))


def moved(x: torch.Tensor, k: int, axis: int, edges: bool) -> torch.Tensor:
    """Numpy's version: edges repeated, or rotated."""
    if not edges:
        return torch.from_numpy(np.roll(x.numpy(), k, axis))
    widths = [(max(k, 0), max(-k, 0)) if i == axis else (0, 0) for i in range(x.ndim)]
    padded = np.pad(x.numpy(), widths, mode="edge")
    return torch.from_numpy(np.take(padded, range(max(-k, 0), max(-k, 0) + x.shape[axis]), axis))


def test_equalizer_is_one_smooth_curve_for_all_frames_of_a_crop():
    torch.manual_seed(0)
    x = torch.zeros(4000, 1, 9, 2)
    added = augment.equalize(x, 3.0)
    assert torch.equal(added[..., 0], added[..., 1])
    # Five knots on nine bands: every second band is a knot of deviation 3, the others are means of two.
    assert added[:, 0, ::2, 0].std(0).tolist() == pytest.approx([3.0] * 5, rel=0.05)
    torch.testing.assert_close(added[:, 0, 1::2, 0], (added[:, 0, :-1:2, 0] + added[:, 0, 2::2, 0]) / 2)


def test_masks_are_bounded_and_differ_between_crops():
    torch.manual_seed(0)
    masked = augment.mask(torch.ones(400, 1, 16, 30), 1, 5, 1, 4)[:, 0] == 0
    frames, bands = masked.all(1).sum(1), masked.all(2).sum(1)
    assert frames.max() <= 5
    assert bands.max() <= 4
    assert len(frames.unique()) >= 4
    assert len(bands.unique()) >= 3
    assert torch.equal(masked, masked.all(1)[:, None, :] | masked.all(2)[:, :, None])


def test_mixup_mixes_crops_and_targets_alike():
    torch.manual_seed(3)
    x, targets = crops(8), torch.eye(8)
    got, mixed = augment.mix(x, targets, "mixup", 1.0, 15.0)
    assert mixed.sum(1).tolist() == pytest.approx([1.0] * 8)
    torch.testing.assert_close(got.flatten(1), mixed @ x.flatten(1))  # the targets say who is in it and how much


def test_between_class_adds_powers():
    torch.manual_seed(3)
    x, targets = crops(8), torch.eye(8)
    got, mixed = augment.mix(x, targets, "between_class", 1.0, 15.0)
    power = 10 ** (x.flatten(1).double() * 15 / 10)
    share = mixed.double().square()
    expected = (share / share.sum(1, keepdim=True)) @ power
    torch.testing.assert_close(10 ** (got.flatten(1).double() * 15 / 10), expected, rtol=1e-3, atol=1e-6)


def test_mixing_a_crop_with_itself_changes_nothing():
    one = crops(1).expand(4, -1, -1, -1)
    for how in ("mixup", "between_class"):
        got, _ = augment.mix(one, torch.eye(4), how, 0.4, 15.0)
        torch.testing.assert_close(got, one, rtol=1e-4, atol=1e-5)


def test_nothing_is_changed_where_everything_is_off():
    x, labels = crops(), torch.tensor([0, 1, 2, 0, 1, 2])
    got, targets = augment.Augment(augment_settings(), 3, 100.0, 15.0)(x, labels)
    assert torch.equal(got, x)
    assert torch.equal(targets, torch.eye(3)[labels])


@pytest.mark.parametrize(
    "on",
    [
        {"mel_roll": 3},
        {"shift": 0.3},
        {"gain_db": 6.0},
        {"equalizer_db": 3.0},
        {"time_masks": 1, "time_mask_s": 0.1},
        {"band_masks": 1, "band_mask": 4},
        {"mix": "mixup"},
        {"mix": "between_class"},
    ],
    ids=lambda on: next(iter(on)) + str(on.get("mix", "")),
)
def test_every_ingredient_is_seeded_and_does_something(on):
    change, labels = augment.Augment(augment_settings(**on), 3, 100.0, 15.0), torch.arange(6) % 3
    got = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        got.append(change(crops(), labels)[0])
    assert torch.equal(got[0], got[1])
    assert not torch.equal(got[0], got[2])
    assert not torch.equal(got[0], crops())


def test_gain_lies_within_its_bounds():
    torch.manual_seed(0)
    x = torch.zeros(2000, 1, 2, 2)
    got, _ = augment.Augment(augment_settings(gain_db=6.0), 2, 100.0, 15.0)(x, torch.zeros(2000, dtype=torch.int64))
    level = got[:, 0, 0, 0] * 15
    assert level.min() == pytest.approx(-6, abs=0.05)
    assert level.max() == pytest.approx(6, abs=0.05)


def test_share_of_mixed_batches():
    torch.manual_seed(0)
    change = augment.Augment(augment_settings(mix="mixup", share=0.3), 2, 100.0, 15.0)
    x, labels = crops(4), torch.tensor([0, 1, 0, 1])
    mixed = [not torch.equal(change(x, labels)[0], x) for _ in range(500)]
    assert np.mean(mixed) == pytest.approx(0.3, abs=0.06)
