"""The speaker task's evaluate stage: pure, embeddings in and figures out. Verification, clustering, what is beside.

Thresholds are chosen on the validation speakers and carried to the test speakers, for the model as for each baseline.
"""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.data import manifest
from earmark.evaluation import intervals, metrics
from earmark.evaluation.settings import EvaluateSettings
from earmark.tasks.speaker.trials import baseline, clustering, enrolment, scores
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds, TrialSet, thresholds_of

Say = Callable[[str], None]
# An embedding (n, d) of each utterance of a table, of at most so many seconds of it.
Embed = Callable[[pd.DataFrame, float], np.ndarray]
OF_TRIALS = {
    "eer": scores.eer,
    "min_dcf": partial(scores.min_dcf, p_same=0.01),
    "min_dcf_05": partial(scores.min_dcf, p_same=0.05),
    "auc": scores.auc,
}
BOOTSTRAPPED = ("ari", "nmi", "eer_mean")  # whose intervals are a bootstrap's: they are no quotients of sums
DURATIONS_S = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0, np.inf)
CROPS_S = (1.0, 2.0, 3.0)


class SpeakerDraws(NamedTuple):
    """Weights of the speakers of trials, random ones and those of a bootstrap.

    shares: (draws, speakers + 1), exponential, the first of a speaker whom nobody has heard. times: (draws, speakers),
    how often a resample holds each. rows: of every resample the utterances' places.
    """

    settings: EvaluateSettings
    shares: np.ndarray
    times: np.ndarray
    rows: list[np.ndarray]


def baselines(train: pd.DataFrame, val: TrialSet, test: TrialSet, root: Root) -> dict[str, tuple[Answers, Answers]]:
    """(validation, test) of MFCC statistics and of LDA on them, learnt from the utterances `train`, below `root`."""
    learnt, *found = (baseline.measure(part, root) for part in (train, val.utterances, test.utterances))
    systems = {
        "baseline_mfcc": baseline.Statistics(learnt),
        "baseline_lda": baseline.Lda(learnt, train.label.to_numpy()),
    }
    return {
        name: tuple(Answers(e, embed(x)) for e, x in zip((val, test), found, strict=True))
        for name, embed in systems.items()
    }


def figures(
    val: Answers, test: Answers, beside: dict[str, tuple[Answers, Answers]], settings: EvaluateSettings
) -> dict:
    """The model's figures with `<name>_ci95`, each baseline's under `<its name>_<name>`, and the differences of EER.

    beside: (validation, test) of each baseline on the same trials. Intervals are over test speakers, under the same
    random weights for all, so that differences are paired.
    """
    draws = draws_of(test.trials, settings)
    drawn = resampled(test, draws)
    out = verification(test, drawn) | at_thresholds(thresholds_of(val), test, draws)
    for name, (its_val, its_test) in beside.items():
        its_drawn = resampled(its_test, draws)
        its = verification(its_test, its_drawn) | at_thresholds(thresholds_of(its_val), its_test, draws)
        out |= {f"{name}_{k}": v for k, v in its.items()}
        out[f"eer_minus_{name}"] = out["eer"] - its["eer"]
        out[f"eer_minus_{name}_ci95"] = scores.bounds(drawn["eer"] - its_drawn["eer"][::-1])
    return out | intervals.methods(out, BOOTSTRAPPED) | sizes(test.trials)


def without_thresholds(test: Answers, settings: EvaluateSettings) -> dict:
    """Those of `figures` for which nothing is chosen on validation speakers, the same to the bit."""
    draws, who = draws_of(test.trials, settings), test.trials.speakers
    found = verification(test, resampled(test, draws))
    found |= misclassification("mr_at_k", clustering.cut_into(test.tree, who.max() + 1), who, draws)
    found |= of_means(test, draws) | identification(test, draws)
    return found | intervals.methods(found, BOOTSTRAPPED) | sizes(test.trials)


def draws_of(trials: TrialSet, settings: EvaluateSettings) -> SpeakerDraws:
    """The same weights for the same trials and settings."""
    n = settings.bootstrap
    seed = settings.seed
    speakers = trials.speakers.max() + 1
    shares = np.random.default_rng(seed).standard_exponential((n, speakers + 1))
    times = scores.multiplicities(speakers, n, seed)
    return SpeakerDraws(settings, shares, times, metrics.resamples(trials.speakers, n, seed))


def resampled(test: Answers, draws: SpeakerDraws) -> dict[str, np.ndarray]:
    """The figures of `OF_TRIALS` under every draw's weights, (2, draws) each, as `scores.weighted`."""
    all_of = lambda curve: np.stack([figure(curve) for figure in OF_TRIALS.values()])  # noqa: E731
    values = scores.weighted(all_of, test.score, test.trials.same, test.trials.speakers[test.trials.at], draws.shares)
    return dict(zip(OF_TRIALS, values.swapaxes(0, 1), strict=True))


def verification(test: Answers, drawn: dict[str, np.ndarray]) -> dict:
    """The figures of `OF_TRIALS`, with intervals from what was `resampled`."""
    out = {}
    for name, figure in OF_TRIALS.items():
        out |= {name: float(figure(test.curve)), f"{name}_ci95": scores.bounds(drawn[name])}
    return out


def at_thresholds(chosen: Thresholds, test: Answers, draws: SpeakerDraws) -> dict:
    """Figures at the carried thresholds, and of as many clusters as there are speakers.

    Intervals take thresholds and clusters as they are and draw speakers anew.
    """
    who = test.trials.speakers
    found = clustering.cut_at(test.tree, chosen.cluster_threshold)
    out = {"threshold": chosen.threshold} | decisions(test.score >= chosen.threshold, test.trials, draws)
    out |= {"cluster_threshold": chosen.cluster_threshold, "n_clusters": int(found.max() + 1)}
    out |= misclassification("mr_at_k", clustering.cut_into(test.tree, who.max() + 1), who, draws)
    out |= misclassification("mr_at_threshold", found, who, draws) | _agreement(found, who, draws.rows)
    return out | of_means(test, draws) | identification(test, draws)


def of_means(test: Answers, draws: SpeakerDraws) -> dict:
    """mr_of_means: the misclassification rate of two means a speaker in as many clusters as there are speakers.

    What ZHAW's papers on speaker clustering report: long utterances, as an application may have them.
    """
    vectors, who = half_means(test)
    wrong = ~clustering.in_own_cluster(clustering.cut_into(clustering.tree(vectors), who.max() + 1), who)
    return intervals.share("mr_of_means", wrong, 1.0, who, draws.settings)


def half_means(test: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Means of embeddings (n, d), L2-normalised, and their speakers (n,).

    Two of a speaker: his first sessions and the others, or his utterances where he has one session; one where he has
    one utterance.
    """
    vectors, who = [], []
    for speaker in np.unique(test.trials.speakers):
        own = test.trials.speakers == speaker
        later = enrolment.later(test.trials.utterances.group.to_numpy()[own])
        for half in (later, ~later):
            if half.any():
                vectors.append(enrolment.voiceprint(test.embeddings[own][half]))
                who.append(speaker)
    return np.array(vectors), np.array(who)


def identification(test: Answers, draws: SpeakerDraws) -> dict:
    """identification_accuracy: share of the queries that are taken for their speaker among all that are enrolled.

    The interval takes the answers as they are and draws speakers anew.
    """
    queries = enrolment.identify(test)
    right, who = (queries.label == queries.taken_for).to_numpy(), test.trials.speakers[queries["at"]]
    return intervals.share("identification_accuracy", right, 1.0, who, draws.settings)


def decisions(accepted: np.ndarray, trials: TrialSet, draws: SpeakerDraws) -> dict:
    """Accuracy with its interval, miss and false alarm rate of accepting these trials, (trials,) booleans."""
    right, at = accepted == trials.same, trials.speakers[trials.at]
    return {
        "accuracy": float(right.mean()),
        "accuracy_ci95": scores.bounds(scores.share_right(right, trials.same, at, draws.shares)),
        "miss_rate": float(1 - accepted[trials.same].mean()),
        "false_alarm_rate": float(accepted[~trials.same].mean()),
    }


def misclassification(name: str, clusters: np.ndarray, who: np.ndarray, draws: SpeakerDraws) -> dict:
    """The misclassification rate of clusters (utterances,) of speakers (utterances,) as `name`, with its interval."""
    wrong = ~clustering.in_own_cluster(clusters, who)
    return intervals.share(name, wrong, 1.0, who, draws.settings)


def _agreement(clusters: np.ndarray, who: np.ndarray, rows: list[np.ndarray]) -> dict:
    drawn = clustering.agreements(clusters, who, rows)
    out = {}
    for name, value in clustering.agreement(clusters, who).items():
        out |= {name: value, f"{name}_ci95": scores.interval(drawn[name])}
    return out


def sizes(test: TrialSet) -> dict:
    """How much is judged, and the hash of the trials."""
    listed = test.pairs[["a", "b", "same"]].to_csv(index=False, lineterminator="\n")
    return {
        "n_recordings": int(test.utterances.paths.map(len).sum()),
        "n_utterances": len(test.utterances),
        "n_speakers": int(test.speakers.max() + 1),
        "n_same_trials": int(test.same.sum()),
        "n_different_trials": int((~test.same).sum()),
        "test_trials_sha256": hashlib.sha256(listed.encode()).hexdigest(),
    }


def manifest_hash(table: pd.DataFrame) -> dict:
    """The hash of the manifest's rows that the test is made of."""
    test = table[table["split"] == "test"]
    return {"test_manifest_sha256": manifest.digest(test)}


def by_duration(test: Answers, edges: tuple[float, ...] = DURATIONS_S) -> pd.DataFrame:
    """EER of the trials whose shorter utterance lasts from_s up to to_s; those of one kind alone have none (NaN)."""
    shorter = test.trials.utterances.duration_s.to_numpy()[test.trials.at].min(1)
    rows = []
    for low, high in pairwise(edges):
        part = (shorter >= low) & (shorter < high)
        if part.any():
            same = test.trials.same[part]
            eer = float(scores.eer(scores.curve(test.score[part], same)))
            rows.append((low, high, int(same.sum()), int((~same).sum()), eer))
    return pd.DataFrame(rows, columns=["from_s", "to_s", "same", "different", "eer"])


def by_crop(test: TrialSet, embed: Embed, seconds: tuple[float, ...] = CROPS_S) -> pd.DataFrame:
    """EER where at most so many seconds of each utterance are heard."""
    rows = [(s, float(scores.eer(Answers(test, embed(test.utterances, s)).curve))) for s in seconds]
    return pd.DataFrame(rows, columns=["seconds", "eer"])


def predictions(test: Answers, threshold: float) -> pd.DataFrame:
    """One row a trial: a, b, same, score, accepted, and of both utterances speaker, group and duration_s."""
    out = test.trials.pairs.assign(score=test.score, accepted=test.score >= threshold)
    for side, at in zip("ab", test.trials.at.T, strict=True):
        of = test.trials.utterances.iloc[at]
        out[f"speaker_{side}"], out[f"group_{side}"] = of.label.to_numpy(), of.group.to_numpy()
        out[f"duration_s_{side}"] = of.duration_s.to_numpy()
    return out


def clusters(test: Answers, cluster_threshold: float) -> pd.DataFrame:
    """One row an utterance: id, label, group, and its cluster among as many as speakers and at the threshold."""
    return test.trials.utterances[["id", "label", "group"]].assign(
        cluster_at_k=clustering.cut_into(test.tree, test.trials.speakers.max() + 1),
        cluster_at_threshold=clustering.cut_at(test.tree, cluster_threshold),
    )


def write(out: Path, table: pd.DataFrame, found: dict) -> None:
    """predictions.parquet and metrics.json below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / "predictions.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(metrics.in_order(found, "eer"), indent=2) + "\n")
