"""Pictures of the walk: figures by step, curves by batch, distances, and where the divergence is negative."""

from pathlib import Path

import numpy as np
import pandas as pd

from earmark.evaluation.pictures import plt, save
from earmark.experiments.siamese_blstm.step import SHOWN_EVERY

P = Q = 0.5  # the value that is held fast in the picture of the divergence


def draw(out: Path, results: list[dict], table: pd.DataFrame) -> list[Path]:
    """All pictures as PNG below `out`."""
    firsts = [r for r in results if r["seed"] == results[0]["seed"]]
    return [
        walk(out / "walk.png", results, table),
        curves(out / "curves.png", firsts),
        spread(out / "distances.png", firsts),
        divergence(out / "kl.png", firsts),
    ]


def walk(path: Path, results: list[dict], table: pd.DataFrame) -> Path:
    """EER and clustering error of every step: medians as bars (steps branch), seeds as points."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(15, 4.8), layout="constrained")
    ways = ((left, "eer_native", "C0", "the network's own distance"), (left, "eer_cosine", "C1", "cosine"))
    ways += ((left, "eer_untrained", "0.6", "cosine, before training"), (right, "mr", "C2", "trained"))
    place = {step: i for i, step in enumerate(table.step)}
    for ax, key, color, name in (*ways, (right, "mr_untrained", "0.6", "before training")):
        ax.plot(table.step, table[key], "_", color=color, ms=18, mew=3, label=name)
        ax.plot([place[r["step"]] for r in results], [r[key] for r in results], "o", color=color, ms=4, alpha=0.4)
    left.axhline(0.5, color="0.7", lw=1)
    left.set(ylabel="EER on test speakers", ylim=(0, None), title="One speaker or two?")
    right.set(ylabel="share of utterances in another's cluster", ylim=(0, None), title="Clusters of the embeddings")
    for ax in (left, right):
        ax.set_xticks(range(len(table)), table.step, rotation=40, ha="right")
        ax.legend()
    return _saved(fig, path, "From the asker's network to one that learns")


def curves(path: Path, firsts: list[dict]) -> Path:
    """By batch, each step's first seed: the loss as a share of its first value, and both accuracies as logged."""
    fig, axes = plt.subplots(1, 3, figsize=(16, 4.8), layout="constrained", sharex=True)
    titles = (
        "loss, divided by that of the first ten batches",
        "accuracy as the asker logs it: round(distance) == label",
    )
    titles += ("the answer's metric: (distance < threshold) == label",)
    for ax, key, title in zip(axes, ("loss", "asker_accuracy", "custom_metric"), titles, strict=True):
        for i, r in enumerate(firsts):
            if key in r["curves"]:
                values = np.array(r["curves"][key])
                values = values / values[0] if key == "loss" else values
                ax.plot(_batches(values), values, color=_colour(i, firsts), label=r["step"])
        if key != "loss":
            ax.axhline(0.5, color="0.7", lw=1)
            ax.set_ylim(0, 1)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("batch")
    handles, labels = axes[2].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside right center", fontsize=8)
    return _saved(fig, path, "Training, on pairs of the batch, half of them of one speaker")


def spread(path: Path, firsts: list[dict]) -> Path:
    """Distances of test segments, 5 to 95 %: of one speaker and of two, each step's first seed."""
    shown = [r for r in firsts if "distances_same" in r]
    fig, ax = plt.subplots(figsize=(10, 4.5), layout="constrained")
    for kind, shift, color in (("same", -0.15, "C0"), ("different", 0.15, "C3")):
        for i, r in enumerate(shown):
            q = np.array(r[f"distances_{kind}"])
            label = f"{kind} speaker{'s' * (shift > 0)}" if not i else None
            ax.plot([i + shift] * 2, q[[1, -2]], color=color, lw=1.5, label=label)
            ax.plot(i + shift, q[len(q) // 2], "o", color=color, ms=5)
    ax.axhline(0, color="0.7", lw=1)
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_xticks(range(len(shown)), [r["step"] for r in shown], rotation=40, ha="right")
    ax.set_ylabel("distance of two segments")
    if shown:
        ax.legend()
    return _saved(fig, path, "Distances on test speakers, 5 to 95 % and the median")


def divergence(path: Path, firsts: list[dict]) -> Path:
    """One value's share of KL over q and over p, of both directions, and the negative distances of the trainings."""
    fig, (over_q, over_p, measured) = plt.subplots(1, 3, figsize=(16, 4.8), layout="constrained")
    x = np.linspace(0.005, 1, 400)
    _terms(over_q, x, P, x, "q, at most 1 by the clip", f"one value of an embedding, p = {P:g}")
    _terms(over_p, x, x, Q, "p", f"one value of an embedding, q = {Q:g}")
    for i, r in enumerate(firsts):
        if "negative_share" in r["curves"]:
            values = 100 * np.array(r["curves"]["negative_share"])
            measured.plot(_batches(values), values, color=_colour(i, firsts), label=r["step"])
    measured.set(xlabel="batch", ylabel="negative distances, %", title="measured in the trainings")
    if measured.lines:
        fig.legend(loc="outside right center", fontsize=8, handles=measured.lines)
    title = "A value's share of the divergence is least where p and q differ, unless both directions are added"
    return _saved(fig, path, title)


def _terms(ax, x: np.ndarray, p, q, label: str, title: str) -> None:
    """The terms of KL(p || q) and of the sum of both directions over x, the one that varies; their minima marked."""
    one = p * np.log(p / q)
    two = one + q * np.log(q / p)
    for name, y, color in (("KL(p || q)", one, "C3"), ("KL(p || q) + KL(q || p)", two, "C0")):
        least = int(np.argmin(y))
        ax.plot(x, y, color=color, label=f"{name}: least {y[least]:.2f} at {x[least]:.2f}")
        ax.plot(x[least], y[least], "o", color=color)
    ax.axhline(0, color="0.7", lw=1)
    ax.set(xlabel=label, ylim=(-0.5, 1), title=title)
    ax.legend(fontsize=8)


def _batches(values: np.ndarray) -> np.ndarray:
    return SHOWN_EVERY * np.arange(1, len(values) + 1)


def _colour(i: int, firsts: list[dict]):
    return plt.get_cmap("tab20" if len(firsts) > 10 else "tab10")(i)


def _saved(fig, path: Path, title: str) -> Path:
    fig.suptitle(title, fontsize=11)
    save(fig, path)
    return path
