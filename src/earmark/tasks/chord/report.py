"""Pictures and tables of a chord evaluation: who is taken for whom, and by quality and length."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from earmark.evaluation.pictures import plt, save
from earmark.tasks.chord import breakdown, scores
from earmark.tasks.chord.decoding import weights
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.vocabulary import Vocabulary

SHARE_WRITTEN = 0.05  # smaller shares of a row are left to the colour


def breakdowns(folder: Path, songs: list[scores.ScoredSong], words: Vocabulary) -> list[Path]:
    """Confusion of qualities and of roots as PNG and, in seconds, as CSV; figures by quality and by length, what is
    taken for what, and equal chords as CSV."""
    cut = scores.pieces(songs)
    qualities, roots = [*(q.harte for q in words.qualities), "N"], [*harte.ROOTS, "N"]
    for name, seconds, names in (
        ("confusion_qualities", breakdown.confusion_of_qualities(cut, words), qualities),
        ("confusion_roots", breakdown.confusion_of_roots(cut), roots),
    ):
        confusion(folder / f"{name}.png", seconds, names)
        table = pd.DataFrame(seconds, index=pd.Index(names, name="true"), columns=names)
        table.round(3).to_csv(folder / f"{name}.csv")
    breakdown.by_quality(cut).to_csv(folder / "by_quality.csv", index=False)
    breakdown.by_length(cut).to_csv(folder / "by_length.csv", index=False)
    breakdown.taken_for(cut, words).to_csv(folder / "taken_for.csv", index=False)
    breakdown.same_but_in_name(cut).to_csv(folder / "same_but_in_name.csv", index=False)
    drawn = [f"confusion_{of}.{end}" for of in ("qualities", "roots") for end in ("png", "csv")]
    tables = [f"{name}.csv" for name in ("by_quality", "by_length", "taken_for", "same_but_in_name")]
    return [folder / name for name in (*drawn, *tables)]


def confusion(path: Path, seconds: np.ndarray, names: list[str]) -> None:
    """A confusion matrix of seconds (true, estimated) as PNG: shares of the row, rows without support blank.

    How long each class sounds stands beside its row. Classes that neither sound nor are heard are left out.
    """
    counts, used = _occurring([seconds], names)
    side = _side(used)
    fig, ax = plt.subplots(figsize=(side + 1, side + 0.5), layout="constrained")
    _matrix(fig, ax, counts[0], used, "Shares of each true class's time, in percent")
    save(fig, path)


def quality_weights(folder: Path, found: weights.Suggestion, hop_s: float, words: Vocabulary) -> None:
    """quality_weights.png, the frames' confusion before and with the weights, and .csv and .yaml below `folder`.

    With the weights that the model has, where it has some, and else with those suggested. The table has a row a quality
    that sounds: seconds, the weight suggested, and the share that is right before and with it; of the model's own
    weights likewise. The YAML are the weights suggested as settings take them.
    """
    names = [q.harte for q in words.qualities] + ["N"]
    columns = {
        "quality": names,
        "seconds": found.before.sum(1) * hop_s,
        "weight": found.weights,
        "right_before": weights.recalls(found.before),
        "right_after": weights.recalls(found.after),
    }
    if found.given:
        columns |= {"given": found.given[0], "right_given": weights.recalls(found.given[1])}
    table = pd.DataFrame(columns).query("seconds > 0").sort_values("seconds", ascending=False, kind="stable")
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "quality_weights.csv", index=False)
    settings = {row.quality: round(row.weight, 3) for row in table.itertuples() if round(row.weight, 3) != 1}
    (folder / "quality_weights.yaml").write_text(yaml.safe_dump({"quality_weights": settings}, sort_keys=False))
    _draw_weights(folder / "quality_weights.png", found, hop_s, names)


def _draw_weights(path: Path, found: weights.Suggestion, hop_s: float, names: list[str]) -> None:
    used_weights, after = found.given or (found.weights, found.after)
    matrices, used = _occurring([found.before * hop_s, after * hop_s], names)
    weight = dict(zip(names, used_weights, strict=True))
    side = _side(used)
    fig, axes = plt.subplots(1, 2, figsize=(2 * side + 2, side + 1), layout="constrained")
    how = "with the model's weights" if found.given else "with the weights suggested"
    for ax, seconds, title in zip(axes, matrices, ("as it is", how), strict=True):
        recall, right = weights.mean_recall(seconds), seconds.trace() / seconds.sum()
        shares = f"right in {right:.3f} of the time; mean over qualities {recall:.3f}"
        _matrix(fig, ax, seconds, used, f"Validation {title}: {shares}")
    axes[1].set_xticks(range(len(used)), [f"{name}  x {weight[name]:.2f}" for name in used], rotation=90, fontsize=8)
    save(fig, path)


def losses(path: Path, history: list[dict[str, float]], best_epoch: int) -> None:
    """The loss of every head by epoch, weighted as in the sum that is trained on, as PNG; nothing without heads.

    The axis is logarithmic, since focal losses are small. Without a second network the smooth vector is the vector
    itself, and has no line of its own.
    """
    rows = pd.DataFrame(history)
    heads = [c.removeprefix("train/loss_") for c in rows if c.startswith("train/loss_")]
    if "smooth" in heads and rows["train/loss_smooth"].equals(rows["train/loss_vector"].rename("train/loss_smooth")):
        heads.remove("smooth")
    if not heads:  # trained before they were told of
        return
    fig, axes = plt.subplots(1, 2, figsize=(11, 3.9), layout="constrained", sharey=True)
    for ax, kind, title in zip(axes, ("train", "val"), ("Training", "Validation"), strict=True):
        for head in heads:
            if f"{kind}/loss_{head}" in rows:
                ax.plot(rows.epoch, rows[f"{kind}/loss_{head}"], label=head)
        ax.axvline(best_epoch, color="0.6", ls=":")
        ax.set(xlabel="epoch", title=f"{title}: loss of each head, weighted")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_yscale("log")
    axes[0].legend(fontsize=8)
    save(fig, path)


def _occurring(matrices: list[np.ndarray], names: list[str]) -> tuple[list[np.ndarray], list[str]]:
    """Matrices and names without the classes that are nothing but zeros in all of them."""
    there = sum(m.sum(0) + m.sum(1) for m in matrices) > 0
    return [m[there][:, there] for m in matrices], [name for name, yes in zip(names, there, strict=True) if yes]


def _side(names: list[str]) -> float:
    """Inches."""
    return max(4.0, 0.42 * len(names) + 2)


def _matrix(fig, ax, counts: np.ndarray, used: list[str], title: str) -> None:
    shares, n = breakdown.normalized(counts), len(used)
    colours = plt.get_cmap("Blues").with_extremes(bad="white")
    image = ax.imshow(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(shares):
        if share >= SHARE_WRITTEN:
            ax.text(j, i, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=_ink(share))
    labels = [f"{name}  ({row.sum():.0f} s)" for name, row in zip(used, counts, strict=True)]
    ax.set_xticks(range(n), used, rotation=90, fontsize=8)
    ax.set_yticks(range(n), labels, fontsize=8)
    ax.set(xlabel="estimated", ylabel="true", title=title)
    fig.colorbar(image, label="share of the true class's time", shrink=0.7)


def _ink(share: float) -> str:
    return "white" if share > 0.5 else "black"
