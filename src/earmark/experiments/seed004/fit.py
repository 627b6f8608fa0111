"""One step of seed 004's walk: a network trained on pairs of segments, and all that is asked of it afterwards."""

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from earmark.experiments.seed004.data import Sounds
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.batches import Heard
from earmark.tasks.speaker.networks import build, pairs
from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.networks.losses import AamSoftmax
from earmark.tasks.speaker.settings import PairSettings, SpeakerModelSettings
from earmark.tasks.speaker.trials import scores
from earmark.tasks.speaker.voices import Segments

CPU = torch.device("cpu")
AT_ONCE = 512  # segments
SHOWN_EVERY = 10  # batches to a point of the curve


@dataclass(frozen=True)
class FitSettings:
    """How a network is trained: `batches` of `speakers` x `segments` stretches of `frames` frames, Adam at `lr`.

    loss: `pairs`, or `aam`, whose `scale` and `margin` (radians) are read then. drawn: `two_by_two` as the seed, half
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


@dataclass(frozen=True)
class Step:
    """A network of the walk: what it is, what its loss is, how it is trained.

    normalize: what segments lose, as the features' settings say. A band's mean over 400 ms holds most of what tells
    speakers, so the walk takes the level away alone.
    """

    name: str
    normalize: str
    model: SpeakerModelSettings
    pair: PairSettings
    train: FitSettings


def fit(step: Step, sounds: Sounds, seed: int) -> dict[str, Any]:
    """Train and judge one network; all that the study keeps of it, as plain values."""
    began = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = build.build(step.model, sounds.train.values.shape[1])
        before = untrained_eer(step, tower, sounds)
        curve = train(step, tower, sounds)
    found = {"step": step.name, "seed": seed, "curve": curve, "loss": float(np.mean(curve[-3:]))}
    found |= {"eer_untrained": before}
    return found | judge(step, tower, sounds, found["loss"]) | {"cpu_seconds": time.process_time() - began}


@torch.no_grad()
def untrained_eer(step: Step, tower: SpeakerBlstm, sounds: Sounds) -> float:
    """EER by cosine of the weights as drawn: what of the figures is no merit of the training."""
    test = Utterances(tower.eval(), sounds.test, step)
    return float(scores.eer(scores.curve(test.cosine(), test.heard.same)))


def train(step: Step, tower: SpeakerBlstm, sounds: Sounds) -> list[float]:
    """The losses, means over ten batches."""
    segments, s = Segments(sounds.train, CPU), step.train
    head = AamSoftmax(tower.n_out, len(segments.runs_of), s.scale, s.margin) if s.loss == "aam" else None
    weights = [*tower.parameters(), *(head.parameters() if head else ())]
    optimizer = torch.optim.Adam([w for w in weights if w.requires_grad], s.lr)
    tower.train()
    losses = []
    for _ in range(s.batches):
        runs = segments.batch(s.speakers, s.segments)
        words = tower(log_mel.normalized(segments.drawn(runs, s.frames), step.normalize))
        labels = segments.speakers[runs]
        loss = head(words, labels) if head else pair_loss(words, labels, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    whole = len(losses) // SHOWN_EVERY * SHOWN_EVERY
    return np.reshape(losses[:whole], (-1, SHOWN_EVERY)).mean(1).tolist()


def pair_loss(words: Tensor, labels: Tensor, step: Step) -> Tensor:
    """Of all pairs, or of pairs drawn two by two, as the step says."""
    if step.train.drawn == "all":
        return pairs.loss(words, labels, step.pair)
    first, second = pairs.two_by_two(labels)
    return pairs.two_by_two_loss(words[first], words[second], labels[first] == labels[second], step.pair)


@torch.no_grad()
def judge(step: Step, tower: SpeakerBlstm, sounds: Sounds, loss: float) -> dict[str, Any]:
    """Figures on the test trials; the threshold of the accuracy is tuned on those of validation."""
    tower.eval()
    val, test = (Utterances(tower, heard, step) for heard in (sounds.val, sounds.test))
    threshold = best_threshold(-val.distance(step), val.heard.same)
    native, same = -test.distance(step), test.heard.same
    curves = {"native": scores.curve(native, same), "cosine": scores.curve(test.cosine(), same)}
    found = {f"eer_{k}": float(scores.eer(c)) for k, c in curves.items()}
    found |= {f"auc_{k}": float(scores.auc(c)) for k, c in curves.items()}
    found["accuracy"] = balanced_accuracy(native, same, threshold)
    return found | segment_figures(step, test, loss)


def segment_figures(step: Step, test: "Utterances", loss: float) -> dict[str, Any]:
    """What the asker could see, and could not: figures of single segments, one of each side of a trial."""
    same, words = torch.tensor(test.heard.same), test.first_words
    found = {"alarm": None, "dead_share": None}
    if step.train.loss != "pairs":
        return found
    a, b = words[test.heard.a], words[test.heard.b]
    d = pairs.distances(a, b, step.pair).total
    if step.pair.positive == "clip":
        found["dead_share"] = pairs.dead_share(words)
    share_same = (step.train.segments - 1) / (step.train.speakers * step.train.segments - 1)
    share_same = 0.5 if step.train.drawn == "two_by_two" else share_same
    found["alarm"] = pairs.collapse(loss, d, share_same, step.pair)
    found |= {"asker_accuracy": asker_accuracy(d[balanced(same)], same[balanced(same)])}
    found |= {"blind_accuracy": blind_accuracy(d[balanced(same)], same[balanced(same)])}
    found |= {"negative_share": (d < -1e-6).float().mean().item(), "lowest": d.min().item(), "spread": d.std().item()}
    quantiles = torch.linspace(0, 1, 21)
    for name, part in (("same", d[same]), ("different", d[~same])):
        found[f"distances_{name}"] = part.quantile(quantiles).tolist()
    return found


class Utterances:
    """Words and embeddings (utterances, d), means over an utterance's segments, and its first segment's word."""

    def __init__(self, tower: SpeakerBlstm, heard: Heard, step: Step):
        self.heard, frames = heard, step.train.frames
        segments, runs, starts = Segments(heard.voices, CPU), [], []
        for run, n in enumerate(segments.lengths.tolist()):
            at = torch.arange(0, max(1, n - frames + 1), frames)
            starts.append(at)
            runs.append(torch.full_like(at, run))
        runs, starts = torch.cat(runs), torch.cat(starts)
        x = log_mel.normalized(segments(runs, starts, frames), step.normalize)
        states = torch.cat([tower.states(part, None) for part in x.split(AT_ONCE)])
        words = tower.word(states)
        count = torch.bincount(runs)[:, None]
        mean = lambda v: torch.zeros(len(count), v.shape[1]).index_add_(0, runs, v) / count  # noqa: E731
        self.words, self.first_words = mean(words), words[starts == 0]
        self.embeddings = mean(states) if tower.read == "blstm" else self.words

    def distance(self, step: Step) -> np.ndarray:
        """The network's own distance of each trial (trials,): of a softmax's, the angle's cosine from 1."""
        a, b = self.words[self.heard.a], self.words[self.heard.b]
        if step.train.loss == "aam":
            return 1 - torch.cosine_similarity(a, b).numpy().astype(np.float64)
        return pairs.distances(a, b, step.pair).total.numpy().astype(np.float64)

    def cosine(self) -> np.ndarray:
        """Cosine of the embeddings of each trial (trials,)."""
        e = self.embeddings
        return torch.cosine_similarity(e[self.heard.a], e[self.heard.b]).numpy().astype(np.float64)


def best_threshold(score: np.ndarray, same: np.ndarray) -> float:
    """The score that decides most validation trials rightly, both kinds weighing the same."""
    c = scores.curve(score, same)
    best = int(np.argmin(c.miss + c.false_alarm))
    return float(c.thresholds[best])


def balanced_accuracy(score: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Share of trials that are judged rightly, both kinds weighing the same: the asker draws them half and half."""
    accepted = score >= threshold
    return float((accepted[same].mean() + (~accepted[~same]).mean()) / 2)


def balanced(same: Tensor) -> Tensor:
    """Rows of as many trials of one kind as of the other, the first of each (n,)."""
    n = int(min(same.sum(), (~same).sum()))
    return torch.cat([torch.nonzero(same).flatten()[:n], torch.nonzero(~same).flatten()[:n]])


def asker_accuracy(distance: Tensor, same: Tensor) -> float:
    """Keras's `accuracy` as the asker logs it: is round(distance) the label? A perfect network has 0."""
    return (distance.round() == same.float()).float().mean().item()


def blind_accuracy(distance: Tensor, same: Tensor) -> float:
    """The same with labels (n, 1) against distances (n,), as Keras had them: each distance against each label."""
    ones = (distance.round() == 1).float().mean().item()
    zeros = (distance.round() == 0).float().mean().item()
    share = same.float().mean().item()
    return share * ones + (1 - share) * zeros
