"""Random changes of training crops, for a whole batch at once on its device; imports torch and torchaudio alone.

A crop is (bands, frames) of normalised decibels. Everything draws from torch's global generator, which the
training loop seeds anew every epoch.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from earmark.features.torchaudio_lite import torchaudio
from earmark.tasks.genre.settings import AugmentSettings, Mixed


def uniform(n: int, low: float, high: float, device: torch.device) -> Tensor:
    """n numbers (n,) from low to high."""
    return low + (high - low) * torch.rand(n, device=device)


def crop_rows(lengths: Tensor, size: int, stretch: float) -> Tensor:
    """Positions of the rows of one random crop of each recording, in frames of that recording: (n, size).

    lengths: (n,) frames of each recording, at least `size`. Every start is possible that keeps the crop
    inside. With `stretch` s the step between rows is 1/(1+s) to 1+s (log-uniform) and positions fall between
    frames; a recording too short for a fast reading is read as fast as it allows.
    """
    n, device = len(lengths), lengths.device
    bound = torch.tensor(1 + stretch).log().item()
    step = uniform(n, -bound, bound, device).exp()
    room = (lengths - 1).float()
    step = torch.minimum(step, room / (size - 1)) if size > 1 else step
    span = step * (size - 1)
    free = room - span
    if stretch == 0:  # whole frames; each of the free + 1 starts alike
        start = torch.minimum((torch.rand(n, device=device) * (free + 1)).floor(), free)
    else:
        start = torch.rand(n, device=device) * free
    rows = start[:, None] + step[:, None] * torch.arange(size, device=device)
    return torch.minimum(rows, room[:, None])  # rounding may pass the end by a hair


def between_frames(values: Tensor, offsets: Tensor, rows: Tensor) -> Tensor:
    """Frames at positions `rows` (n, size) of recordings that begin at `offsets` (n,): (n, 1, bands, size).

    values: (total frames, bands), any float type. Positions between frames are interpolated linearly.
    """
    below = rows.floor()
    share = (rows - below).unsqueeze(-1)
    index = offsets[:, None] + below.long()
    x = values[index].float()
    if share.any():
        x = torch.lerp(x, values[(index + 1).clamp_max(len(values) - 1)].float(), share)
    return x.mT.unsqueeze(1)


def roll_bands(x: Tensor, most: int) -> Tensor:
    """Shift the bands of each crop by a whole number from -most to most; edge bands repeat. x: (n, 1, bands, t)."""
    shift = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
    band = (torch.arange(x.shape[2], device=x.device) - shift).clamp(0, x.shape[2] - 1)
    return x.gather(2, band[:, None, :, None].expand_as(x))


def shift_time(x: Tensor, share: float) -> Tensor:
    """Rotate each crop in time by up to `share` of its length, either way. x: (n, 1, bands, t)."""
    most = round(share * x.shape[3])
    shift = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
    frame = (torch.arange(x.shape[3], device=x.device) - shift) % x.shape[3]
    return x.gather(3, frame[:, None, None, :].expand_as(x))


def equalize(x: Tensor, deviation: float, knots: int = 5) -> Tensor:
    """Add a smooth random curve over the bands: `knots` Gaussian levels, interpolated. x: (n, 1, bands, t)."""
    levels = deviation * torch.randn(len(x), 1, knots, device=x.device)
    curve = torch.nn.functional.interpolate(levels, x.shape[2], mode="linear", align_corners=True)
    return x + curve.unsqueeze(-1)


def mask(x: Tensor, times: int, time: int, bands: int, band: int) -> Tensor:
    """SpecAugment: `times` masks of up to `time` frames and `bands` of up to `band` bands, written as the mean 0."""
    along = torchaudio.functional.mask_along_axis_iid
    for _ in range(times):
        x = along(x, time, 0.0, 3)
    for _ in range(bands):
        x = along(x, band, 0.0, 2)
    return x


def mix(x: Tensor, targets: Tensor, how: str, alpha: float, unit_db: float) -> tuple[Tensor, Tensor]:
    """Mix every crop with another of the batch, and its target alike.

    x: (n, 1, bands, t); targets: (n, classes). `mixup` weights the decibels; `between_class` adds powers
    weighted by squared shares, as sounds of equal level add whose waveforms are unrelated; for that it must know
    how many decibels a unit is.
    """
    share = torch.distributions.Beta(alpha, alpha).sample((len(x),)).to(x.device)
    other = torch.randperm(len(x), device=x.device)
    r, q = share.view(-1, 1, 1, 1), share.view(-1, 1)
    targets = q * targets + (1 - q) * targets[other]
    if how == "mixup":
        return r * x + (1 - r) * x[other], targets
    nepers = unit_db * torch.log(torch.tensor(10.0)).item() / 10  # of power, to one unit of a crop
    weight = torch.stack([r.square(), (1 - r).square()])
    weight = (weight / weight.sum(0)).clamp_min(1e-12).log()
    return torch.logaddexp(weight[0] + nepers * x, weight[1] + nepers * x[other]) / nepers, targets


class Augment:
    """The settings' changes, in the order sounds meet them: mixing, pitch and time, level, then masks.

    frames_per_second, unit_db: of the crops (decibels of one unit).
    """

    def __init__(self, settings: AugmentSettings, n_classes: int, frames_per_second: float, unit_db: float):
        self.settings = settings
        self.n_classes = n_classes
        self.unit_db = unit_db
        self.time = round(settings.time_mask_s * frames_per_second)

    def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (n, 1, bands, t) and labels (n,) -> changed crops and targets (n, classes)."""
        s = self.settings
        targets = one_hot(labels, self.n_classes).float()
        if isinstance(s.mix, Mixed) and torch.rand(()) < s.mix.share:
            x, targets = mix(x, targets, s.mix.name, s.mix.alpha, self.unit_db)
        if s.mel_roll:
            x = roll_bands(x, s.mel_roll)
        if s.shift:
            x = shift_time(x, s.shift)
        if s.equalizer_db:
            x = equalize(x, s.equalizer_db / self.unit_db)
        if s.gain_db:
            most = s.gain_db / self.unit_db
            x = x + uniform(len(x), -most, most, x.device).view(-1, 1, 1, 1)
        return mask(x, s.time_masks, self.time, s.band_masks, s.band_mask), targets
