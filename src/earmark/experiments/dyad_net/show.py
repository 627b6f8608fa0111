"""dyad_net in pictures: inputs, curves, kernels, what each kernel finds where, and what the dense layer makes of it."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.signal import convolve2d

from earmark.experiments.dyad_net import roles
from earmark.experiments.dyad_net.dyad_net import DyadNet
from earmark.experiments.dyad_net.dyads import MAJOR, MINOR, PITCHES_HZ, Dyads

NAMES = ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
QUALITIES = {MAJOR: "major", MINOR: "minor"}
DRAWN_SEED = 1209  # he seeds NumPy with it before the batch that he draws
BATCH_SIZE = 128


def drawn_result(results: list[dict]) -> dict:
    """The result that is drawn: the larger network's with the lowest validation loss in the end."""
    ours = [r for r in results if r["net"] == "dyad"] or results
    return min(ours, key=lambda r: r["history"][-1]["val_loss"])


def pictures(out: Path, results: list[dict], cqt_of: str) -> list[Path]:
    """All pictures as PNG below `out`; cqt_of: whose CQT computed the inputs."""
    one = drawn_result(results)
    made = [inputs(out / "inputs.png", cqt_of), curves(out / "curves.png", results), kernels(out / "kernels.png", one)]
    if one["net"] == "dyad":
        made += [maps(out / "maps.png", one, cqt_of), dense(out / "dense.png", one)]
    return made


def drawn_batch(cqt_of: str) -> np.ndarray:
    """The batch that he draws (128, 36, 3), noise and all."""
    return Dyads(PITCHES_HZ, np.random.RandomState(DRAWN_SEED), cqt_of).batch(BATCH_SIZE)[0]


def drawn_roots() -> tuple[str, str]:
    """Names of the roots of that batch's first example, which is major, and of its last, which is minor."""
    chosen = np.random.RandomState(DRAWN_SEED).choice(len(PITCHES_HZ), size=BATCH_SIZE // 2)
    return NAMES[chosen[0]], NAMES[chosen[-1]]


def inputs(path: Path, cqt_of: str) -> Path:
    """The first four of the drawn batch's majors, and of its minors, which have the same roots."""
    x, half = drawn_batch(cqt_of), BATCH_SIZE // 2
    fig, axes = plt.subplots(1, 8, figsize=(10, 4), sharey=True, layout="constrained")
    some = [*x[:4], *x[half : half + 4]]
    for ax, one, quality in zip(axes, some, [MAJOR] * 4 + [MINOR] * 4, strict=True):
        image = _map(ax, one)
        ax.set(title=QUALITIES[quality], xlabel="frame")
    axes[0].set_ylabel("semitones above A3")
    fig.colorbar(image, ax=axes, label="decibels above the minimum, divided by the maximum")
    return _save(fig, path, "Inputs: 36 bins x 3 frames")


def curves(path: Path, results: list[dict]) -> Path:
    """Accuracy and loss by epoch of every seed: the drawn one's training and validation thick, the others thin."""
    one = drawn_result(results)
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
    """The kernels, with their roles and the accuracy that is left without each."""
    weights = np.array(one["weights"]["conv.weight"])[:, 0]
    top = abs(weights).max()
    fig, axes = plt.subplots(1, len(weights), figsize=(2.8 * len(weights) + 1, 3.4), layout="constrained")
    for ax, weight, row in zip(axes, weights, one["kernels"], strict=True):
        image = _map(ax, weight, cmap="RdBu", vmin=-top, vmax=top)
        ax.set_xlabel("frame")
        ax.set_title(kernel_title(row), fontsize=10)
    axes[0].set_ylabel("semitones")
    fig.colorbar(image, ax=axes)
    return _save(fig, path, f"Kernels of seed {one['seed']}, their roles, and the accuracy without each")


def kernel_title(row: dict) -> str:
    """What stands above a kernel: its number, its role with the strength, and the accuracy without it."""
    return f"kernel {row['kernel']}: {roles.short_role(row)}\nwithout it: {row['accuracy_without']:.3f}"


def drawn_map(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map that he draws of an input (36, 3) and a kernel (5, 3): (36, 3).

    A convolution turns the kernel by half, and `same` adds zeros outside. The network does neither, so that its
    highest response is another number at another place.
    """
    return convolve2d(x, kernel, mode="same")


def maps(path: Path, one: dict, cqt_of: str) -> Path:
    """Each kernel's map of the drawn batch's first major and last minor: as he draws it, and as the network has it.

    The network's is a valid cross-correlation, kernels not flipped: one value a pitch.
    """
    model = DyadNet()
    model.load_state_dict({k: torch.tensor(v) for k, v in one["weights"].items()})
    x = torch.from_numpy(drawn_batch(cqt_of)[[0, -1]])
    with torch.inference_mode():
        found, shares = model.maps(x).numpy(), model(x).softmax(1).numpy()
    weights = model.conv.weight[:, 0].detach().numpy()
    widths = [1.1] + [0.8, 1.2] * len(weights)
    fig, axes = plt.subplots(2, len(widths), figsize=(15, 7), width_ratios=widths, layout="constrained")
    for (q, quality), root in zip(QUALITIES.items(), drawn_roots(), strict=True):
        _map(axes[q, 0], x[q].numpy())
        axes[q, 0].set_title(f"{quality} third on {root}\nP(minor) {shares[q, MINOR]:.3f}", fontsize=9)
        for k, weight in enumerate(weights):
            _drawn(axes[q, 1 + 2 * k], drawn_map(x[q].numpy(), weight))
            _computed(axes[q, 2 + 2 * k], found[q, k], k + 1)
    title = "Each kernel: the convolution that the notebook draws, and the correlation that the network computes"
    return _save(fig, path, title)


def _drawn(ax, values: np.ndarray) -> None:
    _map(ax, values, vmin=None, vmax=None)
    ax.set_title(f"drawn\nmax: {values.max():4.2f}", fontsize=9)


def _computed(ax, values: np.ndarray, kernel: int) -> None:
    best = int(values.argmax())
    ax.plot(values, np.arange(len(values)))
    ax.axvline(0, color="0.7", lw=1)
    ax.plot(values[best], best, "o", color="C1")
    ax.set_title(f"kernel {kernel}\nmax {values[best]:.2f} at {best}", fontsize=9)
    ax.set_ylim(-0.5, len(values) - 0.5)


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
