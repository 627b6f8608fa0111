"""Seed 001 in pictures: inputs, curves, kernels, what each kernel finds where, and what the dense layer makes of it."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from earmark.experiments.seed001.dyad_net import DyadNet
from earmark.experiments.seed001.dyads import MAJOR, MINOR, PITCHES_HZ, Dyads, templates

NAMES = ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
QUALITIES = {MAJOR: "major", MINOR: "minor"}
ROOT = 3  # C5, in the pictures of maps


def shown(results: list[dict]) -> dict:
    """The result that is drawn: the larger network's with the lowest validation loss in the end."""
    ours = [r for r in results if r["net"] == "dyad"] or results
    return min(ours, key=lambda r: r["history"][-1]["val_loss"])


def pictures(out: Path, results: list[dict], cqt_of: str) -> list[Path]:
    """All pictures as PNG below `out`; cqt_of: whose CQT computed the inputs."""
    one = shown(results)
    made = [inputs(out / "inputs.png", cqt_of), curves(out / "curves.png", results), kernels(out / "kernels.png", one)]
    if one["net"] == "dyad":
        made += [maps(out / "maps.png", one, cqt_of), dense(out / "dense.png", one)]
    return made


def inputs(path: Path, cqt_of: str) -> Path:
    """The first four roots of a batch, as major dyads and as minor ones, with the batch's noise."""
    x, _ = Dyads(PITCHES_HZ, np.random.default_rng(1), cqt_of).batch(8)
    fig, axes = plt.subplots(1, 8, figsize=(10, 4), sharey=True, layout="constrained")
    for ax, one, quality in zip(axes, x, [MAJOR] * 4 + [MINOR] * 4, strict=True):
        image = _map(ax, one)
        ax.set(title=QUALITIES[quality], xlabel="frame")
    axes[0].set_ylabel("semitones above A3")
    fig.colorbar(image, ax=axes, label="decibels over the minimum, by the maximum")
    return _save(fig, path, "Inputs: 36 bins x 3 frames")


def curves(path: Path, results: list[dict]) -> Path:
    """Accuracy and loss by epoch of every seed: the drawn one's training and validation thick, the others thin."""
    one = shown(results)
    fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for ax, key in zip(axes, ("accuracy", "loss"), strict=True):
        for r in results:
            color = "C0" if r["net"] == "dyad" else "C2"
            ax.plot(_column(r, "epoch"), _column(r, f"val_{key}"), color=color, lw=0.7, alpha=0.5)
        for name, color in ((key, "C1"), (f"val_{key}", "C0")):
            label = "validation" if name.startswith("val") else "training"
            ax.plot(_column(one, "epoch"), _column(one, name), color=color, lw=2, label=f"{label}, seed {one['seed']}")
        ax.plot([], [], color="C0", lw=0.7, label="68 parameters, other seeds")
        ax.plot([], [], color="C2", lw=0.7, label="30 parameters")
        ax.set(xlabel="epoch", ylabel=key, yscale="log" if key == "loss" else "linear")
    axes[0].legend(fontsize=8)
    return _save(fig, path, "Training and validation")


def kernels(path: Path, one: dict) -> Path:
    """The kernels, with the accuracy that is left without each."""
    weights = np.array(one["weights"]["conv.weight"])[:, 0]
    top = abs(weights).max()
    fig, axes = plt.subplots(1, len(weights), figsize=(2.4 * len(weights) + 1, 3.2), layout="constrained")
    for k, (ax, weight, left) in enumerate(zip(axes, weights, one["accuracy_without"], strict=True), 1):
        image = _map(ax, weight, cmap="RdBu", vmin=-top, vmax=top)
        ax.set(title=f"kernel {k}\nwithout it: {left:.3f}", xlabel="frame")
    axes[0].set_ylabel("semitones")
    fig.colorbar(image, ax=axes)
    return _save(fig, path, f"Kernels of seed {one['seed']}, and the accuracy without each")


def maps(path: Path, one: dict, cqt_of: str) -> Path:
    """What the network computes of a major and a minor third: valid cross-correlation, kernels not flipped."""
    model = DyadNet()
    model.load_state_dict({k: torch.tensor(v) for k, v in one["weights"].items()})
    x = torch.from_numpy(templates(PITCHES_HZ, cqt_of)[:, ROOT])
    with torch.inference_mode():
        found, shares = model.maps(x).numpy(), model(x).softmax(1).numpy()
    fig, axes = plt.subplots(2, 5, figsize=(11, 6), sharex="col", layout="constrained")
    for q, quality in QUALITIES.items():
        _map(axes[q, 0], x[q].numpy())
        axes[q, 0].set_title(f"{quality} third on {NAMES[ROOT]}\nP(minor) {shares[q, MINOR]:.3f}", fontsize=10)
        for k, ax in enumerate(axes[q, 1:]):
            ax.plot(found[q, k], np.arange(found.shape[2]))
            ax.axvline(0, color="0.7", lw=1)
            best = int(found[q, k].argmax())
            ax.plot(found[q, k, best], best, "o", color="C1")
            ax.set_title(f"kernel {k + 1}\nmax {found[q, k, best]:.2f} at {best}", fontsize=10)
            ax.set_ylim(-0.5, 31.5)
    axes[1, 0].set_xlabel("frame")
    return _save(fig, path, "Cross-correlation of each kernel by pitch (semitones above A3 of its lowest row)")


def dense(path: Path, one: dict) -> Path:
    """Weights of the dense layer: kernels in columns, classes in rows."""
    weights = np.array(one["weights"]["dense.weight"])
    fig, ax = plt.subplots(figsize=(5.5, 3), layout="constrained")
    top = abs(weights).max()
    image = ax.imshow(weights, cmap="RdBu", vmin=-top, vmax=top)
    for (i, k), w in np.ndenumerate(weights):
        ax.text(k, i, f"{w:.2f}", ha="center", va="center", color="white" if abs(w) > 0.6 * top else "black")
    ax.set_xticks(range(weights.shape[1]), [f"kernel {k + 1}" for k in range(weights.shape[1])])
    ax.set_yticks(list(QUALITIES), QUALITIES.values())
    fig.colorbar(image)
    return _save(fig, path, "Dense layer")


def _column(result: dict, key: str) -> list[float]:
    return [row[key] for row in result["history"]]


def _map(ax, values: np.ndarray, **look):
    return ax.imshow(values, origin="lower", aspect="auto", **({"cmap": "Blues", "vmin": 0, "vmax": 1.1} | look))


def _save(fig, path: Path, title: str) -> Path:
    fig.suptitle(title, fontsize=11)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)
    return path
