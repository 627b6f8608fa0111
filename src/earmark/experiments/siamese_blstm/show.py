"""siamese_blstm's walk for people: a sentence a training, a table of steps, and both on the terminal."""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from earmark.experiments.siamese_blstm.step import SHOWN_EVERY
from earmark.experiments.study import show as study

SHOWN = (
    "eer_native",
    "eer_cosine",
    "mr",
    "ari",
    "asker_accuracy",
    "custom_metric",
    "dead_share",
    "negative_in_training",
    "alarm",
)
LEFT_OUT = ("curves", "scores", "distances_same", "distances_different")


def sentence(result: dict[str, Any]) -> str:
    """A training in a line."""
    line = f"{result['step']}, seed {result['seed']}: loss {result['loss']:.3f}, EER {result['eer_native']:.3f}"
    line += f", clustering error {result['mr']:.3f} in {result['cpu_seconds']:.0f} s of CPU"
    return line + (f". {result['alarm']}" if result["alarm"] else "")


def row(result: dict[str, Any]) -> dict[str, Any]:
    """One line of seeds.csv; alarm is 1 or 0, its sentence beside it."""
    line = {k: v for k, v in result.items() if k not in LEFT_OUT}
    for kind in ("same", "different"):
        quantiles = result.get(f"distances_{kind}")
        line[f"median_{kind}"] = quantiles[len(quantiles) // 2] if quantiles else None
    return line | {"alarm": int(bool(result["alarm"])), "said": result["alarm"]}


def medians(seeds: pd.DataFrame, why: dict[str, str]) -> pd.DataFrame:
    """One line a step, in the walk's order: medians over seeds; of the alarm the share of seeds."""
    numbers = seeds.drop(columns=["said", "seed"]).apply(lambda c: c if c.name == "step" else pd.to_numeric(c))
    grouped = numbers.groupby("step", sort=False)
    found = grouped.median()
    found["alarm"] = grouped.alarm.mean()
    found.insert(0, "why", found.index.map(why))
    found.insert(1, "seeds", grouped.size())
    return found.reset_index()


def curves(results: list[dict[str, Any]]) -> pd.DataFrame:
    """One line for every ten batches of a training: step, seed, batch, and the means that were logged."""
    parts = []
    for r in results:
        part = pd.DataFrame(r["curves"])
        part.insert(0, "batch", SHOWN_EVERY * (part.index + 1))
        parts.append(part.assign(step=r["step"], seed=r["seed"]))
    found = pd.concat(parts, ignore_index=True)
    return found[["step", "seed", *found.columns.drop(["step", "seed"])]]


def print_all(name: str, about: str, table: pd.DataFrame, judged: pd.DataFrame) -> None:
    """The table and the claims, on the terminal."""
    shown = Table("step", *(n.replace("_", " ") for n in SHOWN), title=name, caption=about or None)
    for line in table.to_dict("records"):
        shown.add_row(line["step"], *("–" if pd.isna(line.get(n)) else f"{line[n]:.3f}" for n in SHOWN))
    Console().print(shown)
    study.verdicts(judged)
