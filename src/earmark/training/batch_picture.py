"""What the network really sees: crops of the first training batch, after mixing, masking and padding."""

from pathlib import Path

import torch

SHOWN = 12


def first_batch(task) -> tuple:
    """What begins a training, as the task's `examples` gives it; its numbers stay undrawn."""
    with torch.random.fork_rng():
        torch.manual_seed(task.settings.seed * 1_000_003 + 1)  # as the loop seeds its first epoch
        return task.examples(next(task.batches()))


def draw(path: Path, x: torch.Tensor, titles: list[str]) -> None:
    """A PNG of at most 12 inputs (n, channels, bands, frames), the first channel of each; one colour scale for all."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = x[:SHOWN, 0].float().cpu()
    rows = -(-len(x) // 4)
    fig, axes = plt.subplots(rows, 4, figsize=(14, 2.6 * rows), sharex=True, sharey=True, squeeze=False)
    # half a second cheaper than a layout that matplotlib works out
    fig.subplots_adjust(0.06, 0.22 / rows, 0.99, 1 - 0.12 / rows, wspace=0.08, hspace=0.2)
    low, high = torch.quantile(x, 0.01).item(), torch.quantile(x, 0.99).item()
    for ax, crop, title in zip(axes.flat, x, titles, strict=False):
        image = ax.imshow(crop, origin="lower", aspect="auto", vmin=low, vmax=high, cmap="magma")
        ax.set_title(title, fontsize=9, parse_math=False)  # a `$` in a label begins no formula
    for ax in axes.flat[len(x) :]:
        ax.axis("off")
    fig.supxlabel("frame")
    fig.supylabel("band")
    fig.colorbar(image, ax=axes, label="feature value", shrink=0.6, fraction=0.03, pad=0.02)
    fig.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(fig)


def class_shares(target: torch.Tensor, classes: list[str]) -> str:
    """The classes of a target with their shares, as in 'dog 0.70 + rain 0.30'."""
    shares = [(share, classes[i]) for i, share in enumerate(target.tolist()) if share > 0.005]
    if len(shares) == 1:
        return shares[0][1]
    return " + ".join(f"{name} {share:.2f}" for share, name in sorted(shares, reverse=True))
