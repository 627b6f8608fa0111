"""Figures of several tests together: folds, each answered by a model of its own, which met none of its speakers.

All trials lie within a fold. EER, minDCF and AUC hold one threshold against all of them, so that models whose scores
lie apart pay for it; `eer_mean` is the mean of the folds' own EER, and decisions and clusters are made with each fold's
own thresholds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from earmark.evaluation import intervals
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker import metrics
from earmark.tasks.speaker.metrics import SpeakerDraws
from earmark.tasks.speaker.trials import clustering, scores
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds, TrialSet


@dataclass(frozen=True)
class FoldAnswers:
    """A system's answers on a fold's test speakers, and the thresholds that its validation speakers speak for."""

    test: Answers
    chosen: Thresholds


def figures(model: list[FoldAnswers], beside: dict[str, list[FoldAnswers]], settings: EvaluateSettings) -> dict:
    """The model's figures with `<name>_ci95`, each baseline's under `<its name>_<name>`, and the differences of EER.

    model: a part a fold. beside: the same of each baseline. Intervals are over the speakers of all folds,
    under the same random weights for all systems, so that differences are paired; that of `eer_mean` is a bootstrap's.
    """
    pooled = together([part.test for part in model])
    draws = metrics.draws_of(pooled.trials, settings)
    drawn = metrics.resampled(pooled, draws)
    out = metrics.verification(pooled, drawn) | _decided(model, pooled.trials, draws)
    for name, parts in beside.items():
        its = together([part.test for part in parts])
        its_drawn = metrics.resampled(its, draws)
        found = metrics.verification(its, its_drawn) | _decided(parts, its.trials, draws)
        out |= {f"{name}_{k}": v for k, v in found.items()}
        out[f"eer_minus_{name}"] = out["eer"] - found["eer"]
        out[f"eer_minus_{name}_ci95"] = scores.bounds(drawn["eer"] - its_drawn["eer"][::-1])
    return out | intervals.methods(out, metrics.BOOTSTRAPPED) | metrics.sizes(pooled.trials)


def together(tests: list[Answers]) -> Answers:
    """All answers as one, for trials alone: embeddings of two models have nothing to say to one another.

    Shorter embeddings are filled up with zeros, which no cosine of two of them notices.
    """
    columns = max(test.embeddings.shape[1] for test in tests)
    filled = [np.pad(t.embeddings, ((0, 0), (0, columns - t.embeddings.shape[1]))) for t in tests]
    utterances = pd.concat([test.trials.utterances for test in tests], ignore_index=True)
    trials = pd.concat([test.trials.pairs for test in tests], ignore_index=True)
    return Answers(TrialSet(utterances, trials), np.concatenate(filled))


def _decided(parts: list[FoldAnswers], trials: TrialSet, draws: SpeakerDraws) -> dict:
    """Decisions and clusters, each fold's at its own thresholds, and the mean of the folds' own EER."""
    accepted = np.concatenate([part.test.score >= part.chosen.threshold for part in parts])
    found = [clustering.cut_at(part.test.tree, part.chosen.cluster_threshold) for part in parts]
    at_k = [clustering.cut_into(part.test.tree, part.test.trials.speakers.max() + 1) for part in parts]
    fold = np.repeat(np.arange(len(parts)), [len(clusters) for clusters in found])
    who = trials.speakers
    out = {"eer_mean": float(np.mean([scores.eer(part.test.curve) for part in parts]))}
    out |= {"eer_mean_ci95": scores.interval(_mean_eer(parts, trials, draws.times))}
    out |= {"thresholds": [part.chosen.threshold for part in parts]}
    out |= metrics.decisions(accepted, trials, draws) | {"n_clusters": sum(int(f.max() + 1) for f in found)}
    out |= metrics.misclassification("mr_at_k", apart(at_k), who, draws)
    return (
        out
        | metrics.misclassification("mr_at_threshold", apart(found), who, draws)
        | _agreement(found, fold, who, draws)
    )


def _mean_eer(parts: list[FoldAnswers], trials: TrialSet, times: np.ndarray) -> np.ndarray:
    """The mean of the folds' EER in every resample of all folds' speakers, (resamples,).

    A fold counts where both kinds of its trials were drawn; NaN where no fold's were.
    """
    everyone, drawn = np.unique(trials.utterances.label), []
    for part in parts:
        test = part.test
        own = times[:, np.searchsorted(everyone, np.unique(test.trials.utterances.label))]
        drawn.append(
            scores.resampled(scores.eer, test.score, test.trials.same, test.trials.speakers[test.trials.at], own)
        )
    return pd.DataFrame(drawn).mean().to_numpy()


def apart(clusters: list[np.ndarray]) -> np.ndarray:
    """The folds' clusters (utterances,) with numbers of their own: all utterances, fold by fold."""
    firsts = np.cumsum([0, *(found.max() + 1 for found in clusters[:-1])])
    return np.concatenate([found + first for found, first in zip(clusters, firsts, strict=True)])


def _agreement(clusters: list[np.ndarray], fold: np.ndarray, who: np.ndarray, draws: SpeakerDraws) -> dict:
    """ari and nmi, each the mean of the folds': together they would be praised for keeping folds apart."""
    joined = np.concatenate(clusters)

    def means(rows: np.ndarray) -> dict[str, float]:
        parts = [rows[fold[rows] == f] for f in np.unique(fold[rows])]
        each = pd.DataFrame([clustering.agreement(joined[part], who[part]) for part in parts])
        return each.mean().to_dict()

    drawn = pd.DataFrame([means(rows) for rows in draws.rows])
    out = {}
    for name, value in means(np.arange(len(who))).items():
        out |= {name: value, f"{name}_ci95": scores.interval(drawn[name].to_numpy())}
    return out
