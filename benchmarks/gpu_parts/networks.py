"""The networks whose steps are timed, at the sizes that earmark's settings and recipes train them with.

Each stands with inputs drawn once and a loss of all its heads whose shapes never change: no drawing of crops, no
augmentation, no padding, so that a step is the network's and can be captured as a graph.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from earmark.tasks.chord.networks.build import network, vocabulary
from earmark.tasks.chord.networks.chordnet import ChordNetOutput
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.settings import ChordModelSettings, ChordNetModel, PitchNetModel
from earmark.tasks.genre.networks.song import SongModel
from earmark.tasks.genre.settings import CompactSettings, ModelSettings, SongMilSettings, SoundCnnsSettings
from earmark.tasks.speaker.networks.build import build as tower
from earmark.tasks.speaker.networks.losses import AamSoftmax
from earmark.tasks.speaker.settings import ResnetSettings, SpeakerModelSettings, TdnnSettings
from gpu_parts.devices import autocast

BANDS = 64  # of genre's windows of 2.5 s
FRAMES = 251
CLASSES = 10
OCTAVES, BINS = 7, 36
VOICE_BANDS = 80  # 2.4 s, and training speakers
VOICE_FRAMES = 240
VOICES = 1000


@dataclass(frozen=True)
class Network:
    """unit: what a step has so many of, a second's figure; each: of one example; batches: usual and large, of CUDA."""

    name: str
    settings: Any
    unit: str
    each: int
    batches: tuple[int, int]


RECIPE = ChordNetModel(vector="sigmoid")  # recipes/chordnet.yaml: width 1, dual path, second network
DEMO = ChordNetModel(width=0.25, core="blstm", vector="sigmoid", drop_features=False, smoothing=False)  # params.yaml
PITCH_NET = PitchNetModel(channels=80, blocks=7, agreement=True)  # recipes/chord.yaml
NETWORKS = (
    Network("compact", CompactSettings(), "crops", 1, (32, 256)),
    Network("cnn", SongMilSettings(), "crops", 1, (32, 256)),
    Network("net", SoundCnnsSettings(), "crops", 1, (32, 256)),
    Network("ResNetish18", SoundCnnsSettings(name="resnetish18"), "crops", 1, (32, 256)),
    Network("ChordNet", RECIPE, "frames", 512, (16, 64)),
    Network("ChordNet of the demo", DEMO, "frames", 256, (4, 64)),
    Network("pitch_net", PITCH_NET, "frames", 192, (16, 64)),
    Network("speaker resnet", ResnetSettings(width=0.6), "segments", 1, (64, 256)),
    Network("speaker tdnn", TdnnSettings(), "segments", 1, (64, 256)),
)


class Training:
    """A network, inputs, targets and AdamW on a device; precision: float32, tf32 or bfloat16.

    capturable: the optimizer's steps can be part of a CUDA graph.
    """

    def __init__(self, of: Network, batch: int, device: torch.device, precision: str, capturable: bool = False):
        torch.manual_seed(1)
        self.device, self.precision = device, precision
        self.model, self.x, self.judge, own = _made(of, batch, device)
        self.model.train()
        weights = [*self.model.parameters(), *own]
        self.n_weights = sum(p.numel() for p in weights)
        self.optimizer = torch.optim.AdamW(weights, lr=1e-4, fused=True, capturable=capturable)

    def loss(self) -> Tensor:
        """Scalar."""
        with autocast(self.device, self.precision):
            said = self.model(self.x)
        return self.judge(said)

    def slopes(self) -> None:
        """Forward and backward."""
        self.optimizer.zero_grad(set_to_none=True)
        self.loss().backward()

    def step(self) -> None:
        """Forward, backward, and the optimizer's step."""
        self.slopes()
        self.optimizer.step()


Judge = Callable[[Any], Tensor]
Made = tuple[nn.Module, Tensor, Judge, Iterator[nn.Parameter]]  # network, inputs, loss, weights of the loss


def _made(of: Network, batch: int, device: torch.device) -> Made:
    if isinstance(of.settings, ModelSettings):
        return _genre(of.settings, batch, device)
    if isinstance(of.settings, ChordModelSettings):
        return _chord(of.settings, batch, of.each, device)
    return _speaker(of.settings, batch, device)


def _genre(settings: ModelSettings, batch: int, device: torch.device) -> Made:
    """The window network with its last layer, and cross-entropy with smoothed labels."""
    song = SongModel(BANDS, FRAMES, CLASSES, settings)
    labels = torch.randint(CLASSES, (batch,)).to(device)
    x = torch.randn(batch, 1, BANDS, FRAMES).to(device)
    judge = lambda said: cross_entropy(said.float(), labels, label_smoothing=0.1)  # noqa: E731
    return nn.Sequential(song.body, song.head).to(device), x, judge, iter(())


def _speaker(settings: SpeakerModelSettings, batch: int, device: torch.device) -> Made:
    """The tower, and softmax over the training speakers with an additive margin."""
    model = tower(settings, VOICE_BANDS).to(device)
    head = AamSoftmax(model.n_out, VOICES, scale=30.0, margin=0.2).to(device)
    labels = torch.randint(VOICES, (batch,)).to(device)
    x = torch.randn(batch, VOICE_FRAMES, VOICE_BANDS).to(device)
    return model, x, lambda said: head(said.float(), labels), head.parameters()


def _chord(settings: ChordModelSettings, batch: int, frames: int, device: torch.device) -> Made:
    """Crops that are full, and a loss of every head: cross-entropy of its classes, binary where it has none."""
    channels = 2 if isinstance(settings, ChordNetModel) else 1
    model = network(settings, len(vocabulary(settings).qualities), OCTAVES, channels, BINS).to(device)
    x = torch.rand(batch, channels, frames, OCTAVES * BINS).to(device)
    with torch.no_grad():
        heads = _heads(model.eval()(x[:1]))
    targets = {
        name: torch.randint(said.shape[-1], (batch * frames,)).to(device)
        if classes
        else torch.rand(batch, *said.shape[1:]).round().to(device)
        for name, (said, classes) in heads.items()
    }

    def judge(said: ChordLogits | ChordNetOutput) -> Tensor:
        total = x.new_zeros(())
        for name, (found, classes) in _heads(said).items():
            if classes:
                total = total + cross_entropy(found.float().flatten(0, 1), targets[name])
            else:
                total = total + binary_cross_entropy_with_logits(found.float(), targets[name])
        return total

    return model, x, judge, iter(())


def _heads(said: ChordLogits | ChordNetOutput) -> dict[str, tuple[Tensor, bool]]:
    """Logits of every head, and whether they are classes, one of which is right."""
    if isinstance(said, ChordLogits):
        return {name: (getattr(said, name), name in ("chord", "bass", "key")) for name in vars(said)}
    classes = {name: (getattr(said, name), True) for name in ("transition", "key", "bass", "chord")}
    return classes | {name: (getattr(said, name), False) for name in ("vector_logits", "smooth_logits")}
