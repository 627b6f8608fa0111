"""What is logged of a training by batch: the loss, and the accuracies of question and answer, as Keras would log them.

They are of the batch's segments paired two by two, half of one speaker and half of two, and of the very words that the
loss judges, with dropout. The answer's threshold is chosen anew before every ten batches, on the validation trials.
"""

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from earmark.experiments.siamese_blstm import accuracy
from earmark.experiments.siamese_blstm.step import SHOWN_EVERY, WalkStep, apart
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.batches import ValidationTrials
from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.voices import Segments

CPU = torch.device("cpu")
BELOW_ZERO = -1e-6  # a distance that is negative by more than rounding


class TrainingCurves:
    """Curves of one training. heard: the validation speakers."""

    def __init__(self, step: WalkStep, heard: ValidationTrials):
        self.step = step
        self.heard = heard
        self.batches = 0
        self.found: dict[str, list[float]] = defaultdict(list)
        segments = Segments(heard.voices, CPU)
        runs = torch.arange(len(segments.lengths))
        first = segments(runs, torch.zeros_like(runs), step.train.frames)
        self.firsts = log_mel.normalized(first, step.normalize)

    @torch.no_grad()
    def threshold(self, tower: SpeakerBlstm) -> float:
        """The distance that tells the validation trials best, of one segment a side, by the weights as they are."""
        training = tower.training
        words = tower.eval()(self.firsts)
        tower.train(training)
        distance = apart(words[self.heard.a], words[self.heard.b], self.step)
        return accuracy.best_threshold(distance.double().numpy(), self.heard.same)

    def before(self, tower: SpeakerBlstm) -> None:
        """To be called before every batch."""
        if self.batches % SHOWN_EVERY == 0:
            self.chosen = self.threshold(tower)
        self.batches += 1

    @torch.no_grad()
    def after(self, loss: Tensor, words: Tensor, labels: Tensor) -> None:
        """Take down a batch: its loss, words (n, d) and speakers (n,)."""
        first, second = pairs.two_by_two(labels)
        d, same = apart(words[first], words[second], self.step), labels[first] == labels[second]
        blind = self.step.of_pairs and self.step.pair.broadcast
        self.found["loss"].append(loss.item())
        self.found["threshold"].append(self.chosen)
        self.found["custom_metric"].append(accuracy.custom_metric(d, same, self.chosen, blind))
        if self.step.of_pairs:
            self.found["asker_accuracy"].append(accuracy.asker_accuracy(d, same, blind))
            self.found["negative_share"].append((d < BELOW_ZERO).float().mean().item())

    def curves(self) -> dict[str, list[float]]:
        """Means over ten batches each, by name; what is left over at the end is left out."""
        whole = self.batches // SHOWN_EVERY * SHOWN_EVERY
        return {k: np.reshape(v[:whole], (-1, SHOWN_EVERY)).mean(1).tolist() for k, v in self.found.items()}
