"""Pictures and tables of a chord evaluation: who is taken for whom, and by quality and length."""

from pathlib import Path

import numpy as np

from earmark.chords import breakdown, harte, scores
from earmark.chords.vocabulary import Vocabulary
from earmark.pictures import plt, save

SHARE_WRITTEN = 0.05  # smaller shares of a row are left to the colour


def breakdowns(folder: Path, songs: list[scores.Song], words: Vocabulary) -> None:
    """Confusion of qualities and of roots as PNG, figures by quality and by length and equal chords as CSV."""
    cut = scores.pieces(songs)
    qualities = [q.harte for q in words.qualities] + ["N"]
    confusion(folder / "confusion_qualities.png", breakdown.confusion_of_qualities(cut, words), qualities)
    confusion(folder / "confusion_roots.png", breakdown.confusion_of_roots(cut), [*harte.ROOTS, "N"])
    breakdown.by_quality(cut).to_csv(folder / "by_quality.csv", index=False)
    breakdown.by_length(cut).to_csv(folder / "by_length.csv", index=False)
    breakdown.same_but_in_name(cut).to_csv(folder / "same_but_in_name.csv", index=False)


def confusion(path: Path, seconds: np.ndarray, names: list[str]) -> None:
    """A confusion matrix of seconds (true, estimated) as PNG: shares of the row, rows without support blank.

    How long each class sounds stands beside its row. Classes that neither sound nor are heard are left out.
    """
    there = (seconds.sum(0) + seconds.sum(1)) > 0
    counts, used = seconds[there][:, there], [name for name, yes in zip(names, there, strict=True) if yes]
    shares, n = breakdown.normalized(counts), len(used)
    side = max(4.0, 0.42 * n + 2)
    fig, ax = plt.subplots(figsize=(side + 1, side), layout="constrained")
    colours = plt.get_cmap("Blues").with_extremes(bad="white")
    image = ax.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(shares):
        if share >= SHARE_WRITTEN:
            ax.text(j, i, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=_ink(share))
    labels = [f"{name}  ({row.sum():.0f} s)" for name, row in zip(used, counts, strict=True)]
    ax.set_xticks(range(n), used, rotation=90, fontsize=8)
    ax.set_yticks(range(n), labels, fontsize=8)
    ax.set(xlabel="estimated", ylabel="true", title="Shares of each true class's time, in percent")
    fig.colorbar(image, label="share of the true class's time", shrink=0.7)
    save(fig, path)


def _ink(share: float) -> str:
    return "white" if share > 0.5 else "black"
