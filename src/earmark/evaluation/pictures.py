"""Where pictures are drawn: without a screen, and the same bytes for the same picture."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

from earmark.training.settings import judged_weights


def save(fig, path: Path) -> None:
    """Write a figure as PNG and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)


def learning_curves(
    path: Path,
    history: list[dict],
    best_epoch: int,
    of: str = "recordings",
    measure: str | None = None,
    average: float = 0.0,
) -> None:
    """Loss, validation accuracy (where there is one) and learning rate by epoch as PNG, with the epoch kept.

    of: what the accuracy is a share of. measure: what the validation loss is where it is not the loss trained on; it is
    drawn on an axis of its own. average: the training's, which decides whose figures those of validation are; the loss
    trained on is always the plain weights', with dropout and augmentation.
    """
    rows = pd.DataFrame(history)
    fig, axes = plt.subplots(1, 3, figsize=(13, 3.7), layout="constrained")
    left, middle, right = axes
    whose = "averaged" if average else "plain"
    fig.suptitle(
        f"Validation judges the {judged_weights(average)}; the training loss is that of the plain weights", fontsize=10
    )
    left.plot(rows.epoch, rows["train/loss"], label="training, plain weights")
    if "val/loss" in rows:
        ax = left.twinx() if measure else left
        ax.plot(rows.epoch, rows["val/loss"], color="C1", label=f"validation, {whose} weights")
        if measure:
            ax.set(ylabel=f"{measure} on validation", ylim=(0, None))
            left.plot([], [], color="C1", label=f"validation (right), {whose} weights")
        middle.plot(rows.epoch, rows["val/accuracy"], color="C1", label=f"validation, {whose} weights")
    left.set(xlabel="epoch", ylabel="loss", title="Loss")
    middle.set(xlabel="epoch", ylabel=f"share of {of}", title="Accuracy", ylim=(0, 1.02))
    right.plot(rows.epoch, rows["train/lr"], color="C2", label="at the epoch's start")
    right.set(xlabel="epoch", ylabel="learning rate", title="Learning rate")
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.axvline(best_epoch, color="0.6", ls=":", label=f"kept: epoch {best_epoch}")
        ax.legend(fontsize=8)
    save(fig, path)
