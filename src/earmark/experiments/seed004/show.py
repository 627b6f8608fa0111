"""Seed 004's walk for people: a table of steps, what the answer claimed and what it comes to, and pictures."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

SHOWN = (
    "eer_native",
    "eer_cosine",
    "auc_native",
    "accuracy",
    "asker_accuracy",
    "dead_share",
    "negative_share",
    "alarm",
)
LEFT_OUT = ("curve", "distances_same", "distances_different")
BETTER = 0.01  # of EER: a change that counts


def sentence(result: dict[str, Any]) -> str:
    """A training in a line."""
    line = f"{result['step']}, seed {result['seed']}: loss {result['loss']:.3f}, EER {result['eer_native']:.3f}"
    return line + f" in {result['cpu_seconds']:.0f} s of CPU" + (f". {result['alarm']}" if result["alarm"] else "")


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


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """What question and answer say, the figures that decide it, and whether they bear it out.

    A claim is judged where the walk has the steps that it is about.
    """
    at = table.set_index("step")
    found = []
    for claim, steps, figures, holds in CLAIMS:
        if all(s in at.index for s in steps):
            rows = [at.loc[s] for s in steps]
            found.append({"claim": claim, "figures": figures(*rows), "holds": bool(holds(*rows))})
    return pd.DataFrame(found, columns=["claim", "figures", "holds"])


def _eers(*rows: pd.Series) -> str:
    return "EER " + " -> ".join(f"{r.eer_native:.3f}" for r in rows)


def _gains(a: pd.Series, b: pd.Series) -> bool:
    return b.eer_native < a.eer_native - BETTER


# claim, the steps it is about, the figures that decide it, and when they bear it out
CLAIMS = (
    (
        "Not in the answer: labels (n, 1) against distances (n,) make the loss blind, so nothing is learnt",
        ("asked",),
        lambda a: f"EER {a.eer_native:.3f} by distance, AUC {a.auc_native:.3f}; logged accuracy {a.blind_accuracy:.3f}",
        lambda a: a.eer_native > 0.4,
    ),
    (
        "Not in the answer: labels that meet their own pairs alone are better, though no cure",
        ("asked", "labels"),
        _eers,
        _gains,
    ),
    (
        "The accuracy compares what cannot be compared: a network that learns has less than chance",
        ("soft_hinge",),
        lambda a: f"logged {a.asker_accuracy:.3f}, {a.accuracy:.3f} at a threshold tuned on validation",
        lambda a: a.asker_accuracy < 0.5 < a.accuracy,
    ),
    (
        "Clipping freezes the model",
        ("labels",),
        lambda a: f"{a.dead_share:.0%} of the outputs have no slope; alarm in {a.alarm:.0%} of the seeds",
        lambda a: a.dead_share > 0.5 and a.alarm > 0.5,
    ),
    (
        "KL of one direction falls below zero",
        ("labels",),
        lambda a: f"{a.negative_share:.0%} of the distances, the lowest {a.lowest:.2f}",
        lambda a: a.negative_share > 0.01,
    ),
    (
        "The sum of both directions has no negative distances, and learns better",
        ("labels", "symmetric"),
        lambda a, b: f"{b.negative_share:.0%} of the distances negative; {_eers(a, b)}",
        lambda a, b: b.negative_share == 0 and _gains(a, b),
    ),
    ("Softplus with an epsilon in place of PReLU with a clip learns better", ("symmetric", "softplus"), _eers, _gains),
    ("A softplus in the hinge learns better", ("softplus", "soft_hinge"), _eers, _gains),
    ("Not in the answer: batch norm before the head helps", ("margin", "batch_norm"), _eers, _gains),
    ("Not in the answer: a softmax head, a distribution at last, helps", ("batch_norm", "softmax"), _eers, _gains),
    (
        "Not in the question: embeddings of the layer that the loss sees are better than the BLSTM's",
        ("softmax", "dense"),
        lambda a, b: f"EER by cosine {a.eer_cosine:.3f} -> {b.eer_cosine:.3f}",
        lambda a, b: b.eer_cosine < a.eer_cosine - BETTER,
    ),
    ("All pairs of a batch learn more than pairs drawn two by two", ("dense", "all_pairs"), _eers, _gains),
    (
        "AAM-softmax over the same network beats the pairs",
        ("all_pairs", "aam"),
        lambda a, b: f"EER by cosine {a.eer_cosine:.3f} -> {b.eer_cosine:.3f}",
        lambda a, b: b.eer_cosine < min(a.eer_cosine, a.eer_native) - BETTER,
    ),
)


def pictures(out: Path, results: list[dict], table: pd.DataFrame) -> list[Path]:
    """All pictures as PNG below `out`."""
    return [
        walk(out / "walk.png", results, table),
        curves(out / "curves.png", results),
        spread(out / "distances.png", results),
    ]


def walk(path: Path, results: list[dict], table: pd.DataFrame) -> Path:
    """EER of every step: medians as lines, seeds as points."""
    fig, ax = plt.subplots(figsize=(10, 4.5), layout="constrained")
    place = {step: i for i, step in enumerate(table.step)}
    for key, color, name in (("eer_native", "C0", "the network's own distance"), ("eer_cosine", "C1", "cosine")):
        ax.plot(table.step, 100 * table[key], color=color, label=name)
        ax.plot([place[r["step"]] for r in results], [100 * r[key] for r in results], "o", color=color, ms=4, alpha=0.5)
    ax.axhline(50, color="0.7", lw=1)
    ax.set(ylabel="EER on test speakers, %", ylim=(0, None))
    ax.tick_params(axis="x", rotation=30)
    ax.legend()
    return _save(fig, path, "From the asker's network to one that learns")


def curves(path: Path, results: list[dict]) -> Path:
    """Loss by batch of each step's first seed, as a share of its first value."""
    firsts = _firsts(results)
    fig, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for i, r in enumerate(firsts):
        values = np.array(r["curve"])
        ax.plot(
            10 * np.arange(1, len(values) + 1),
            values / values[0],
            color=plt.cm.viridis(i / len(firsts)),
            label=r["step"],
        )
    ax.set(xlabel="batch", ylabel="loss, by that of the first ten batches")
    ax.legend(fontsize=8, ncols=2)
    return _save(fig, path, "Training")


def spread(path: Path, results: list[dict]) -> Path:
    """Distances of test segments, 5 to 95 %: of one speaker and of two, each step's first seed."""
    firsts = [r for r in _firsts(results) if "distances_same" in r]
    fig, ax = plt.subplots(figsize=(10, 4.5), layout="constrained")
    for kind, shift, color in (("same", -0.15, "C0"), ("different", 0.15, "C3")):
        for i, r in enumerate(firsts):
            q = np.array(r[f"distances_{kind}"])
            ax.plot(
                [i + shift] * 2,
                q[[1, -2]],
                color=color,
                lw=1.5,
                label=f"{kind} speaker{'s' * (shift > 0)}" if not i else None,
            )
            ax.plot(i + shift, q[len(q) // 2], "o", color=color, ms=5)
    ax.axhline(0, color="0.7", lw=1)
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_xticks(range(len(firsts)), [r["step"] for r in firsts], rotation=30)
    ax.set_ylabel("distance of two segments")
    ax.legend()
    return _save(fig, path, "Distances on test speakers, 5 to 95 % and the median")


def _firsts(results: list[dict]) -> list[dict]:
    return [r for r in results if r["seed"] == results[0]["seed"]]


def _save(fig, path: Path, title: str) -> Path:
    fig.suptitle(title, fontsize=11)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)
    return path


def print_all(name: str, about: str, table: pd.DataFrame, judged: pd.DataFrame) -> None:
    """The table and the claims, on the terminal."""
    shown = Table("step", *(n.replace("_", " ") for n in SHOWN), title=name, caption=about or None)
    for line in table.to_dict("records"):
        shown.add_row(line["step"], *("–" if pd.isna(line[n]) else f"{line[n]:.3f}" for n in SHOWN))
    said = Table("claim", "figures", "holds", title="What question and answer say")
    for line in judged.to_dict("records"):
        said.add_row(line["claim"], line["figures"], "yes" if line["holds"] else "no")
    console = Console()
    console.print(shown)
    console.print(said)
