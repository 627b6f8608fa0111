"""What a voice goes through before a microphone hears it, on log-mel segments: channel, room, noise, babble, masks.

Powers of uncorrelated sounds add, so noise is added in the power domain of the mel bands; a room's late reverberation
smears a band's energy by an exponential decay (Moorer 1979). Both cost a thousandth of what they cost on samples.
"""

import torch
from torch import Tensor

from earmark.tasks.speaker.settings import VoiceAugmentSettings

SLOWEST_RT60_S, FASTEST_RT60_S = 1.2, 0.15
NARROWEST = 0.5  # share of the bands that a band limit leaves, at least
STOPPED_DB = 40.0  # how far a band limit attenuates
STEEPEST_DB = 30.0  # slope of coloured noise over the bands


def augment(decibels: Tensor, others: Tensor, s: VoiceAugmentSettings, hop_s: float, top_db: float) -> Tensor:
    """Segments (batch, frames, bands) as heard otherwhere; floored `top_db` below each one's loudest band.

    others: (batch, k, frames, bands) other segments of training: the first is noise, all together are babble.
    """
    power = to_power(decibels + _slopes(decibels, s.gain_db) - _stopped(decibels, s.band))
    power = _roomy(power, s.room, hop_s)
    added = _noise(power, others, s)
    snr = torch.empty(len(power), 1, 1, device=power.device).uniform_(*s.snr_db)
    level = power.mean((1, 2), keepdim=True) / added.mean((1, 2), keepdim=True).clamp_min(1e-12)
    power = power + added * level * to_power(-snr)
    loud = 10 * torch.log10(power.clamp_min(1e-12))
    return torch.maximum(loud, loud.amax((1, 2), keepdim=True) - top_db)


def to_power(decibels: Tensor) -> Tensor:
    """10 ** (x / 10)."""
    return torch.exp(decibels * 0.23025850929940458)


def masked(x: Tensor, s: VoiceAugmentSettings) -> Tensor:
    """SpecAugment on normalised segments (batch, frames, bands): stretches of frames and of bands become 0."""
    for masks, size, axis in ((s.time_masks, s.time_mask, 1), (s.band_masks, s.band_mask, 2)):
        at = torch.arange(x.shape[axis], device=x.device)
        for _ in range(masks):
            width = torch.rand(len(x), 1, device=x.device) * min(size, x.shape[axis] / 3)
            begin = torch.rand(len(x), 1, device=x.device) * (x.shape[axis] - width)
            hidden = (at >= begin) & (at < begin + width)
            x = x.masked_fill(hidden[:, :, None] if axis == 1 else hidden[:, None], 0.0)
    return x


def _drawn(x: Tensor, share: float) -> Tensor:
    """Which segments of a batch are among a share of them, (batch,) booleans; on the CPU, so that no GPU waits."""
    return torch.rand(len(x)) < share


def _at(chosen: Tensor, x: Tensor) -> Tensor:
    """The places (n,) of the true ones among booleans (batch,), on the device of x."""
    return chosen.nonzero().flatten().to(x.device)


def _slopes(x: Tensor, gain_db: float) -> Tensor:
    """Random slopes over the bands, decibels (batch, 1, bands)."""
    rising = torch.linspace(-0.5, 0.5, x.shape[2], device=x.device)
    return (torch.rand(len(x), 1, 1, device=x.device) * 2 - 1) * gain_db * rising


def _stopped(x: Tensor, share: float) -> Tensor:
    """Attenuation outside of random bands, decibels (batch, 1, bands)."""
    n = x.shape[2]
    low = torch.rand(len(x), 1, 1, device=x.device) * (1 - NARROWEST) / 2 * n
    high = n - torch.rand(len(x), 1, 1, device=x.device) * (1 - NARROWEST) / 2 * n
    at = torch.arange(n, device=x.device)
    return _drawn(x, share).to(x.device)[:, None, None] * STOPPED_DB * ((at < low) | (at >= high)).to(x.dtype)


def _roomy(power: Tensor, share: float, hop_s: float) -> Tensor:
    """Power with the late reverberation of random rooms, of the share of segments that stand in one."""
    chosen, n = _at(_drawn(power, share), power), power.shape[1]
    dry = power[chosen]
    if not len(dry):
        return power
    rt60 = torch.empty(len(dry), 1, 1, device=power.device).uniform_(FASTEST_RT60_S, SLOWEST_RT60_S)
    decay = to_power(-60 * torch.arange(1, n + 1, device=power.device)[None, :, None] * hop_s / rt60)
    wet = to_power(torch.empty(len(dry), 1, 1, device=power.device).uniform_(-12, 6)) / decay.sum(1, keepdim=True)
    spectrum = torch.fft.rfft(dry, 2 * n, dim=1) * torch.fft.rfft(decay, 2 * n, dim=1)
    late = torch.fft.irfft(spectrum, 2 * n, dim=1)[:, : n - 1].clamp_min(0)
    wetted = power.clone()
    wetted[chosen, 1:] += wet * late
    return wetted


def _noise(power: Tensor, others: Tensor, s: VoiceAugmentSettings) -> Tensor:
    """What is added, (batch, frames, bands) of any level: nothing, another recording or coloured noise, or babble.

    Each is made for the segments that have it alone: noise of exponential power is a tenth of a step where all do.
    """
    pick, recorded = torch.rand(len(power)), _drawn(power, 0.5)
    one, coloured = (_at((pick < s.noise) & kind, power) for kind in (recorded, ~recorded))
    babbling = _at(pick > 1 - s.babble, power)
    added = torch.zeros_like(power)
    added[one] = to_power(others[one, 0])
    flat = power.new_empty(len(coloured), *power.shape[1:]).exponential_()
    flat = flat + torch.empty_like(flat).exponential_()
    added[coloured] = flat * to_power(_slopes(flat, 2 * STEEPEST_DB))
    added[babbling] += to_power(others[babbling]).sum(1)
    return added
