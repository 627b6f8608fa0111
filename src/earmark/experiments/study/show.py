"""A study for people: its tables in the terminal, and as pictures."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from earmark.experiments.study.plan import StudyPlan

# What fits a terminal; table.csv has the rest.
SHOWN = {
    "accuracy": "accuracy",
    "majmin": "majmin",
    "eer": "EER",
    "interval": "95 % interval",
    "crops_low": "by draw of crops",
    "tetrads": "tetrads",
    "chord529_accuracy": "529",
    "ece": "ECE",
    "val_accuracy": "validation",
    "epochs_to_60": "epochs to 60 %",
    "cpu_seconds": "CPU s",
    "parameters": "parameters",
}
# In this order, in a narrow terminal.
DISPENSABLE = ("source: epochs", "epochs to 60 %", "parameters", "validation", "CPU s", "ECE", "by draw of crops")
NAME_WIDTH = 24
FORMS = {"epochs_to_60": "g", "cpu_seconds": ".0f", "parameters": ",.0f"}


def tables(plan: StudyPlan, table: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Print the table of cells and the main effects."""
    _print_cells(plan, table)
    _print_effects(effects)


def _print_cells(plan: StudyPlan, table: pd.DataFrame) -> None:
    rows = table.to_dict("records")
    varied = [f for f in plan.factors if len(set(table[f])) > 1] or list(plan.factors)
    there = {k: name for k, name in SHOWN.items() if k in table or k == "interval"}
    columns = {name: [_cell(row, k) for row in rows] for k, name in there.items()}
    if any(f"reference_{k}" in table for k in ("test", "val")):
        columns["source: test / val"] = [_source(row) for row in rows]
    if "reference_epochs_to_60" in table:
        columns["source: epochs"] = ["" if r["refused"] else number(r["reference_epochs_to_60"], "g") for r in rows]
    console = Console()
    shown = Table(" · ".join(varied), title=title(plan), caption=plan.about or None, box=SIMPLE_HEAD, padding=(0, 1))
    columns = _fitting(columns, console.width)
    for name, cells in columns.items():
        shown.add_column(name, justify="right", min_width=max(map(len, cells)))
    for row, *cells in zip(rows, *columns.values(), strict=True):
        shown.add_row(" · ".join(str(row[f]) for f in varied), *cells)
    console.print(shown)
    for row in table[table.refused != ""].to_dict("records"):
        console.print(f"refused {' '.join(f'{f}={row[f]}' for f in plan.factors)}: {row['refused']}", markup=False)


def _cell(row: dict, key: str) -> str:
    if row["refused"]:
        return ""
    if key == "crops_low":
        return f"{number(row[key])} to {number(row['crops_high'])}" if np.isfinite(row[key]) else "–"
    return interval(row) if key == "interval" else number(row[key], FORMS.get(key, ".3f"))


def _source(row: dict) -> str:
    return "" if row["refused"] else f"{number(row.get('reference_test'))} / {number(row.get('reference_val'))}"


def _fitting(columns: dict[str, list[str]], width: int) -> dict[str, list[str]]:
    """The columns that leave room for a cell's name in a terminal of `width`; figures are never cut."""
    kept = dict(columns)
    for name in DISPENSABLE:
        needed = sum(max(*map(len, cells), *map(len, head.split())) + 2 for head, cells in kept.items())
        if needed <= width - NAME_WIDTH:
            break
        kept.pop(name, None)
    return kept


def _print_effects(effects: pd.DataFrame) -> None:
    for figure, rows in effects.groupby("figure", sort=False):
        shown = Table(
            *("factor", "level", "against", "difference", "95 % interval", "pairs"),
            title=f"Main effects on {figure}" if figure else "Main effects",
            box=SIMPLE_HEAD,
        )
        for row in rows.to_dict("records"):
            gap = f"{row['difference']:+.3f}" if row["pairs"] else "none to compare"
            span = interval(row, "+.3f") if row["pairs"] else ""
            shown.add_row(row["factor"], row["level"], row["against"], gap, span, str(row["pairs"]))
        Console().print(shown)


def verdicts(claims: pd.DataFrame) -> None:
    """Print what becomes of claims, as `verdict.decide` gives them."""
    shown = Table("verdict", "claim", "what was seen", title="Claims", box=SIMPLE_HEAD)
    for row in claims.to_dict("records"):
        gap = "" if np.isnan(row["low"]) else f"; {row['difference']:+.3f}, 95 % {interval(row, '+.3f')}"
        shown.add_row(row["verdict"], row["claim"], f"{row['figures']}{gap}; p {row['p_holm']:.3f}")
    Console().print(shown)


def title(plan: StudyPlan) -> str:
    """What the headline figure of the table is a figure of."""
    if plan.nested:
        return f"{plan.name}: inner {plan.headline}, two folds left out of each training"
    return f"{plan.name}: {plan.headline} on the test folds"


def number(value: float | None, form: str = ".3f") -> str:
    """A figure, or a dash for a missing one."""
    return "–" if value is None or not np.isfinite(value) else f"{value:{form}}"


def interval(row: dict, form: str = ".3f") -> str:
    """`low to high` of a row."""
    return f"{row['low']:{form}} to {row['high']:{form}}"


def cells_picture(path: Path, plan: StudyPlan, table: pd.DataFrame) -> None:
    """Accuracy of every cell with its interval as PNG, in the study's order; hollow: the source's figure."""
    names = [" · ".join(str(row[f]) for f in plan.factors) for row in table.to_dict("records")]
    fig, ax = _rows(names, f"{title(plan)}, with 95 % intervals")
    for y, row in enumerate(table.to_dict("records")):
        if row["refused"]:
            ax.text(0.01, y, "refused", transform=ax.get_yaxis_transform(), va="center", color="0.5", style="italic")
            continue
        ax.plot([row["low"], row["high"]], [y, y], color="C0", lw=1.5)
        ax.plot(row[plan.headline], y, "o", color="C0", label="here")
        if np.isfinite(row.get("reference_test", np.nan)):
            ax.plot(row["reference_test"], y, "D", color="C1", mfc="white", label="source")
    ax.set_xlabel(f"{plan.headline} ({' · '.join(plan.factors)})")
    _finish(fig, ax, path)


def effects_pictures(out: Path, effects: pd.DataFrame) -> list[Path]:
    """effects.png of the headline figure, and effects_<figure>.png of every other one."""
    done = []
    for figure, rows in effects.groupby("figure", sort=False):
        done.append(out / (f"effects_{figure}.png" if done else "effects.png"))
        effects_picture(done[-1], rows)
    return done


def effects_picture(path: Path, effects: pd.DataFrame) -> None:
    """Main effects on a figure with their intervals as PNG; left of the line is less than the factor's first level."""
    found = effects[effects.pairs > 0].to_dict("records")
    names = [f"{r['factor']}: {r['level']} against {r['against']}" for r in found]
    fig, ax = _rows(names, f"Main effects on {effects.figure.iloc[0]}, with 95 % intervals")
    ax.axvline(0, color="0.6", lw=1)
    for y, row in enumerate(found):
        clear = row["low"] > 0 or row["high"] < 0
        ax.plot([row["low"], row["high"]], [y, y], color="C0", lw=1.5)
        ax.plot(row["difference"], y, "o", color="C0", mfc="C0" if clear else "white")
    ax.set_xlabel("difference, paired by recording\n(filled: the interval excludes zero)")
    _finish(fig, ax, path)


def _rows(names: list[str], text: str):
    labels = 0.075 * max((len(name) for name in names), default=0)  # inches, about
    fig, ax = plt.subplots(figsize=(5.5 + labels, 1.5 + 0.3 * max(len(names), 1)), layout="constrained")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(plt.MaxNLocator(6))
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    fig.suptitle(text, fontsize=11)
    return fig, ax


def _finish(fig, ax, path: Path) -> None:
    handles, labels = ax.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if len(unique) > 1:
        ax.legend(unique.values(), unique.keys(), loc="best", fontsize=8)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)
