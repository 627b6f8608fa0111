"""One step of siamese_blstm's walk: a network trained on pairs of segments, watched, and judged afterwards."""

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earmark.experiments.siamese_blstm import judge
from earmark.experiments.siamese_blstm.data import Sounds
from earmark.experiments.siamese_blstm.step import WalkStep
from earmark.experiments.siamese_blstm.watch import CPU, TrainingCurves
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.networks import build, pairs
from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.networks.losses import AamSoftmax
from earmark.tasks.speaker.voices import Segments


def fit(step: WalkStep, sounds: Sounds, seed: int) -> dict[str, Any]:
    """Train and judge one network; all that the study keeps of it, as plain values."""
    began = time.process_time()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = build.build(step.model, sounds.train.values.shape[1])
        before = judge.untrained_figures(step, tower, sounds)
        curves = train(step, tower, sounds)
    loss = float(np.mean(curves["loss"][-3:]))
    found = {"step": step.name, "seed": seed, "curves": curves, "loss": loss} | before
    if step.of_pairs:
        found["negative_in_training"] = float(np.mean(curves["negative_share"]))
    return found | judge.judge(step, tower, sounds, loss) | {"cpu_seconds": time.process_time() - began}


def train(step: WalkStep, tower: SpeakerBlstm, sounds: Sounds) -> dict[str, list[float]]:
    """The curves of a training by name, means over ten batches."""
    segments = Segments(sounds.train, CPU)
    s = step.train
    watch = TrainingCurves(step, sounds.val)
    head = AamSoftmax(tower.n_out, len(segments.runs_of), s.scale, s.margin) if s.loss == "aam" else None
    weights = [*tower.parameters(), *(head.parameters() if head else ())]
    optimizer = torch.optim.Adam([w for w in weights if w.requires_grad], s.lr)
    tower.train()
    for _ in range(s.batches):
        watch.before(tower)
        runs = segments.batch(s.speakers, s.segments)
        words = tower(log_mel.normalized(segments.drawn(runs, s.frames), step.normalize))
        labels = segments.speakers[runs]
        loss = head(words, labels) if head else pair_loss(words, labels, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        watch.after(loss.detach(), words.detach(), labels)
    return watch.curves()


def pair_loss(words: Tensor, labels: Tensor, step: WalkStep) -> Tensor:
    """Of all pairs, or of pairs drawn two by two, as the step says."""
    if step.train.drawn == "all":
        return pairs.loss(words, labels, step.pair)
    first, second = pairs.two_by_two(labels)
    return pairs.two_by_two_loss(words[first], words[second], labels[first] == labels[second], step.pair)
