"""dyad_net in tables: a line a network and seed, its epochs, its kernels, and what the seeds reached together."""

from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from earmark.experiments.dyad_net import roles

# His run: after epoch 1 and 15 of the validation generator, then 10 batches of the training generator.
HIS = {"net": "notebook", "epoch_of_accuracy_1": 1, "val_accuracy": 1.0, "val_loss": 0.0022}
HIS |= {"evaluated_loss": 0.0035, "evaluated_accuracy": 1.0}
# Columns on the terminal, by their headings.
SHOWN = {"net": "net", "seed": "seed", "alive at start": "alive_at_start", "right from epoch": "epoch_of_accuracy_1"}
SHOWN |= {"right": "val_accuracy", "loss": "val_loss", "right of 10": "evaluated_accuracy"}
SHOWN |= {"loss of 10": "evaluated_loss", "loss unseen": "unseen_loss"}
OF_A_KERNEL = {"kernel": "kernel", "role": "role", "to major": "to_major", "to minor": "to_minor"}
OF_A_KERNEL |= {"strength": "strength", "at majors": "response_to_majors", "at minors": "response_to_minors"}
OF_A_KERNEL |= {"right without": "accuracy_without"}


def networks(results: list[dict]) -> pd.DataFrame:
    """A line a network and seed."""
    return pd.DataFrame([row(r) for r in results])


def row(result: dict) -> dict[str, Any]:
    """One line of the table; losses and accuracies are those after the last epoch, as the source's."""
    history = pd.DataFrame(result["history"])
    right = history.epoch[history.val_accuracy == 1]
    line = {k: result[k] for k in ("net", "seed", "parameters", "alive_at_start")}
    line |= {"epoch_of_accuracy_1": int(right.iloc[0]) if len(right) else None}
    line |= {k: history[k].iloc[-1] for k in ("loss", "accuracy", "val_loss", "val_accuracy")}
    line |= {k: result[k] for k in result if k.startswith(("evaluated", "unseen", "quarter"))}
    return line | {"roles": "; ".join(roles.short_role(k) for k in result["kernels"])}


def histories(results: list[dict]) -> pd.DataFrame:
    """A line an epoch of each network and seed."""
    return pd.DataFrame([{"net": r["net"], "seed": r["seed"]} | epoch for r in results for epoch in r["history"]])


def kernels(results: list[dict]) -> pd.DataFrame:
    """A line a kernel of each network and seed."""
    return pd.DataFrame([{"net": r["net"], "seed": r["seed"]} | kernel for r in results for kernel in r["kernels"]])


def figures_of(table: pd.DataFrame) -> dict[str, float]:
    """Shares of seeds that reach what the notebook reached, and medians, `<net>_<figure>`."""
    found = {}
    for net, rows in table.groupby("net", sort=False):
        mine = {
            "seeds": len(rows),
            "parameters": int(rows.parameters.iloc[0]),
            "share_accuracy_1_after_epoch_1": float((rows.epoch_of_accuracy_1 == 1).mean()),
            "share_accuracy_1": float((rows.val_accuracy == 1).mean()),
            "share_loss_as_low_as_his": float((rows.val_loss <= HIS["val_loss"]).mean()),
            "share_evaluated_loss_as_low_as_his": float((rows.evaluated_loss <= HIS["evaluated_loss"]).mean()),
        }
        medians = ("val_loss", "evaluated_loss", "unseen_loss", "quarter_tones_loss")
        mine |= {f"median_{k}": float(rows[k].median()) for k in medians}
        found |= {f"{net}_{k}": v for k, v in mine.items()}
    return found


def show(name: str, about: str, table: pd.DataFrame, one: dict, figures: dict[str, float]) -> None:
    """Print all seeds beside the source's run, the kernels of the drawn one, and the figures."""
    console = Console()
    of_10 = (
        "right (accuracy) and loss: on validation after the last epoch; on 10 training batches (of 10); on unseen roots"
    )
    _print(console, name, f"{about}\n{of_10}", pd.concat([table, pd.DataFrame([HIS])]), SHOWN)
    which = f"Kernels of {one['net']}, seed {one['seed']}: weights to the classes, and mean responses to them"
    _print(
        console,
        which,
        "strength: the weight to minor minus that to major; a kernel that answers to neither is silent",
        pd.DataFrame(one["kernels"]),
        OF_A_KERNEL,
    )
    for key, value in figures.items():
        console.print(f"{key} {value:.4g}", markup=False, highlight=False)


def _print(console: Console, title: str, about: str, table: pd.DataFrame, columns: dict[str, str]) -> None:
    headings = [name.replace(" ", "\n") for name in columns]
    shown = Table(*headings, title=title, caption=about, box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for line in table[list(columns.values())].to_dict("records"):
        shown.add_row(*(_cell(name, value) for name, value in line.items()))
    console.print(shown)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    decimals = {"loss": 4, "accuracy": 3, "without": 3, "minor": 2, "major": 2, "minors": 2, "majors": 2, "strength": 2}
    return f"{value:.{decimals[last]}f}" if (last := name.split("_")[-1]) in decimals else f"{value:g}"
