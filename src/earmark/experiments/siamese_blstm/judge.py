"""What is asked of a trained network of the walk: trials of test speakers, and the clusters of their voices."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from earmark.experiments.siamese_blstm import accuracy
from earmark.experiments.siamese_blstm.data import Sounds
from earmark.experiments.siamese_blstm.step import WalkStep, apart
from earmark.experiments.siamese_blstm.watch import BELOW_ZERO, CPU
from earmark.tasks.speaker import log_mel
from earmark.tasks.speaker.batches import ValidationTrials
from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.trials import clustering, scores
from earmark.tasks.speaker.voices import Segments

AT_ONCE = 512  # segments


@torch.no_grad()
def untrained_figures(step: WalkStep, tower: SpeakerBlstm, sounds: Sounds) -> dict[str, float]:
    """EER by cosine and clustering error of the weights as drawn: what of the figures is no merit of the training."""
    test = Utterances(tower.eval(), sounds.test, step)
    eer = float(scores.eer(scores.curve(test.cosine(), test.heard.same)))
    return {"eer_untrained": eer, "mr_untrained": clustering_figures(test)["mr"]}


@torch.no_grad()
def judge(step: WalkStep, tower: SpeakerBlstm, sounds: Sounds, loss: float) -> dict[str, Any]:
    """Figures on the test trials; thresholds are chosen on those of validation."""
    tower.eval()
    val, test = (Utterances(tower, heard, step) for heard in (sounds.val, sounds.test))
    distance, same = test.distance(step), test.heard.same
    curves = {"native": scores.curve(-distance, same), "cosine": scores.curve(test.cosine(), same)}
    found: dict[str, Any] = {f"eer_{k}": float(scores.eer(c)) for k, c in curves.items()}
    found |= {f"auc_{k}": float(scores.auc(c)) for k, c in curves.items()}
    threshold = accuracy.best_threshold(val.distance(step), val.heard.same)
    found["accuracy"] = accuracy.balanced_accuracy(distance, same, threshold)
    found["scores"] = {"native": _rounded(-distance), "cosine": _rounded(test.cosine())}
    return found | clustering_figures(test) | segment_figures(step, val, test, loss)


def _rounded(values: np.ndarray) -> list[float]:
    """To six digits, which is what float32 knows."""
    return [float(f"{v:.6g}") for v in values]


def clustering_figures(test: "Utterances") -> dict[str, float]:
    """The asker's own test: do the utterances' embeddings cluster by speaker, in as many clusters as there are?

    mr: misclassification rate (Kotti et al. 2008), as in the papers on speaker clustering that he builds on: share of
    utterances outside of their speaker's cluster, clusters and speakers matched one to one as well as can be. ari:
    adjusted Rand index, 0 where clusters and speakers have nothing to do with each other.
    """
    speakers = test.heard.voices.speakers
    e = torch.nn.functional.normalize(test.embeddings, dim=1).numpy()
    found = clustering.cut_into(clustering.tree(e), len(np.unique(speakers)))
    ari = clustering.agreement(found, speakers)["ari"]
    return {"mr": clustering.misclassification_rate(found, speakers), "ari": ari}


def segment_figures(step: WalkStep, val: "Utterances", test: "Utterances", loss: float) -> dict[str, Any]:
    """What the asker could see, and could not: figures of single segments, one of each side of a trial."""
    d, same = test.first_distance(step), torch.tensor(test.heard.same)
    some = accuracy.balanced_rows(same)
    threshold = accuracy.best_threshold(val.first_distance(step).double().numpy(), val.heard.same)
    found = {"custom_metric": accuracy.custom_metric(d[some], same[some], threshold), "alarm": None, "dead_share": None}
    if not step.of_pairs:
        return found
    if step.pair.positive == "clip":
        found["dead_share"] = pairs.dead_share(test.first_words)
    found["alarm"] = pairs.collapse(loss, d, share_same(step), step.pair)
    found |= {"asker_accuracy": accuracy.asker_accuracy(d[some], same[some])}
    found |= {"blind_accuracy": accuracy.asker_accuracy(d[some], same[some], blind=True)}
    found |= {"negative_share": (d < BELOW_ZERO).float().mean().item()}
    found |= {"lowest": d.min().item(), "spread": d.std().item()}
    quantiles = torch.linspace(0, 1, 21)
    for name, part in (("same", d[same]), ("different", d[~same])):
        found[f"distances_{name}"] = part.quantile(quantiles).tolist()
    return found


def share_same(step: WalkStep) -> float:
    """Pairs of one speaker among those that the loss judged."""
    if step.train.drawn == "two_by_two" or pairs.asks_two_by_two(step.pair):
        return 0.5
    return (step.train.segments - 1) / (step.train.speakers * step.train.segments - 1)


class Utterances:
    """Words and embeddings (utterances, d), means over an utterance's segments, and its first segment's word."""

    def __init__(self, tower: SpeakerBlstm, heard: ValidationTrials, step: WalkStep):
        self.heard, frames = heard, step.train.frames
        segments = Segments(heard.voices, CPU)
        runs = []
        starts = []
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

    def distance(self, step: WalkStep) -> np.ndarray:
        """The network's own distance of each trial (trials,)."""
        return apart(self.words[self.heard.a], self.words[self.heard.b], step).double().numpy()

    def first_distance(self, step: WalkStep) -> Tensor:
        """The same of the two utterances' first segments."""
        return apart(self.first_words[self.heard.a], self.first_words[self.heard.b], step)

    def cosine(self) -> np.ndarray:
        """Cosine of the embeddings of each trial (trials,)."""
        e = self.embeddings
        return torch.cosine_similarity(e[self.heard.a], e[self.heard.b]).double().numpy()
