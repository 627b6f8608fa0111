"""Where pictures are drawn: without a screen, and the same bytes for the same picture."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd


def save(fig, path: Path) -> None:
    """Write a figure as PNG and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)


def learning_curves(
    path: Path, history: list[dict], best_epoch: int, of: str = "recordings", measure: str | None = None
) -> None:
    """Loss, validation accuracy (where there is one) and learning rate by epoch as PNG, with the epoch kept.

    of: what the accuracy is a share of. measure: what the validation loss is where it is not the loss trained on; it is
    drawn on an axis of its own.
    """
    rows = pd.DataFrame(history)
    fig, axes = plt.subplots(1, 3, figsize=(13, 3.5), layout="constrained")
    left, middle, right = axes
    left.plot(rows.epoch, rows["train/loss"], label="train")
    if "val/loss" in rows:
        judged = left.twinx() if measure else left
        judged.plot(rows.epoch, rows["val/loss"], color="C1", label="validation")
        if measure:
            judged.set(ylabel=f"{measure} on validation", ylim=(0, None))
            left.plot([], [], color="C1", label="validation (right)")
        middle.plot(rows.epoch, rows["val/accuracy"], color="C1", label="validation")
    left.set(xlabel="epoch", ylabel="loss", title="Loss")
    middle.set(xlabel="epoch", ylabel=f"share of {of}", title="Accuracy", ylim=(0, 1.02))
    right.plot(rows.epoch, rows["train/lr"], color="C2", label="at the epoch's start")
    right.set(xlabel="epoch", ylabel="learning rate", title="Learning rate")
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.axvline(best_epoch, color="0.6", ls=":", label=f"kept: epoch {best_epoch}")
        ax.legend()
    save(fig, path)
