"""What the network really sees: crops of the first training batch, after mixing, masking and padding."""

from pathlib import Path

import torch

SHOWN = 12


def first_batch(task) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (n, 1, bands, frames) and targets (n, classes) that begin a training; its numbers stay undrawn."""
    with torch.random.fork_rng():
        torch.manual_seed(task.settings.seed * 1_000_003 + 1)  # as the loop seeds its first epoch
        x, targets, _, _ = task.examples(next(task.batches()))
    return x.cpu(), targets.cpu()


def draw(path: Path, x: torch.Tensor, targets: torch.Tensor, classes: list[str]) -> None:
    """A PNG of at most 12 inputs, each under its target; one colour scale for all."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x, targets = x[:SHOWN, 0].float(), targets[:SHOWN]
    rows = -(-len(x) // 4)
    fig, axes = plt.subplots(rows, 4, figsize=(14, 2.6 * rows), layout="constrained", squeeze=False)
    low, high = torch.quantile(x, 0.01).item(), torch.quantile(x, 0.99).item()
    for ax, crop, target in zip(axes.flat, x, targets, strict=False):
        image = ax.imshow(crop, origin="lower", aspect="auto", vmin=low, vmax=high, cmap="magma")
        ax.set_title(_named(target, classes), fontsize=9)
    for ax in axes.flat[len(x) :]:
        ax.axis("off")
    fig.supxlabel("frame")
    fig.supylabel("band")
    fig.colorbar(image, ax=axes, label="feature value", shrink=0.6)
    fig.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(fig)


def _named(target: torch.Tensor, classes: list[str]) -> str:
    """The classes of a target with their shares, as in 'dog 0.70 + rain 0.30'."""
    shares = [(share, classes[i]) for i, share in enumerate(target.tolist()) if share > 0.005]
    if len(shares) == 1:
        return shares[0][1]
    return " + ".join(f"{name} {share:.2f}" for share, name in sorted(shares, reverse=True))
