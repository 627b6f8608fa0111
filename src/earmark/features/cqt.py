"""Constant-Q and variable-Q magnitudes as a torch module: librosa.cqt's and librosa.vqt's, several times faster.

Each bin is a Hann-windowed complex sinusoid of `filter_scale` / (relative bandwidth) periods (Brown 1991; gamma after
Schörkhuber et al. 2014). As in librosa, low bins are computed at a low sample rate: half-band filters halve the rate
again and again (Schörkhuber and Klapuri 2010), and each bin uses the lowest rate that still holds it. There, frames
times a dense bank of filters is one matrix product. A frame's centre may fall between two samples of a low rate; the
bank then exists once for each fraction, so that no hop length is favoured.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earmark.errors import EarmarkError

C1_HZ = 440 * 2 ** (-45 / 12)  # 32.70
TRANSPOSING = (18, 15)  # extra bins, 3 a semitone, for transposition by +6 and -5 semitones
REACH = 31  # half the order of the half-band filter: 63 taps
BETA = 9.0  # of its Kaiser window: aliases are 90 dB down
PASSBAND = 0.41  # of the lower rate: up to there those taps leave the signal flat and free of aliases
OUTPUTS = 32  # outputs of the half-band filter that one row of its matrix product computes
HANN_ENBW = 1.5  # a Hann window's equivalent noise bandwidth, in units of 1 / length
HANN_LOBE = 2.0  # half the width of its main lobe, likewise
FRACTIONS = 8  # centres of frames are rounded to an eighth of a sample
LEAST_SPREAD = 1e-3  # deviation in decibels below which a recording is silence
ROWS = 8192  # frames in one matrix product: bounds the memory an hour takes


def mid_side(samples: Tensor) -> Tensor:
    """Mono or stereo (..., 1 or 2, n) -> (..., 2, n): (L + R) / 2 and L - R; of mono the second is zero."""
    left, right = samples[..., 0, :], samples[..., -1, :]
    return torch.stack([(left + right) / 2, left - right], dim=-2)


def to_db(magnitude: Tensor, floor_db: float = 80.0) -> Tensor:
    """Magnitude of one or more recordings (..., channels, frames, bins) -> normalised decibels, same shape.

    Decibels relative to the recording's maximum, floored `floor_db` below it; then each channel's mean is taken away
    and all are divided by the recording's largest standard deviation of a channel, so that a faint side channel stays
    faint. A constant channel, as of silence or the side of mono, is zero.
    """
    top = magnitude.amax(dim=(-3, -2, -1), keepdim=True)
    db = decibels(magnitude, top, floor_db)
    db = db - db.mean(dim=(-2, -1), keepdim=True)
    spread = db.square().mean(dim=(-2, -1), keepdim=True).sqrt().amax(dim=-3, keepdim=True)
    return torch.where(spread > LEAST_SPREAD, db / spread.clamp_min(LEAST_SPREAD), 0.0)


def decibels(magnitude: Tensor, top: Tensor, floor_db: float) -> Tensor:
    """Decibels of magnitudes relative to `top`, floored `floor_db` below it; any shape."""
    relative = magnitude / top.clamp_min(torch.finfo(magnitude.dtype).tiny)
    return 20 * torch.log10(relative.clamp_min(10 ** (-floor_db / 20)))


def transposed(bins: Tensor, semitones: int, bins_per_octave: int = 36, extra: tuple[int, int] = TRANSPOSING) -> Tensor:
    """Bins (..., below + n + above) with `extra` = (below, above) -> (..., n) as if played `semitones` higher."""
    steps, rest = divmod(semitones * bins_per_octave, 12)
    below, above = extra
    if rest or steps > below or -steps > above:
        raise EarmarkError(
            f"Transposing by {semitones:+d} semitones moves the CQT by {semitones * bins_per_octave / 12:+g} bins, and "
            f"it has {below} extra bins below and {above} above; raise `extra`, with bins_per_octave a multiple of 12."
        )
    return bins[..., below - steps : bins.shape[-1] - above - steps]


class CQT(nn.Module):
    """Samples (batch, channels, n) -> magnitude (batch, channels, 1 + n // hop_length, n_bins + extra bins).

    Frames are centred on multiples of `hop_length`; outside the recording is silence. f_min: Hz; `tuning`: cents by
    which all bins lie higher; filter_scale: length of the filters, 1 for interleaved bins; gamma: Hz added to each
    bandwidth, which shortens the filters of low bins most (0 constant-Q, None librosa's share of the ear's bands);
    extra: bins added below f_min and above the highest, for `transposed`. Same scale as librosa (scale=True, norm=1).
    Raises EarmarkError when a bin reaches above half the sample rate.
    """

    def __init__(
        self,
        sample_rate: int = 22050,
        hop_length: int = 544,
        f_min: float = C1_HZ,
        bins_per_octave: int = 36,
        n_bins: int = 252,
        filter_scale: float = 22 / 36,
        gamma: float | None = 0.0,
        tuning: float = 0.0,
        extra: tuple[int, int] = (0, 0),
    ):
        super().__init__()
        self.hop_length = hop_length
        octaves = np.arange(-extra[0], n_bins + extra[1]) / bins_per_octave + tuning / 1200
        self.frequencies = f_min * 2.0**octaves
        widths = bandwidths(self.frequencies, bins_per_octave, gamma) / filter_scale
        lengths, delays = librosa_rounding(1 / widths, bins_per_octave, sample_rate, hop_length)
        _refuse_too_high(self.frequencies + HANN_ENBW / 2 * widths, self.frequencies, sample_rate)
        self.halvings = _halvings(self.frequencies + HANN_LOBE * widths, sample_rate)
        self.register_buffer("half_band", half_band_matrix(), persistent=False)
        self.margin = 0  # samples of silence that are put on both sides, so that filters and resampling can ring out
        for k in np.unique(self.halvings):
            of_k = self.halvings == k
            bank = filter_bank(self.frequencies[of_k], lengths[of_k], delays[of_k], sample_rate / 2**k)
            bank *= np.tile(np.sqrt(sample_rate / widths[of_k]), 2)  # librosa's gain: the root of the length in samples
            self.register_buffer(f"bank_{k}", torch.from_numpy(bank).float(), persistent=False)
            self.margin = max(self.margin, bank.shape[1] * 2**k)
        self.margin = -(-self.margin // 2 ** self.halvings.max()) * 2 ** self.halvings.max()

    def forward(self, samples: Tensor) -> Tensor:
        batch, channels, n = samples.shape
        x = F.pad(samples.reshape(batch * channels, n), (self.margin, self.margin))
        out = x.new_empty(len(x), 1 + n // self.hop_length, len(self.frequencies))
        for k in range(self.halvings.max() + 1):
            if k:
                x = halved(x, self.half_band)
            if (self.halvings == k).any():
                self._fill(out, x, k)
        return out.view(batch, channels, *out.shape[1:])

    def _fill(self, out: Tensor, x: Tensor, k: int) -> None:
        """Compute from x (rows, samples), halved k times, the bins that belong there, in out (rows, frames, bins)."""
        bank, bins = getattr(self, f"bank_{k}"), np.flatnonzero(self.halvings == k)
        windows = x.unfold(-1, bank.shape[1], 1)
        centres, fractions = frame_centres(out.shape[1], self.hop_length, 2**k)
        starts = torch.from_numpy(centres + self.margin // 2**k - bank.shape[1] // 2)
        for fraction in np.unique(fractions):
            for frames in torch.from_numpy(np.flatnonzero(fractions == fraction)).split(ROWS):
                y = windows[:, starts[frames].to(x.device)] @ bank[fraction]
                out[:, frames.to(x.device), bins[0] : bins[-1] + 1] = torch.hypot(*y.chunk(2, dim=-1))


def bandwidths(frequencies: np.ndarray, bins_per_octave: int, gamma: float | None) -> np.ndarray:
    """Bandwidth of each bin in Hz at filter scale 1: alpha f + gamma (librosa.filters.wavelet_lengths)."""
    ratio = 2 ** (2 / bins_per_octave)
    alpha = (ratio - 1) / (ratio + 1)
    if gamma is None:
        gamma = 24.7 / 0.108 * alpha  # in proportion to the ear's bands (Glasberg and Moore 1990)
    return alpha * frequencies + gamma


def _refuse_too_high(edges: np.ndarray, frequencies: np.ndarray, sample_rate: int) -> None:
    too_high = edges > sample_rate / 2
    if too_high.any():
        first = int(np.argmax(too_high))
        raise EarmarkError(
            f"{too_high.sum()} of the CQT's {len(edges)} bins reach above half the sample rate of {sample_rate} Hz "
            f"(the first is bin {first} at {frequencies[first]:.1f} Hz); lower n_bins by {too_high.sum()} "
            f"or set sample_rate to {math.ceil(2 * edges.max())} or more."
        )


def _halvings(edges: np.ndarray, sample_rate: int) -> np.ndarray:
    """How often the sample rate may be halved for each bin, whose upper edges are in Hz."""
    return np.floor(np.log2(PASSBAND * sample_rate / edges)).clip(0).astype(int)


def librosa_rounding(
    lengths: np.ndarray, bins_per_octave: int, sample_rate: int, hop_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of filters in seconds -> those that librosa really uses, and how late it centres them, in seconds.

    It rounds to an odd number of samples at the rate of the bin's octave, which it halves, from the top down, as long
    as the hop stays whole. In the short low filters of a high gamma that is heard: the exact ones differ by up to 8 %.
    """
    octaves = np.arange(len(lengths))[::-1] // bins_per_octave
    twos = (hop_length & -hop_length).bit_length() - 1
    rates = sample_rate / 2.0 ** np.minimum(octaves, twos)
    half = lengths * rates / 2
    return (np.floor(half) + np.ceil(half)) / rates, 0.5 / rates


def filter_bank(frequencies: np.ndarray, lengths: np.ndarray, delays: np.ndarray, rate: float) -> np.ndarray:
    """Filters (FRACTIONS, taps, 2 x bins), cosines then sines, of absolute sum 1, for a sample rate in Hz.

    Centred `delays` and a fraction of a sample after tap taps // 2; lengths and delays in seconds.
    """
    half = math.ceil(rate * (lengths / 2 + delays).max())
    taps = np.arange(-half, half + 1)[:, None]
    t = (taps - np.arange(FRACTIONS)[:, None, None] / FRACTIONS) / rate - delays  # (FRACTIONS, taps, bins)
    window = np.where(abs(t) < lengths / 2, 0.5 + 0.5 * np.cos(2 * np.pi * t / lengths), 0)
    window /= window.sum(axis=1, keepdims=True)
    phase = 2 * np.pi * frequencies * t
    return np.concatenate([window * np.cos(phase), window * np.sin(phase)], axis=2)


def frame_centres(frames: int, hop_length: int, divisor: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres m * hop_length / divisor of frames as whole samples and the FRACTIONS of one beyond, both (frames,)."""
    parts = (np.arange(frames, dtype=np.int64) * hop_length * FRACTIONS + divisor // 2) // divisor
    return parts // FRACTIONS, parts % FRACTIONS


def half_band_matrix() -> Tensor:
    """Odd taps of the half-band filter (REACH + OUTPUTS, OUTPUTS): odd samples -> what they add to each output.

    The even taps are zero but for the middle one, which is a half.
    """
    odd = np.arange(-REACH, REACH + 1, 2)
    taps = np.sinc(odd / 2) / 2 * np.i0(BETA * np.sqrt(1 - (odd / (REACH + 1)) ** 2)) / np.i0(BETA)
    taps /= 2 * taps.sum()  # they and the middle one sum to 1
    matrix = np.zeros((REACH + OUTPUTS, OUTPUTS))
    for i in range(OUTPUTS):
        matrix[i : i + len(taps), i] = taps
    return torch.from_numpy(matrix).float()


def halved(x: Tensor, half_band: Tensor) -> Tensor:
    """Samples (rows, n) -> (rows, ceil(n / 2)) at half the rate, in phase; silence outside.

    As one matrix product over overlapping rows of the odd samples: a dozen times faster than a strided convolution.
    """
    n = (x.shape[1] + 1) // 2
    blocks = -(-n // OUTPUTS)
    odd = x[:, 1::2]
    before = (REACH + 1) // 2
    odd = F.pad(odd, (before, blocks * OUTPUTS + REACH - before - odd.shape[1]))
    y = odd.unfold(-1, REACH + OUTPUTS, OUTPUTS) @ half_band
    return torch.add(y.flatten(1)[:, :n], x[:, ::2], alpha=0.5)
