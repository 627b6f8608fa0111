"""The CQT equals librosa's per octave, keeps pitch and time, transposes by a slice, and survives short inputs."""

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch

from builders import noise, sines
from earmark.errors import EarmarkError
from earmark.features import cqt
from earmark.features.cqt import C1_HZ, CQT, TRANSPOSING, half_band_matrix, halved, mid_side, to_db, transposed
from project import REPOSITORY

RATE, SCALE = 22050, 22 / 36


def music(seconds: float = 8.0, rate: int = RATE) -> np.ndarray:
    """Plucked chords of nine partials over a bass, two a second, with noise bursts between (n,)."""
    rng = np.random.default_rng(4)
    t = np.arange(round(0.9 * rate)) / rate
    out = np.zeros(round(seconds * rate), np.float32)
    for start in np.arange(0, seconds - 1, 0.5):
        at = slice(round(start * rate), round(start * rate) + len(t))
        for note in [rng.integers(24, 40), *rng.choice(np.arange(48, 84), 4, replace=False)]:
            partials = np.arange(1, 10)[:, None]
            waves = np.sin(2 * np.pi * partials * 440 * 2 ** ((note - 69) / 12) * t + rng.uniform(0, 6, (9, 1)))
            out[at] += (waves * np.exp(-t * (1 + partials)) / partials).sum(0) * 0.1
        out[at] += 0.1 * rng.standard_normal(len(t)) * np.exp(-40 * t)
    return out


def ours(x: np.ndarray, **settings) -> np.ndarray:
    """Magnitude (bins, frames), as librosa lays it out."""
    return CQT(**settings)(torch.from_numpy(x)[None, None])[0, 0].T.numpy()


def librosas(x: np.ndarray, hop_length: int, gamma: float | None, **changes) -> np.ndarray:
    plain = {"sr": RATE, "fmin": C1_HZ, "n_bins": 252, "bins_per_octave": 36, "filter_scale": SCALE}
    return abs(librosa.vqt(x, hop_length=hop_length, gamma=gamma, res_type="soxr_hq", **plain | changes))


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Frobenius norm of the difference over that of `expected`, after the one best scale factor."""
    assert got.shape == expected.shape
    scale = (got * expected).sum() / (got * got).sum()
    assert scale == pytest.approx(1, abs=0.01)  # the same units, too
    return float(np.linalg.norm(scale * got - expected) / np.linalg.norm(expected))


def by_octave(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return np.array([difference(got[k : k + 36], expected[k : k + 36]) for k in range(0, len(got), 36)])


# Relative error per octave from C1 to C7 up that is allowed; measured is about two thirds of it.
PER_OCTAVE = [0.02, 0.011, 0.009, 0.008, 0.009, 0.012, 0.012]


@pytest.mark.parametrize("gamma", [0.0, 20.0, None])
@pytest.mark.parametrize("hop", [544, 512, 441])
def test_equals_librosa_in_every_octave(hop, gamma):
    x = music()
    errors = by_octave(ours(x, hop_length=hop, gamma=gamma), librosas(x, hop, gamma))
    assert (errors < PER_OCTAVE).all(), errors.round(4)


def test_equals_librosa_cqt_at_a_hop_with_few_frames():
    x = music()
    plain = {"sr": RATE, "fmin": C1_HZ, "n_bins": 252, "bins_per_octave": 36, "filter_scale": SCALE}
    errors = by_octave(ours(x, hop_length=2048), abs(librosa.cqt(x, hop_length=2048, res_type="soxr_hq", **plain)))
    assert (errors < 0.015).all(), errors.round(4)


def test_equals_librosa_on_a_rendered_song():
    path = REPOSITORY.parent / "shared/data/chd_mma_dev/02_rock_60srock.flac"
    if not path.is_file():
        pytest.skip("the song is not in ../shared/data/chd_mma_dev")
    x = sf.read(path, dtype="float32", stop=10 * RATE)[0].mean(1)
    for gamma in (0.0, None):
        errors = by_octave(ours(x, hop_length=544, gamma=gamma), librosas(x, 544, gamma))
        assert (errors < PER_OCTAVE).all(), errors.round(4)


def test_tuning_and_filter_scale_are_librosas():
    x = music(4.0)
    got = ours(x, hop_length=512, bins_per_octave=12, n_bins=72, filter_scale=1.5, tuning=25.0)
    changes = {"n_bins": 72, "bins_per_octave": 12, "filter_scale": 1.5, "tuning": 0.25}
    assert difference(got, librosas(x, 512, 0.0, **changes)) < 0.01


def test_a_tone_peaks_at_its_bin_and_moves_with_tuning():
    a4 = 36 * 3 + 27  # three octaves and nine semitones above C1
    assert CQT().frequencies[a4] == pytest.approx(440)
    middle = ours(sines(440, 2.0))[:, 40]
    assert middle.argmax() == a4
    length = SCALE * RATE / (0.019253 * 440)  # Q periods of 440 Hz, in samples
    assert middle[a4] == pytest.approx(0.5 / 2 * length**0.5, rel=0.01)  # half of the sine's amplitude
    assert ours(sines(440 * 2 ** (50 / 1200), 2.0), tuning=50.0)[:, 40].argmax() == a4


@pytest.mark.parametrize("hop", [544, 441, 2048])
def test_a_click_is_heard_at_its_own_frame_in_every_octave(hop):
    x = np.zeros(RATE * 2, np.float32)
    x[hop * 12] = 1.0
    heard = ours(x, hop_length=hop)
    assert (heard.argmax(axis=1) == 12).all()


def test_gamma_sharpens_low_notes_in_time():
    x = np.zeros(RATE * 3, np.float32)
    x[RATE * 3 // 2] = 1.0
    widths = {g: (h := ours(x, gamma=g))[0] > h[0].max() / 2 for g in (0.0, 20.0)}
    assert [int(w.sum()) for w in widths.values()] == [20, 1]  # frames in which C1 rings on


def test_low_sample_rates_change_nothing(monkeypatch):
    x, settings = noise(2.0), {"f_min": 400.0, "n_bins": 115}
    low = ours(x, **settings)
    monkeypatch.setattr(cqt, "_halvings", lambda edges, sample_rate: np.zeros(len(edges), int))
    whole = ours(x, **settings)
    assert abs(low - whole).max() < 1e-3 * whole.max()


def test_a_batch_equals_each_recording_alone():
    x = torch.from_numpy(np.stack([music(2.0), noise(2.0)])).reshape(1, 2, -1)
    x = torch.cat([x, x.flip(1) * 0.3])
    module = CQT(n_bins=100)
    together = module(x)
    assert together.shape == (2, 2, 1 + 2 * RATE // 544, 100)
    for b in range(2):
        for c in range(2):
            torch.testing.assert_close(together[b, c], module(x[b : b + 1, c : c + 1])[0, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2, 543, 544, 3000])
def test_short_and_empty_inputs(n):
    x = noise(0.2)[:n]
    heard = ours(x)
    assert heard.shape == (252, 1 + n // 544)
    assert np.isfinite(heard).all()
    padded = ours(np.concatenate([x, np.zeros(RATE, np.float32)]))[:, : heard.shape[1]]
    np.testing.assert_allclose(heard, padded, atol=1e-4 * max(1e-6, padded.max()))  # silence follows a recording


def test_silence_is_zero():
    assert (ours(np.zeros(RATE, np.float32)) == 0).all()


@pytest.mark.parametrize(("semitones", "start"), [(6, 0), (1, 15), (0, 18), (-5, 33)])
def test_transposition_is_a_slice(semitones, start):
    bins = torch.arange(2 * 285.0).view(2, 285)
    torch.testing.assert_close(transposed(bins, semitones), bins[:, start : start + 252])


def test_transposed_bins_are_those_of_transposed_music():
    frequencies = 440 * 2 ** (np.array([-30, -17, 2, 11]) / 12)
    low, high = (sum(sines(f * ratio, 2.0, level=0.1) for f in frequencies) for ratio in (1, 2 ** (4 / 12)))
    slid = transposed(torch.from_numpy(ours(low, extra=TRANSPOSING).T), 4).T.numpy()[:, 20:60]
    scale = 2 ** (-4 / 24)  # a filter four semitones up is shorter by 2^(4/12), and the gain is its root
    assert difference(slid * scale, ours(high)[:, 20:60]) < 0.02
    plain = transposed(torch.from_numpy(ours(low, extra=TRANSPOSING).T), 0).T.numpy()
    assert difference(plain, ours(low)) < 0.01


@pytest.mark.parametrize("semitones", [7, -6])
def test_transposing_too_far_names_what_is_there(semitones):
    with pytest.raises(EarmarkError, match="18 extra bins below and 15 above; raise `extra`"):
        transposed(torch.zeros(285), semitones)


def test_transposing_by_part_of_a_bin_is_refused():
    with pytest.raises(EarmarkError, match="bins_per_octave a multiple of 12"):
        transposed(torch.zeros(100), 1, bins_per_octave=18)


def test_bins_above_half_the_sample_rate_are_refused_with_the_mend():
    with pytest.raises(EarmarkError) as error:
        CQT(sample_rate=8000)
    assert "3 of the CQT's 252 bins reach above half the sample rate of 8000 Hz" in str(error.value)
    assert "the first is bin 249 at 3951.1 Hz" in str(error.value)
    assert "lower n_bins by 3 or set sample_rate to 8407 or more" in str(error.value)
    CQT(sample_rate=8000, n_bins=249)
    CQT(sample_rate=8407)


def test_mid_and_side():
    left, right = torch.from_numpy(noise(0.1, seed=1)), torch.from_numpy(noise(0.1, seed=2))
    mid, side = mid_side(torch.stack([left, right]))
    torch.testing.assert_close(mid, (left + right) / 2)
    torch.testing.assert_close(side, left - right)
    mid, side = mid_side(left[None])
    torch.testing.assert_close(mid, left)
    assert (side == 0).all()
    assert mid_side(torch.zeros(3, 1, 10)).shape == (3, 2, 10)


def test_decibels_by_hand():
    magnitude = torch.tensor([[[1.0, 0.1]], [[0.01, 0.0]]])  # 0, -20, -40 dB and the floor at -60
    got = to_db(magnitude, floor_db=60.0)
    torch.testing.assert_close(got, torch.tensor([[[1.0, -1.0]], [[1.0, -1.0]]]))  # means -10, -50; largest spread 10
    faint = to_db(torch.tensor([[[1.0, 1e-3]], [[1e-4, 2e-4]]]), floor_db=80.0)
    torch.testing.assert_close(faint[1], torch.tensor([[-3.0103, 3.0103]]) / 30, rtol=1e-4, atol=1e-5)


def test_decibels_ignore_level_and_silence_gives_zeros():
    x = torch.from_numpy(CQT()(mid_side(torch.from_numpy(music(2.0))[None, None])).numpy())
    assert (to_db(torch.zeros(2, 5, 9)) == 0).all()
    db = to_db(x)
    assert (db[0, 1] == 0).all()  # the side of mono
    torch.testing.assert_close(db[0, 0].std(correction=0), torch.tensor(1.0))
    torch.testing.assert_close(to_db(1e-4 * x), db, rtol=0, atol=1e-3)
    both = to_db(torch.cat([x, 1e-3 * x.flip(2)]))  # each recording by itself
    torch.testing.assert_close(both[0], db[0])
    torch.testing.assert_close(both[1], db[0].flip(1), rtol=0, atol=1e-3)


def test_halving_keeps_what_is_low_and_drops_what_is_high():
    matrix, t = half_band_matrix(), np.arange(4000) / 1000
    low, high = (torch.from_numpy(np.cos(2 * np.pi * f * t)).float()[None] for f in (150.0, 310.0))
    torch.testing.assert_close(halved(low, matrix)[:, 50:-50], low[:, ::2][:, 50:-50], rtol=0, atol=1e-4)
    assert halved(high, matrix)[:, 50:-50].abs().max() < 1e-4
    assert [halved(torch.zeros(2, n), matrix).shape for n in (1, 2, 64, 65)] == [(2, 1), (2, 1), (2, 32), (2, 33)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_cpu():
    x = torch.from_numpy(music(2.0))[None, None]
    torch.testing.assert_close(CQT().cuda()(x.cuda()).cpu(), CQT()(x), rtol=1e-4, atol=1e-4)
