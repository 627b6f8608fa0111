"""Pictures of a speaker evaluation: DET curves, scores, tree and map of the test utterances."""

from pathlib import Path

import numpy as np
from scipy.cluster import hierarchy
from scipy.stats import norm
from sklearn.manifold import TSNE

from earmark.evaluation.pictures import plt, save
from earmark.tasks.speaker.trials import clustering, scores
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds

TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
BINS = 50
LEAVES = 150  # utterances in the tree
MAPPED = 2000  # utterances on the map
NAMED = 20  # speakers in the map's legend


def pictures(folder: Path, test: Answers, chosen: Thresholds, beside: dict[str, Answers]) -> None:
    """All of them as PNG below `folder`. beside: what baselines answer on the same test, by name."""
    det(folder / "det.png", {"model": test} | beside)
    distances(folder / "distances.png", test, chosen.threshold)
    dendrogram(folder / "dendrogram.png", test, chosen.cluster_threshold)
    speaker_map(folder / "map.png", test)


def det(path: Path, systems: dict[str, Answers]) -> None:
    """DET curves (Martin et al. 1997) on probit axes, each with its equal error rate."""
    fig, ax = plt.subplots(figsize=(6, 6), layout="constrained")
    for name, answers in systems.items():
        false_alarm, miss = scores.det(answers.curve)
        label = f"{name}: EER {100 * scores.eer(answers.curve):.1f} %"
        ax.plot(norm.ppf(false_alarm), norm.ppf(miss), label=label)
    low, high = norm.ppf(TICKS[0]), norm.ppf(TICKS[-1])
    ax.plot([low, high], [low, high], ls=":", color="0.6", label="both errors equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(norm.ppf(TICKS), [f"{100 * tick:g}" for tick in TICKS])
    ax.set(xlabel="false alarms, %", ylabel="misses, %", xlim=(low, high), ylim=(low, high))
    ax.set_title(f"Detection error trade-off of {len(next(iter(systems.values())).trials.pairs)} trials")
    ax.grid(alpha=0.3)
    ax.legend(loc="upper right")
    save(fig, path)


def distances(path: Path, test: Answers, threshold: float, of: str = "the validation speakers") -> None:
    """Cosine distances of same-speaker and different-speaker trials, with a threshold. of: whose it is, for people."""
    away, same = 1 - test.score, test.trials.same
    edges = np.linspace(0, max(1.0, float(away.max())), BINS + 1)
    miss, false_alarm = scores.at_threshold(test.curve, threshold)
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    for part, name, colour in ((same, "same speaker", "C0"), (~same, "different speakers", "C3")):
        weights = np.full(part.sum(), 1 / part.sum())
        ax.hist(away[part], edges, weights=weights, alpha=0.55, color=colour, label=f"{name} ({part.sum()})")
    ax.axvline(1 - threshold, color="0.2", ls="--", label=f"threshold of {of}")
    ax.set(xlabel="cosine distance", ylabel="share of the trials", xlim=(0, edges[-1]))
    ax.set_title(f"At the threshold {100 * miss:.1f} % are missed, {100 * false_alarm:.1f} % falsely accepted")
    ax.legend(loc="upper right", fontsize=8)
    save(fig, path)


def dendrogram(path: Path, test: Answers, cluster_threshold: float) -> None:
    """The tree of test utterances, leaves coloured by speaker, with the carried threshold."""
    shown = few(test.trials.speakers, LEAVES)
    labels, colours = test.trials.utterances.label.to_numpy()[shown], _colours(test)[test.trials.speakers[shown]]
    fig, ax = plt.subplots(figsize=(max(8, 0.14 * len(shown)), 5), layout="constrained")
    drawn = hierarchy.dendrogram(
        clustering.tree(test.embeddings[shown]),
        ax=ax,
        labels=labels,
        color_threshold=0,
        above_threshold_color="0.4",
        leaf_font_size=6,
    )
    ax.axhline(cluster_threshold, color="C3", ls="--", label="threshold of the validation speakers")
    for tick, leaf in zip(ax.get_xticklabels(), drawn["leaves"], strict=True):
        tick.set_color(colours[leaf])
    ax.set(ylabel="cosine distance", title=f"{len(shown)} utterances of {len(np.unique(labels))} speakers")
    ax.legend(loc="upper right")
    save(fig, path)


def speaker_map(path: Path, test: Answers) -> None:
    """The test utterances in two dimensions (t-SNE of cosine distances), coloured by speaker."""
    names, shown = np.unique(test.trials.utterances.label), few(test.trials.speakers, MAPPED)
    speakers, colours = test.trials.speakers[shown], _colours(test)
    places = flat(test.embeddings[shown])
    fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    for number in np.unique(speakers):
        at = places[speakers == number]
        ax.scatter(*at.T, s=14, color=colours[number], label=names[number] if number < NAMED else None)
    ax.set(xticks=[], yticks=[], title=f"{len(shown)} utterances of {len(np.unique(speakers))} speakers (t-SNE)")
    if len(names) <= NAMED:
        fig.legend(loc="outside right upper", fontsize=8)
    save(fig, path)


def flat(embeddings: np.ndarray) -> np.ndarray:
    """Places (n, 2) of embeddings (n, d) with what is similar side by side; the same for the same embeddings."""
    perplexity = min(30.0, max(1.0, (len(embeddings) - 1) / 3))
    tsne = TSNE(2, perplexity=perplexity, metric="cosine", init="random", random_state=0)
    return tsne.fit_transform(embeddings)


def few(speakers: np.ndarray, most: int) -> np.ndarray:
    """Places of at most so many utterances, as evenly of the speakers as they allow, in order."""
    rank = np.zeros(len(speakers), np.int64)
    for number in np.unique(speakers):
        rank[speakers == number] = np.arange(np.sum(speakers == number))
    return np.sort(np.argsort(rank, kind="stable")[:most])


def _colours(test: Answers) -> np.ndarray:
    """A colour for each speaker, (speakers, 4)."""
    n = int(test.trials.speakers.max()) + 1
    if n > 20:
        return plt.get_cmap("hsv")(np.arange(n) / n)
    return plt.get_cmap("tab10" if n <= 10 else "tab20")(np.arange(n))
