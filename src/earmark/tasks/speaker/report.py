"""Pictures of a speaker evaluation: DET curves, scores, tree, map and confusion of the test utterances."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.stats import norm
from sklearn.manifold import TSNE

from earmark.evaluation.pictures import plt, save
from earmark.tasks.speaker.trials import clustering, enrolment, scores
from earmark.tasks.speaker.trials.trial_set import Answers, Thresholds

TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
BINS = 50
LEAVES = 150  # utterances in the tree
MAPPED = 2000  # utterances on the map
NAMED = 20  # speakers in the map's legend
CONFUSED = 25  # speakers in the confusion matrix
OTHERS = "(others)"


class Map(NamedTuple):
    """Utterances in two dimensions. shown: (n,) which. places: (n, 2) where."""

    shown: np.ndarray
    places: np.ndarray


def map_utterances(test: Answers) -> Map:
    """The map of the test utterances, at most MAPPED of them."""
    shown = few(test.trials.speakers, MAPPED)
    return Map(shown, flat(test.embeddings[shown]))


def pictures(folder: Path, test: Answers, chosen: Thresholds, beside: dict[str, Answers], drawn: Map) -> None:
    """All of them as PNG below `folder`. beside: what baselines answer on the same test, by name."""
    det(folder / "det.png", {"model": test} | beside)
    distances(folder / "distances.png", test, chosen.threshold)
    dendrogram(folder / "dendrogram.png", test, chosen.cluster_threshold)
    speaker_map(folder / "map.png", test, drawn)


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
        tick.set(color=colours[leaf], parse_math=False)
    ax.set(ylabel="cosine distance", title=f"{len(shown)} utterances of {len(np.unique(labels))} speakers")
    ax.legend(loc="upper right")
    save(fig, path)


def speaker_map(path: Path, test: Answers, drawn: Map) -> None:
    """The test utterances in two dimensions (t-SNE of cosine distances), coloured by speaker."""
    names, (shown, places) = np.unique(test.trials.utterances.label), drawn
    speakers, colours = test.trials.speakers[shown], _colours(test)
    fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    for number in np.unique(speakers):
        at = places[speakers == number]
        ax.scatter(*at.T, s=14, color=colours[number], label=names[number] if number < NAMED else None)
    ax.set(xticks=[], yticks=[], title=f"{len(shown)} utterances of {len(np.unique(speakers))} speakers (t-SNE)")
    if len(names) <= NAMED:
        for text in fig.legend(loc="outside right upper", fontsize=8).get_texts():
            text.set_parse_math(False)
    save(fig, path)


def confusion(folder: Path, queries: pd.DataFrame) -> list[Path]:
    """Who is taken for whom among the enrolled, confusion.png and .csv below `folder`; queries: `enrolment.identify`'s.

    A row a speaker, shares of the row; counts are written in. Of a crowd those who are confused most are drawn, and one
    column stands for all others; the table has everybody.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = enrolment.confusion(queries)
    table.to_csv(folder / "confusion.csv", index=False)
    counts = most_confused(table, CONFUSED)
    share = counts.div(counts.sum(1).clip(lower=1), axis=0).to_numpy()
    side = max(4.0, 0.4 * len(counts) + 2)
    fig, ax = plt.subplots(figsize=(side + 1, side), layout="constrained")
    image = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (i, j), n in np.ndenumerate(counts.to_numpy()):
        if n:
            ax.text(j, i, n, ha="center", va="center", fontsize=8, color="white" if share[i, j] > 0.5 else "black")
    ax.set_xticks(range(counts.shape[1]), counts.columns, rotation=45, ha="right", parse_math=False)
    ax.set_yticks(range(len(counts)), counts.index, parse_math=False)
    ax.set(xlabel="taken for", ylabel="speaker", title=_said(queries, table, len(counts)))
    fig.colorbar(image, label="share of the speaker's queries")
    save(fig, folder / "confusion.png")
    return [folder / "confusion.png", folder / "confusion.csv"]


def most_confused(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Counts (speaker, taken for) of at most so many speakers, in order of name, of a table of `enrolment.confusion`.

    Chosen are those who take part in most mistakes, on either side; what they are taken for beside is `(others)`.
    """
    wrong = table[table.speaker != table.taken_for]
    mistakes = wrong.groupby("speaker").n.sum().add(wrong.groupby("taken_for").n.sum(), fill_value=0)
    everyone = sorted({*table.speaker, *table.taken_for})
    shown = sorted(sorted(everyone, key=lambda name: -mistakes.get(name, 0))[:most])
    counts = table.pivot(index="speaker", columns="taken_for", values="n").reindex(index=shown).fillna(0).astype(int)
    inside = counts.reindex(columns=shown, fill_value=0)
    left = counts.sum(1) - inside.sum(1)
    return inside.assign(**{OTHERS: left}) if left.any() else inside


def _said(queries: pd.DataFrame, table: pd.DataFrame, shown: int) -> str:
    """The picture's title: how many asked, how many were known, and who is drawn."""
    right = (queries.label == queries.taken_for).mean()
    known = len({*table.speaker, *table.taken_for})
    some = f"\nthe {shown} who are confused most, of {known}" if shown < known else ""
    return f"{len(queries)} queries, {100 * right:.1f} % taken for their speaker{some}"


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
