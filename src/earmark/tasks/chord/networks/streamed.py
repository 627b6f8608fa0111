"""pitch_net over a recording that comes in pieces: each frame is computed once, and no more than a few are held.

Every layer keeps the frames that those to come will hear, so that the answer is that of the whole recording, however it
is cut. Tensors are (1, channels, n, width), n frames of a piece.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.nn.fused import fused as without_normalisations
from earmark.tasks.chord.networks.pitch_net import ChordLogits, PitchNet, Turn, over_pitches


def logits(net: PitchNet, pieces: Iterable[Tensor]) -> Iterator[ChordLogits]:
    """What the network says of a recording in pieces (1, 1, n, bins), a stretch (1, n, ...) at a time, in order.

    The stretches are others than the pieces: a frame is answered once all that it hears is there.
    """
    notes = _convolved(net.notes, net.norm2, _convolved(net.semitones, net.norm1, pieces))
    x: Iterator[Tensor] = map(net.folded, notes)
    for block in net.blocks:
        x = _turned(block, x)
    for window in _windows(x, 1):
        by_frame = F.conv1d(over_pitches(window), net.by_frame.weight, net.by_frame.bias)
        yield net.answers(net.by_pitch(window[:, :, 1:-1]), by_frame)


def fused(net: PitchNet) -> PitchNet:
    """A copy to read with, of the same answers: batch normalisations have become part of the convolutions."""
    net = without_normalisations(net)
    for block in net.blocks:
        block.around.fuse(block.norm1)
        block.norm1 = torch.nn.Identity()
    return net


def _windows(pieces: Iterable[Tensor], reach: int) -> Iterator[Tensor]:
    """The pieces with `reach` frames before and after each, zeros beyond both ends, as a convolution's own padding."""
    held: Tensor | None = None
    for piece in pieces:
        if held is None:
            held = piece.new_zeros(*piece.shape[:2], reach, piece.shape[3])
        held = torch.cat([held, piece], 2).contiguous(memory_format=torch.channels_last)
        if (n := held.shape[2] - 2 * reach) > 0:
            yield held
            held = held[:, :, n:].clone()  # not a view, which would keep all of it
    if held is not None:
        held = F.pad(held, (0, 0, 0, reach))
        if held.shape[2] > 2 * reach:
            yield held


def _convolved(layer: torch.nn.Conv2d, norm: torch.nn.Module, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """A convolution over three frames with its normalisation."""
    for window in _windows(pieces, 1):
        y = F.conv2d(window, layer.weight, layer.bias, layer.stride, (0, layer.padding[1]))
        yield F.relu(norm(y), inplace=True)


def _turned(block: Turn, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """A block; what it adds to its input waits until the frames after it are there."""
    reach, waiting = block.along.dilation[0], []

    def around() -> Iterator[Tensor]:
        for x in pieces:
            waiting.append(x)
            yield F.relu(block.norm1(block.around(x)), inplace=True)

    for window in _windows(around(), reach):
        y = block.norm2(F.conv2d(window, block.along.weight, block.along.bias, 1, 0, (reach, 1)))
        x, n = torch.cat(waiting, 2), y.shape[2]
        waiting[:] = [x[:, :, n:].clone()]
        yield F.relu(y.add_(x[:, :, :n]), inplace=True)
