"""The default chord network: convolutions that turn with the pitch class, so that every key is learnt at once."""

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


class Turn(nn.Module):
    """A block on (batch, channels, frames, 12): every pitch class hears all others, then its neighbours in time.

    The first convolution is circular over the 12 pitch classes, so that a transposed input gives the transposed
    output; the second is dilated over time.
    """

    def __init__(self, channels: int, dilation: int):
        super().__init__()
        self.around = nn.Conv2d(channels, channels, (1, PITCH_CLASSES), bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.along = nn.Conv2d(channels, channels, (3, 1), padding=(dilation, 0), dilation=(dilation, 1), bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        turned = torch.cat([x, x[..., : PITCH_CLASSES - 1]], -1)
        y = F.relu(self.norm1(self.around(turned)), inplace=True) * mask
        return F.relu(x + self.norm2(self.along(y)), inplace=True) * mask


class PitchNet(nn.Module):
    """(batch, 1, frames, bins) of a constant-Q spectrogram with 36 bins an octave -> ChordLogits.

    Two convolutions on the semitone axis, where notes look alike in every register; then octaves become channels and
    the blocks work on pitch classes. Frames beyond a recording's length are zero after every layer, as the
    convolutions' own padding is, so that padding changes nothing.
    """

    def __init__(self, n_qualities: int, n_octaves: int = 7, channels: int = 64, stem: int = 16, blocks: int = 6):
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
        self.n_qualities = n_qualities

    @property
    def reach(self) -> int:
        """Frames that a frame hears on either side."""
        return 3 + sum(block.along.dilation[0] for block in self.blocks)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> ChordLogits:
        """lengths: (batch,) frames of each recording in the batch, None where all are whole."""
        frames = x.shape[2]
        lengths = torch.full((len(x),), frames, device=x.device) if lengths is None else lengths
        mask = (torch.arange(frames, device=x.device) < lengths[:, None])[:, None, :, None].to(x.dtype)
        x = F.relu(self.norm1(self.semitones(x * mask)), inplace=True) * mask
        x = F.relu(self.norm2(self.notes(x)), inplace=True) * mask
        x = x.unflatten(3, (self.n_octaves, PITCH_CLASSES)).permute(0, 1, 3, 2, 4).flatten(1, 2)
        x = F.relu(self.norm3(self.fold(x)), inplace=True) * mask
        for block in self.blocks:
            x = block(x, mask)
        x = self.dropout(x)
        return self._answers(self.by_pitch(x), self.by_frame(torch.cat([x.mean(3), x.amax(3)], 1)))

    def _answers(self, pitch: Tensor, frame: Tensor) -> ChordLogits:
        """pitch: (batch, q + 4, frames, 12); frame: (batch, 3, frames)."""
        pitch, frame = pitch.float().transpose(1, 2), frame.float().transpose(1, 2)
        q = self.n_qualities
        return ChordLogits(
            torch.cat([pitch[:, :, :q].flatten(2), frame[..., :1]], 2),
            torch.cat([pitch[:, :, q], frame[..., 1:2]], 2),
            pitch[:, :, q + 1],
            frame[..., 2],
            pitch[:, :, q + 2 :].flatten(2),
        )
