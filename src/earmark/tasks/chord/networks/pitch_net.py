"""The default chord network: convolutions that turn with the pitch class, so that every key is learnt at once."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PITCH_CLASSES = 12


@dataclass(frozen=True)
class ChordLogits:
    """What the network says of every frame; none of it is normalised.

    chord: (batch, frames, 12 q + 1), class `quality * 12 + root`, N last. bass: (batch, frames, 13), none last.
    tones: (batch, frames, 12). change: (batch, frames). key: (batch, frames, 24), 12 major tonics and 12 minor ones.
    """

    chord: Tensor
    bass: Tensor
    tones: Tensor
    change: Tensor
    key: Tensor


class Around(nn.Module):
    """Circular cross-correlation over the 12 pitch classes: (batch, channels, frames, 12) -> the same shape.

    Every pitch class hears all others, so that a transposed input gives the transposed output. Computed by the discrete
    Fourier transform, in which it is one small matrix a frequency: a sixth of the products, the same result.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, PITCH_CLASSES))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # as nn.Conv2d
        self.register_buffer("waves", _waves(), persistent=False)
        self.fixed: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def fuse(self, norm: nn.BatchNorm2d) -> None:
        """For a network that is only read: the batch normalisation behind becomes part of it, and is worked out once.

        A shift is the same for all pitch classes, and so in their sum, the first frequency, alone.
        """
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        self.weight.mul_(scale[:, None, None])
        shift = (norm.bias - norm.running_mean * scale) * math.sqrt(PITCH_CLASSES)
        self.fixed = self._by_frequency(), shift

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, frames, _ = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(-1, PITCH_CLASSES, channels)
        spectrum = torch.matmul(self.waves.to(x.dtype), rows).view(len(rows), 6, 2 * channels).transpose(0, 1)
        if self.fixed is None:
            product = torch.bmm(spectrum, self._by_frequency().to(x.dtype)).transpose(0, 1)
        else:
            matrices, shift = self.fixed
            product = spectrum.new_empty(len(rows), 6, 2 * channels)
            torch.bmm(spectrum, matrices, out=product.transpose(0, 1))  # in the order in which it is read: no copy
            product[:, 0, :channels] += shift
        rows = torch.matmul(self.waves.T.to(x.dtype), product.reshape(len(rows), PITCH_CLASSES, channels))
        return rows.view(batch, frames, PITCH_CLASSES, channels).permute(0, 3, 1, 2)

    def _by_frequency(self) -> Tensor:
        """(6, 2 channels in, 2 channels out): the two real frequencies side by side, then real and imaginary parts."""
        spectrum = torch.matmul(self.weight, self.waves.T).movedim(2, 0).mT  # (12, in, out)
        even = spectrum[0]
        odd = spectrum[1]
        real = spectrum[2::2]
        imaginary = spectrum[3::2]
        scale = math.sqrt(PITCH_CLASSES)
        none = torch.zeros_like(even)
        first = torch.cat([torch.cat([even, none], 1), torch.cat([none, odd], 1)])[None] * scale
        upper, lower = torch.cat([real, -imaginary], 2), torch.cat([imaginary, real], 2)
        return torch.cat([first, torch.cat([upper, lower], 1) * (scale / math.sqrt(2))])


def _waves() -> Tensor:
    """The orthonormal real Fourier basis (12, 12): constant, alternating, cosine and minus sine of 1 to 5 turns."""
    turns = torch.arange(PITCH_CLASSES, dtype=torch.float64) * (2 * math.pi / PITCH_CLASSES)
    waves = [torch.ones_like(turns) / math.sqrt(2), torch.cos(6 * turns) / math.sqrt(2)]
    for k in range(1, 6):
        waves += [torch.cos(k * turns), -torch.sin(k * turns)]
    return (torch.stack(waves) / math.sqrt(6)).float()


class Turn(nn.Module):
    """A block on (batch, channels, frames, 12): around the pitch classes, then along the neighbouring frames."""

    NORMALISED = (("along", "norm2"),)

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.around = Around(channels)
        self.norm1 = nn.BatchNorm2d(channels)
        self.along = nn.Conv2d(channels, channels, (3, 1), padding=(dilation, 0), dilation=(dilation, 1), bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = _masked(F.relu(self.norm1(self.around(x)), inplace=True), mask)
        return _masked(F.relu(x + self.norm2(self.along(y)), inplace=True), mask)


def over_pitches(x: Tensor) -> Tensor:
    """Mean and maximum over the pitch classes: (batch, channels, frames, 12) -> (batch, 2 channels, frames)."""
    rows = x.permute(0, 2, 3, 1)  # channels last, as they lie: several times as fast
    return torch.cat([rows.mean(2), rows.amax(2)], 2).mT


def _masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zero where the mask is; None lets all through."""
    return x if mask is None else x * mask


class Agreement(nn.Module):
    """What bass and tones (batch, frames, 2, 12) add to each quality on each root (batch, frames, qualities, 12).

    A weight for every quality, head and interval above the root, the same on all roots: a quality whose third the tones
    deny loses by it, and of two names of the same notes the one that stands on the bass gains.
    """

    def __init__(self, n_qualities: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_qualities, 2, PITCH_CLASSES))

    def forward(self, heads: Tensor) -> Tensor:
        above = torch.cat([heads, heads[..., :-1]], 3).unfold(3, PITCH_CLASSES, 1)  # [..., root, interval]
        return torch.einsum("bfhri,qhi->bfqr", above, self.weight.to(above.dtype))


class PitchNet(nn.Module):
    """(batch, 1, frames, bins) of a constant-Q spectrogram with 36 bins an octave -> ChordLogits.

    Two convolutions on the semitone axis, where notes look alike in every register; then octaves become channels and
    the blocks work on pitch classes. Frames beyond a recording's length are zero after every layer, as the
    convolutions' own padding is, so that padding changes nothing.
    """

    NORMALISED = (("semitones", "norm1"), ("notes", "norm2"), ("fold", "norm3"))

    def __init__(
        self,
        n_qualities: int,
        n_octaves: int = 7,
        channels: int = 64,
        stem: int = 16,
        blocks: int = 6,
        agreement: bool = False,
    ):
        super().__init__()
        self.n_octaves = n_octaves
        # Three bins a semitone: the kernel is centred on the semitone and sees half of its neighbours.
        self.semitones = nn.Conv2d(1, stem, (3, 7), stride=(1, 3), padding=(1, 2), bias=False)
        self.norm1 = nn.BatchNorm2d(stem)
        self.notes = nn.Conv2d(stem, stem, (3, 5), padding=(1, 2), bias=False)
        self.norm2 = nn.BatchNorm2d(stem)
        self.fold = nn.Conv2d(n_octaves * stem, channels, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.blocks = nn.ModuleList(Turn(channels, 2**i) for i in range(blocks))
        self.dropout = nn.Dropout2d(0.1)
        # By pitch class: qualities of a chord on it, whether it is the bass, whether it sounds, whether it is the
        # tonic of major and of minor.
        self.by_pitch = nn.Conv2d(channels, n_qualities + 4, 1)
        # Of the frame: no chord, no bass, a change.
        self.by_frame = nn.Conv1d(2 * channels, 3, 3, padding=1)
        self.agreement = Agreement(n_qualities) if agreement else None
        self.n_qualities = n_qualities
        self.to(memory_format=torch.channels_last)

    @property
    def reach(self) -> int:
        """Frames that a frame hears on either side."""
        return 3 + sum(block.along.dilation[0] for block in self.blocks)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> ChordLogits:
        """lengths: (batch,) frames of each recording in the batch, None where all are whole."""
        frames = x.shape[2]
        mask = None
        if lengths is not None and int(lengths.min()) < frames:
            mask = (torch.arange(frames, device=x.device) < lengths[:, None])[:, None, :, None].to(x.dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        x = _masked(F.relu(self.norm1(self.semitones(_masked(x, mask))), inplace=True), mask)
        x = _masked(F.relu(self.norm2(self.notes(x)), inplace=True), mask)
        x = _masked(self.folded(x), mask)
        for block in self.blocks:
            x = block(x, mask)
        x = self.dropout(x)
        return self.answers(self.by_pitch(x), self.by_frame(over_pitches(x)))

    def folded(self, x: Tensor) -> Tensor:
        """Octaves as channels: (batch, stem, frames, semitones) -> (batch, channels, frames, 12).

        The fold's weights are put into the order in which a frame's numbers lie, which moves far fewer of them.
        """
        rows = x.permute(0, 2, 3, 1).unflatten(2, (self.n_octaves, PITCH_CLASSES)).transpose(2, 3).flatten(3)
        weight = self.fold.weight.flatten(1).unflatten(1, (-1, self.n_octaves)).mT.flatten(1)
        x = F.linear(rows, weight, self.fold.bias).permute(0, 3, 1, 2)
        return F.relu(self.norm3(x), inplace=True)

    def answers(self, pitch: Tensor, frame: Tensor) -> ChordLogits:
        """The heads' channels by name. pitch: (batch, q + 4, frames, 12); frame: (batch, 3, frames)."""
        precise = torch.promote_types(pitch.dtype, torch.float32)  # bfloat16 ends here
        pitch, frame = (x.to(precise).transpose(1, 2) for x in (pitch, frame))
        q = self.n_qualities
        chord = pitch[:, :, :q]
        if self.agreement is not None:
            chord = chord + self.agreement(pitch[:, :, q : q + 2])
        return ChordLogits(
            torch.cat([chord.flatten(2), frame[..., :1]], 2),
            torch.cat([pitch[:, :, q], frame[..., 1:2]], 2),
            pitch[:, :, q + 1],
            frame[..., 2],
            pitch[:, :, q + 2 :].flatten(2),
        )
