"""What a step of the walk is: a network, its loss and its training, and how far apart it says two words are."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from earmark.errors import require
from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.settings import PairSettings, SpeakerModelSettings

SHOWN_EVERY = 10  # batches to a point of a training's curves


@dataclass(frozen=True)
class SiameseBlstmFitSettings:
    """How a network is trained: `batches` of `speakers` x `segments` stretches of `frames` frames, Adam at `lr`.

    loss: `pairs`, or `aam`, whose `scale` and `margin` (radians) are read then. drawn: `two_by_two` as the text, half
        of one speaker and half of two, or `all` pairs of a batch.
    """

    batches: int = 300
    speakers: int = 16
    segments: int = 8
    frames: int = 40
    lr: float = 0.001
    loss: Literal["pairs", "aam"] = "pairs"
    drawn: Literal["two_by_two", "all"] = "two_by_two"
    scale: float = 30.0
    margin: float = 0.2

    def __post_init__(self) -> None:
        few = f"must be at least {SHOWN_EVERY}, as many as one point of the curves shows"
        require(self.batches >= SHOWN_EVERY, "batches", few)
        require(self.speakers > 1 and self.segments > 1, "speakers", "and segments must be at least 2")
        require(self.frames > 0, "frames", "must be above 0")
        require(self.lr > 0, "lr", "must be above 0")


@dataclass(frozen=True)
class WalkStep:
    """A network of the walk: what it is, what its loss is, how it is trained.

    normalize: what segments lose, as the features' settings say. A band's mean over 400 ms holds most of what tells
    speakers, so the walk takes the level away alone.
    """

    name: str
    normalize: str
    model: SpeakerModelSettings
    pair: PairSettings
    train: SiameseBlstmFitSettings

    @property
    def of_pairs(self) -> bool:
        """Whether the loss is one of pairs, and the distance a divergence."""
        return self.train.loss == "pairs"


def apart(a: Tensor, b: Tensor, step: WalkStep) -> Tensor:
    """The network's own distance of words a[i] and b[i] (n, d): (n,). Of a softmax's, their cosine from 1."""
    return pairs.distances(a, b, step.pair).total if step.of_pairs else 1 - torch.cosine_similarity(a, b)
