"""Windows of recordings: how many, where they start, and that they stay inside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import features_settings, song_mil_features
from earmark.features.store import Store
from earmark.tasks.genre.windows import count_windows, index


def make_store(lengths: list[int], n_bands: int = 2) -> Store:
    lengths = np.array(lengths)
    offsets = np.cumsum(lengths) - lengths
    values = np.arange(lengths.sum() * n_bands, dtype=np.float32).reshape(-1, n_bands)
    return Store(values, offsets, lengths, [f"r{i}" for i in range(len(lengths))], {}, "")


def test_slices_of_a_recording_by_hand():
    # 0.5 s at 8 kHz: 4000 samples, 1 + 4000 // 256 = 16 frames; a hop of 0.25 s is 7.8, so 8 frames
    s = features_settings()
    assert (s.window_frames, s.window_stride) == (16, 8)
    assert s.window_stride_s == pytest.approx(8 * 256 / 8000)
    assert [count_windows(n, s) for n in (0, 15, 16, 23, 24, 31, 32)] == [0, 0, 1, 1, 2, 2, 3]
    got = index(make_store([16, 30, 40]), ["r0", "r1", "r2"], np.array([0, 1, 0]), s)
    assert got.starts.tolist() == [0, 16, 24, 46, 54, 62, 70]
    assert got.segment.tolist() == [0, 1, 1, 2, 2, 2, 2]
    assert got.labels.tolist() == [0, 1, 0]
    assert got.n_frames == 16


def test_windows_computed_by_themselves_by_hand():
    s = song_mil_features()
    assert (s.window_samples, s.window_hop_samples, s.window_frames) == (110250, 55125, 216)
    assert s.window_stride == 216  # they lie end to end in the store
    assert s.window_stride_s == 2.5
    assert count_windows(23 * 216, s) == 23
    got = index(make_store([216, 432]), ["r0", "r1"], np.array([1, 0]), s)
    assert got.starts.tolist() == [0, 216, 432]
    assert got.segment.tolist() == [0, 1, 1]


def test_start_seconds():
    # window k of the whole recording starts at the frame nearest to k hops
    s = features_settings(window_hop_s=0.1)
    assert s.window_stride == 3
    assert s.window_stride_s == 3 * 256 / 8000
    assert features_settings(window_hop_s=0.001).window_stride == 1
    assert features_settings(framing="window", window_hop_s=0.1).window_stride_s == 0.1


def test_any_order_and_a_part_of_the_store():
    s = features_settings()
    got = index(make_store([16, 24, 16]), ["r2", "r1"], np.array([1, 0]), s)
    assert got.starts.tolist() == [40, 16, 24]
    assert got.segment.tolist() == [0, 1, 1]
    assert got.ids == ["r2", "r1"]
    assert got.of(np.array([1])).tolist() == [1, 2]
    assert got.of(np.array([0, 1])).tolist() == [0, 1, 2]
    assert got.of(np.array([], np.int64)).tolist() == []
    with pytest.raises(KeyError):
        index(make_store([16]), ["r7"], np.array([0]), s)


@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=8),
    window_s=st.floats(0.1, 1.0),
    share=st.floats(0.05, 1.0),
)
def test_every_window_lies_inside_its_recording(lengths, window_s, share):
    s = features_settings(window_s=window_s, window_hop_s=window_s * share)
    kept = make_store(lengths)
    got = index(kept, kept.ids, np.zeros(len(lengths)), s)
    assert (np.diff(got.segment) >= 0).all()
    for i, n in enumerate(lengths):
        starts = got.starts[got.of(np.array([i]))] - kept.offsets[i]
        assert len(starts) == count_windows(n, s)
        assert (len(starts) > 0) == (n >= s.window_frames)
        if len(starts):
            assert starts[0] == 0
            assert (np.diff(starts) == s.window_stride).all()
            assert starts[-1] + s.window_frames <= n < starts[-1] + s.window_frames + s.window_stride
